#include "shell/definition.h"

#include "io/doc.h"
#include "shell/definition_commands.h"
#include "shell/definition_condition.h"
#include "shell/definition_deploy.h"
#include "shell/definition_flow.h"
#include "shell/definition_meaning.h"
#include "shell/definition_variables.h"
#include "shell/definition_wave.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROBLEMS_MAX = 100, ARTIFACTS_MAX = 10, PATH_SIZE = 512 };

/* A list that grows in the reader's own memory; copied into an arena at the end. */
struct problem_list {
    struct problem at[PROBLEMS_MAX];
    size_t count;
};

struct reader {
    struct arena *messages; /* problems' texts */
    struct pipeline *pipeline;
    struct problem_list wrong;       /* the text cannot be read so */
    struct problem_list unsupported; /* known, not run yet */
};

static void add_problem(struct arena *arena, struct problem_list *list, const struct doc_node *node,
                        bool at_key, const char *text)
{
    assert(node);
    if (list->count == PROBLEMS_MAX) return;
    char path[PATH_SIZE];
    doc_path(node, path, sizeof path);
    list->at[list->count++] =
        (struct problem){ .line = at_key && node->key_line ? node->key_line : node->line,
                          .column = at_key && node->key_line ? node->key_column : node->column,
                          .path = arena_text(arena, path),
                          .text = arena_text(arena, text) };
}

static void wrong(struct reader *r, const struct doc_node *node, const char *text)
{
    add_problem(r->messages, &r->wrong, node, false, text);
}

static void unsupported(struct reader *r, const struct doc_node *node, const char *what)
{
    char text[256];
    snprintf(text, sizeof text, "%s is not supported yet: remove it to apply this pipeline", what);
    add_problem(&r->pipeline->arena, &r->unsupported, node, true, text);
}

/* ---- fields ---- */

/* How a known key is treated. */
enum treatment {
    PARSED, /* its reader looks at it */
    KEPT,   /* no meaning here: stays in the text */
    NOT_YET /* refused when present and not empty */
};

struct field {
    const char *name;
    enum treatment treatment;
};

enum { FIELDS_MAX = 24 };

static bool is_empty(const struct doc_node *node)
{
    return doc_is_null(node) || (node->kind != DOC_SCALAR && node->count == 0);
}

/* Unknown keys are wrong, NOT_YET ones unsupported. False when the node is no mapping. */
static bool check_fields(struct reader *r, const struct doc_node *map, const struct field *fields)
{
    if (map->kind != DOC_MAPPING) {
        wrong(r, map, "must be a mapping ({...})");
        return false;
    }
    const char *known[FIELDS_MAX + 1] = { 0 };
    for (size_t i = 0; fields[i].name; i++) {
        assert(i < FIELDS_MAX);
        known[i] = fields[i].name;
        const struct doc_node *node = doc_get(map, fields[i].name);
        if (node && fields[i].treatment == NOT_YET && !is_empty(node))
            unsupported(r, node, fields[i].name);
    }
    for (const struct doc_node *extra = doc_first_unknown(map, known); extra;
         extra = doc_first_unknown_after(extra, known)) {
        char text[256];
        const char *nearest = doc_nearest(extra->key, known);
        snprintf(text, sizeof text, "unknown field '%.80s'%s%s%s", extra->key,
                 nearest ? ", did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
        add_problem(r->messages, &r->wrong, extra, true, text);
    }
    return true;
}

/* A text into the pipeline's arena; "" and no complaint when absent. */
static const char *text_field(struct reader *r, const struct doc_node *map, const char *key,
                              struct position *at)
{
    const struct doc_node *node = doc_get(map, key);
    if (doc_is_null(node)) return "";
    if (node->kind != DOC_SCALAR) {
        wrong(r, node, "must be a text");
        return "";
    }
    if (at) *at = definition_place(node);
    return arena_text(&r->pipeline->arena, node->text);
}

static uint32_t number_field(struct reader *r, const struct doc_node *map, const char *key,
                             uint32_t min, uint32_t max, uint32_t fallback)
{
    const struct doc_node *node = doc_get(map, key);
    if (doc_is_null(node)) return fallback;
    struct error err = { 0 };
    uint64_t value = 0;
    /* CloudFormation and some tools write numbers as texts. */
    char *end = NULL;
    if (node->kind == DOC_SCALAR && node->quoted && node->text[0] >= '0' && node->text[0] <= '9') {
        value = strtoull(node->text, &end, 10);
        if (*end == '\0' && value >= min && value <= max) return (uint32_t)value;
    }
    if (doc_unsigned(node, min, max, &value, &err)) return (uint32_t)value;
    char text[96];
    snprintf(text, sizeof text, "must be a whole number from %u to %u", (unsigned)min,
             (unsigned)max);
    wrong(r, node, text);
    return fallback;
}

/* A list's children; a missing or wrong one has none. */
static const struct doc_node *list_field(struct reader *r, const struct doc_node *map,
                                         const char *key, size_t max)
{
    const struct doc_node *node = doc_get(map, key);
    if (doc_is_null(node)) return NULL;
    if (node->kind != DOC_SEQUENCE) {
        wrong(r, node, "must be a list ([...])");
        return NULL;
    }
    if (node->count > max) {
        char text[96];
        snprintf(text, sizeof text, "has %zu entries; at most %zu are allowed", node->count, max);
        wrong(r, node, text);
        return NULL;
    }
    return node;
}

/* ---- actions ---- */

struct word {
    const char *text;
    unsigned value;
};

static bool word_field(struct reader *r, const struct doc_node *map, const char *key,
                       const struct word *words, unsigned *out)
{
    const struct doc_node *node = doc_get(map, key);
    if (!node || node->kind != DOC_SCALAR) {
        wrong(r, node ? node : map, "a text is missing here");
        return false;
    }
    char list[160] = "";
    for (size_t i = 0, used = 0; words[i].text; i++) {
        if (text_equal(words[i].text, node->text)) {
            *out = words[i].value;
            return true;
        }
        used +=
            (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", words[i].text);
        assert(used < sizeof list);
    }
    char text[256];
    snprintf(text, sizeof text, "must be one of %s", list);
    wrong(r, node, text);
    return false;
}

static void read_action_type(struct reader *r, const struct doc_node *node,
                             struct pipeline_action *action)
{
    static const struct field fields[] = { { "category", PARSED },
                                           { "owner", PARSED },
                                           { "provider", PARSED },
                                           { "version", PARSED },
                                           { NULL, PARSED } };
    static const struct word categories[] = {
        { "Source", CATEGORY_SOURCE },   { "Build", CATEGORY_BUILD },
        { "Deploy", CATEGORY_DEPLOY },   { "Test", CATEGORY_TEST },
        { "Invoke", CATEGORY_INVOKE },   { "Approval", CATEGORY_APPROVAL },
        { "Compute", CATEGORY_COMPUTE }, { NULL, 0 }
    };
    static const struct word owners[] = { { "AWS", OWNER_AWS },
                                          { "ThirdParty", OWNER_THIRD_PARTY },
                                          { "Custom", OWNER_CUSTOM },
                                          { NULL, 0 } };
    unsigned value = 0;
    if (!check_fields(r, node, fields)) return;
    if (word_field(r, node, "category", categories, &value))
        action->category = (enum action_category)value;
    if (word_field(r, node, "owner", owners, &value)) action->owner = (enum action_owner)value;
    action->provider = text_field(r, node, "provider", NULL);
    action->version = text_field(r, node, "version", NULL);
}

/* [{"name": "..."}] */
static const char *const *read_artifacts(struct reader *r, const struct doc_node *map,
                                         const char *key, size_t *count)
{
    static const struct field fields[] = { { "name", PARSED },
                                           { "files", PARSED },
                                           { NULL, PARSED } };
    const struct doc_node *list = list_field(r, map, key, ARTIFACTS_MAX);
    *count = 0;
    if (!list) return NULL;
    const char **names = arena_calloc(&r->pipeline->arena, list->count, sizeof *names);
    doc_for_each (item, list) {
        if (!check_fields(r, item, fields)) continue;
        if (doc_is_null(doc_get(item, "name"))) wrong(r, item, "an artifact needs a name");
        names[(*count)++] = text_field(r, item, "name", NULL);
    }
    return names;
}

static void read_action(struct reader *r, const struct doc_node *node,
                        struct pipeline_action *action)
{
    static const struct field fields[] = { { "name", PARSED },
                                           { "actionTypeId", PARSED },
                                           { "runOrder", PARSED },
                                           { "configuration", PARSED },
                                           { "commands", PARSED },
                                           { "inputArtifacts", PARSED },
                                           { "outputArtifacts", PARSED },
                                           { "outputVariables", PARSED },
                                           { "roleArn", KEPT },
                                           { "region", PARSED },
                                           { "namespace", PARSED },
                                           { "timeoutInMinutes", PARSED },
                                           { "environmentVariables", PARSED },
                                           { "meridian", PARSED },
                                           { NULL, PARSED } };
    *action = (struct pipeline_action){ .name = "",
                                        .provider = "",
                                        .version = "",
                                        .region = "",
                                        .namespace = "",
                                        .run_order = 1,
                                        .at = definition_place(node) };
    action->name_at = action->region_at = action->at;
    if (!check_fields(r, node, fields)) return;
    action->name = text_field(r, node, "name", &action->name_at);
    action->region = text_field(r, node, "region", &action->region_at);
    action->namespace = text_field(r, node, "namespace", NULL);
    action->run_order = number_field(r, node, "runOrder", 1, 999, 1);
    action->timeout_minutes = number_field(r, node, "timeoutInMinutes", 5, 86400, 0);
    const struct doc_node *type = doc_get(node, "actionTypeId");
    if (doc_is_null(type))
        wrong(r, node, "an action needs actionTypeId (category, owner, provider, version)");
    else
        read_action_type(r, type, action);
    struct definition_flaw flaw;
    if (!definition_settings(node, &r->pipeline->arena, action, &flaw) ||
        !definition_commands(node, &r->pipeline->arena, action, &flaw))
        wrong(r, flaw.node, flaw.text);
    action->inputs = read_artifacts(r, node, "inputArtifacts", &action->input_count);
    action->outputs = read_artifacts(r, node, "outputArtifacts", &action->output_count);
    struct definition_trouble trouble;
    if (!definition_variables(node, &r->pipeline->arena, action, &trouble) ||
        !definition_deploy(node, action, &trouble))
        wrong(r, trouble.node, trouble.text);
}

/* ---- stages, stores, the whole ---- */

static void read_stage(struct reader *r, const struct doc_node *node, struct pipeline_stage *stage)
{
    static const struct field fields[] = { { "name", PARSED },      { "actions", PARSED },
                                           { "blockers", NOT_YET }, { "onFailure", PARSED },
                                           { "onSuccess", PARSED }, { "beforeEntry", PARSED },
                                           { "meridian", PARSED },  { NULL, PARSED } };
    *stage = (struct pipeline_stage){ .name = "", .at = definition_place(node) };
    stage->name_at = stage->at;
    if (!check_fields(r, node, fields)) return;
    stage->name = text_field(r, node, "name", &stage->name_at);
    struct definition_flaw flaw;
    if (!definition_failure(node, stage, &flaw)) wrong(r, flaw.node, flaw.text);
    if (!definition_regions(node, &r->pipeline->arena, &stage->regions, &flaw) ||
        !definition_conditions(node, &r->pipeline->arena, stage, &flaw))
        wrong(r, flaw.node, flaw.text);
    const struct doc_node *list = list_field(r, node, "actions", WIRE_ACTIONS_MAX);
    if (!list) return;
    struct pipeline_action *actions =
        arena_calloc(&r->pipeline->arena, list->count, sizeof *actions);
    doc_for_each (item, list) read_action(r, item, &actions[stage->action_count++]);
    stage->actions = actions;
}

static void read_store(struct reader *r, const struct doc_node *node, struct pipeline_store *store)
{
    static const struct field fields[] = {
        { "type", PARSED }, { "location", PARSED }, { "encryptionKey", KEPT }, { NULL, PARSED }
    };
    assert(node);
    *store = (struct pipeline_store){ .region = "", .location = "", .at = definition_place(node) };
    if (!check_fields(r, node, fields)) return;
    const struct doc_node *type = doc_get(node, "type");
    if (!type || type->kind != DOC_SCALAR || !text_equal(type->text, "S3"))
        wrong(r, type ? type : node, "an artifact store has type S3");
    store->location = text_field(r, node, "location", NULL);
    if (node->key && node->parent && node->parent->key &&
        text_equal(node->parent->key, "artifactStores"))
        store->region = arena_text(&r->pipeline->arena, node->key);
}

static void read_stores(struct reader *r, const struct doc_node *map)
{
    struct pipeline *p = r->pipeline;
    const struct doc_node *one = doc_get(map, "artifactStore");
    const struct doc_node *many = doc_get(map, "artifactStores");
    p->stores_at = definition_place(many ? many : one ? one : map);
    if (!doc_is_null(one) && !doc_is_null(many))
        wrong(r, many, "artifactStore and artifactStores exclude each other: keep one");
    if (many && !doc_is_null(many)) {
        p->stores_is_map = true;
        if (many->kind != DOC_MAPPING || many->count > WIRE_STAGES_MAX) {
            wrong(r, many, "must be a mapping of at most 50 regions");
            return;
        }
        struct pipeline_store *stores = arena_calloc(&p->arena, many->count, sizeof *stores);
        doc_for_each (item, many) read_store(r, item, &stores[p->store_count++]);
        p->stores = stores;
    } else if (!doc_is_null(one)) {
        struct pipeline_store *store = arena_calloc(&p->arena, 1, sizeof *store);
        read_store(r, one, store);
        p->stores = store;
        p->store_count = 1;
    }
}

static void read_pipeline(struct reader *r, const struct doc_node *node)
{
    static const struct field fields[] = {
        { "name", PARSED },           { "roleArn", KEPT },      { "artifactStore", PARSED },
        { "artifactStores", PARSED }, { "stages", PARSED },     { "version", PARSED },
        { "executionMode", PARSED },  { "pipelineType", KEPT }, { "variables", PARSED },
        { "triggers", NOT_YET },      { "meridian", NOT_YET },  { NULL, PARSED }
    };
    struct definition_flaw flaw;
    struct pipeline *p = r->pipeline;
    p->at = p->name_at = definition_place(node);
    if (!check_fields(r, node, fields)) return;
    p->name = text_field(r, node, "name", &p->name_at);
    p->version = number_field(r, node, "version", 1, UINT32_MAX, 1);
    if (!definition_mode(node, p, &flaw) || !definition_declared(node, p, &flaw))
        wrong(r, flaw.node, flaw.text);
    read_stores(r, node);
    const struct doc_node *list = list_field(r, node, "stages", WIRE_STAGES_MAX);
    if (!list) return;
    struct pipeline_stage *stages = arena_calloc(&p->arena, list->count, sizeof *stages);
    doc_for_each (item, list) read_stage(r, item, &stages[p->stage_count++]);
    p->stages = stages;
}

/* The pipeline itself, below get-pipeline's envelope or bare. */
static const struct doc_node *envelope_open(struct reader *r, const struct doc_node *root)
{
    static const struct field fields[] = { { "pipeline", PARSED },
                                           { "metadata", KEPT },
                                           { NULL, PARSED } };
    const struct doc_node *inner = doc_get(root, "pipeline");
    if (!inner) return root;
    if (!check_fields(r, root, fields)) return NULL;
    return inner;
}

static const struct problem *problems_copy(const struct problem_list *list, struct arena *arena)
{
    struct problem *copy = arena_calloc(arena, list->count, sizeof *copy);
    memcpy(copy, list->at, list->count * sizeof *copy);
    return copy;
}

static void one_problem(struct reader *r, const char *text)
{
    r->wrong.at[r->wrong.count++] =
        (struct problem){ .path = "", .text = arena_text(r->messages, text) };
}

/* "FILE:LINE:COLUMN: what", as the parser says it, taken apart. */
static void parse_problem(struct reader *r, const char *file, const char *text)
{
    unsigned line = 0, column = 0;
    int len = 0;
    size_t name = strlen(file);
    one_problem(r, text);
    if (strncmp(text, file, name) != 0) return;
    if (sscanf(text + name, ":%u:%u: %n", &line, &column, &len) != 2 || len == 0) return;
    struct problem *problem = &r->wrong.at[r->wrong.count - 1];
    problem->line = line;
    problem->column = column;
    problem->text += name + (size_t)len;
}

static void check_duplicates(struct reader *r, const struct doc *doc)
{
    for (size_t i = 0; i < doc_duplicate_count(doc); i++) {
        char text[128];
        snprintf(text, sizeof text, "this key stands here and in line %u too: keep one",
                 doc_duplicate(doc, i)->line);
        add_problem(r->messages, &r->wrong, doc_duplicate(doc, i)->winner, true, text);
    }
}

bool definition_parse(const char *file, struct bytes text, struct arena *arena,
                      struct pipeline **out, const struct problem **problems, size_t *problem_count)
{
    AUTO(auto_free) struct reader *r = xcalloc(1, sizeof *r);
    AUTO(doc_free_at) struct doc *doc = NULL;
    struct error err = { 0 };
    r->messages = arena;
    r->pipeline = pipeline_new();
    if (!doc_parse(file, text, NULL, &doc, &err)) {
        parse_problem(r, file, err.text);
    } else if (doc_count(doc) != 1) {
        one_problem(r, "a pipeline file holds one document");
    } else {
        check_duplicates(r, doc);
        const struct doc_node *node = envelope_open(r, doc_root(doc, 0));
        if (node) {
            read_pipeline(r, node);
            definition_meaning(node, "version", r->pipeline->meaning);
        }
    }
    if (r->wrong.count > 0) {
        pipeline_free(r->pipeline);
        *out = NULL;
        *problems = problems_copy(&r->wrong, arena);
        *problem_count = r->wrong.count;
        return false;
    }
    r->pipeline->unsupported = problems_copy(&r->unsupported, &r->pipeline->arena);
    r->pipeline->unsupported_count = r->unsupported.count;
    *out = r->pipeline;
    *problems = NULL;
    *problem_count = 0;
    return true;
}
