/* The tree of a doc, built from libyaml's events: everything that must be bounded is here. */
#include "base/arena.h"
#include "io/doc.h"
#include "io/doc_json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum {
    TEXT_GROWTH = 3, /* "\L" is two bytes written and three read */
    NODE_TEXT_SLACK = 64,
    MERGE_COST = 256
};

struct anchor {
    const char *name;
    const struct doc_node *node; /* NULL while it is still being read */
    struct anchor *next;
};

struct doc {
    struct arena arena;
    const char *name;
    const struct doc_node **roots;
    size_t root_count, root_cap;
    struct doc_duplicate *duplicates;
    size_t duplicate_count, duplicate_cap;
};

struct builder {
    struct doc *doc;
    struct doc_limits limits;
    yaml_parser_t *parser;
    struct anchor *anchors; /* of the current document, newest first */
    size_t nodes, expanded, depth;
};

/* An unquoted "<<" is known by this address: a quoted one is a key like any other. */
static const char merge_key[] = "<<";

static const struct doc_limits default_limits = { .bytes_max = DOC_BYTES_MAX,
                                                  .nodes_max = DOC_NODES_MAX,
                                                  .depth_max = DOC_DEPTH_MAX,
                                                  .expanded_max = DOC_EXPANDED_MAX };

static bool fail_at(struct builder *b, yaml_mark_t mark, struct error *err, const char *what)
{
    return error_set(err, ERR_INVALID, "%s:%zu:%zu: %s", b->doc->name, mark.line + 1,
                     mark.column + 1, what);
}

/* libyaml's own complaints, with the place of the problem and of what it belongs to. */
static bool fail_parser(struct builder *b, struct error *err)
{
    const yaml_parser_t *p = b->parser;
    if (p->error == YAML_READER_ERROR) {
        return error_set(err, ERR_INVALID, "%s: byte %zu: %s: write the file as UTF-8",
                         b->doc->name, p->problem_offset, p->problem ? p->problem : "not UTF-8");
    }
    const char *problem = p->problem ? p->problem : "not YAML";
    if (text_equal(problem, "found character that cannot start any token"))
        problem = "found character that cannot start any token (a tab? indent with spaces)";
    if (!p->context || p->context_mark.line == p->problem_mark.line)
        return fail_at(b, p->problem_mark, err, problem);
    return error_set(err, ERR_INVALID, "%s:%zu:%zu: %s, %s that begins in line %zu", b->doc->name,
                     p->problem_mark.line + 1, p->problem_mark.column + 1, problem, p->context,
                     p->context_mark.line + 1);
}

static void *take(struct builder *b, size_t count, size_t size, yaml_mark_t mark, struct error *err)
{
    void *p = arena_take(&b->doc->arena, count, size);
    if (!p) fail_at(b, mark, err, "the document needs more memory than its limits allow");
    return p;
}

static char *take_text(struct builder *b, const yaml_char_t *text, size_t len, yaml_mark_t mark,
                       struct error *err)
{
    if (memchr(text, 0, len)) {
        fail_at(b, mark, err, "a NUL character is not allowed");
        return NULL;
    }
    char *p = take(b, len + 1, 1, mark, err);
    if (p && len) memcpy(p, text, len);
    return p;
}

static struct doc_node *node_new(struct builder *b, enum doc_kind kind, yaml_mark_t mark,
                                 struct error *err)
{
    if (b->nodes >= b->limits.nodes_max) {
        fail_at(b, mark, err, "too many values in one document");
        return NULL;
    }
    struct doc_node *node = take(b, 1, sizeof *node, mark, err);
    if (!node) return NULL;
    b->nodes++;
    node->kind = kind;
    node->text = "";
    node->doc = b->doc;
    node->line = (unsigned)mark.line + 1;
    node->column = (unsigned)mark.column + 1;
    return node;
}

static bool next_event(struct builder *b, yaml_event_t *event, struct error *err)
{
    return yaml_parser_parse(b->parser, event) == 1 || fail_parser(b, err);
}

static bool is_null_word(const char *text)
{
    static const char *const words[] = { "", "~", "null", "Null", "NULL" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i]) == 0) return true;
    return false;
}

static struct doc_node *scalar(struct builder *b, const yaml_event_t *event, struct error *err)
{
    struct doc_node *node = node_new(b, DOC_SCALAR, event->start_mark, err);
    if (!node) return NULL;
    node->text =
        take_text(b, event->data.scalar.value, event->data.scalar.length, event->start_mark, err);
    if (!node->text) return NULL;
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (!node->quoted && !event->data.scalar.tag && is_null_word(node->text)) node->kind = DOC_NULL;
    return node;
}

static const struct anchor *anchor_find(const struct builder *b, const char *name)
{
    for (const struct anchor *a = b->anchors; a; a = a->next)
        if (strcmp(a->name, name) == 0) return a;
    return NULL;
}

static struct anchor *anchor_add(struct builder *b, const yaml_char_t *name, yaml_mark_t mark,
                                 struct error *err)
{
    struct anchor *a = take(b, 1, sizeof *a, mark, err);
    if (!a) return NULL;
    a->name = take_text(b, name, strlen((const char *)name), mark, err);
    if (!a->name) return NULL;
    a->next = b->anchors;
    b->anchors = a;
    return a;
}

static void append(struct doc_node *parent, struct doc_node **last, struct doc_node *child)
{
    child->parent = parent;
    child->index = parent->count++;
    child->next = NULL;
    if (*last)
        (*last)->next = child;
    else
        parent->first = child;
    *last = child;
}

/* A copy of a finished subtree; its depth is that of the original plus where it is put. */
static struct doc_node *copy(struct builder *b, const struct doc_node *from, yaml_mark_t mark,
                             struct error *err)
{
    if (from->kind >= DOC_SEQUENCE && b->depth >= b->limits.depth_max) {
        fail_at(b, mark, err, "nested too deeply");
        return NULL;
    }
    if (b->expanded++ >= b->limits.expanded_max) {
        fail_at(b, mark, err, "aliases expand to too many values");
        return NULL;
    }
    struct doc_node *node = node_new(b, from->kind, mark, err);
    if (!node) return NULL;
    struct doc_node *last = NULL;
    node->quoted = from->quoted;
    node->text = from->text;
    node->tag = from->tag;
    node->line = from->line;
    node->column = from->column;
    b->depth++;
    doc_for_each (child, from) {
        struct doc_node *c = copy(b, child, mark, err);
        if (!c) return NULL;
        c->key = child->key;
        c->key_line = child->key_line;
        c->key_column = child->key_column;
        append(node, &last, c);
    }
    b->depth--;
    return node;
}

static struct doc_node *alias(struct builder *b, const yaml_event_t *event, struct error *err)
{
    const struct anchor *a = anchor_find(b, (const char *)event->data.alias.anchor);
    if (!a) {
        fail_at(b, event->start_mark, err, "this alias names no anchor (&) before it");
        return NULL;
    }
    if (!a->node) {
        fail_at(b, event->start_mark, err, "this alias stands inside its own anchor");
        return NULL;
    }
    return copy(b, a->node, event->start_mark, err);
}

static struct doc_node *value(struct builder *b, const yaml_event_t *event, struct error *err);

static bool sequence(struct builder *b, struct doc_node *list, struct error *err)
{
    struct doc_node *last = NULL;
    for (;;) {
        AUTO(yaml_event_delete) yaml_event_t event;
        memset(&event, 0, sizeof event);
        if (!next_event(b, &event, err)) return false;
        if (event.type == YAML_SEQUENCE_END_EVENT) return true;
        struct doc_node *item = value(b, &event, err);
        if (!item) return false;
        append(list, &last, item);
    }
}

static int by_key_then_index(const void *a, const void *b)
{
    const struct doc_node *x = *(const struct doc_node *const *)a;
    const struct doc_node *y = *(const struct doc_node *const *)b;
    int order = strcmp(x->key, y->key);
    if (order != 0) return order;
    return x->index < y->index ? -1 : 1;
}

static void duplicate_add(struct doc *doc, const struct doc_node *winner,
                          const struct doc_node *loser)
{
    if (doc->duplicate_count == doc->duplicate_cap) {
        doc->duplicate_cap = doc->duplicate_cap ? 2 * doc->duplicate_cap : 8;
        doc->duplicates = xrealloc(doc->duplicates, doc->duplicate_cap * sizeof *doc->duplicates);
    }
    doc->duplicates[doc->duplicate_count++] = (struct doc_duplicate){ .winner = winner,
                                                                      .line = loser->key_line,
                                                                      .column = loser->key_column };
}

/* Takes all but the last of equal keys out of the mapping. Losers are marked by a NULL key;
 * sorting keeps this cheap for mappings of any size. */
static void drop_duplicates(struct builder *b, struct doc_node *map)
{
    if (map->count < 2) return;
    struct doc_node **all = xcalloc(map->count, sizeof *all);
    size_t count = 0, before = b->doc->duplicate_count;
    doc_for_each (child, map) all[count++] = (struct doc_node *)child;
    qsort(all, count, sizeof *all, by_key_then_index);
    for (size_t i = count - 1, winner = count - 1; i-- > 0;) {
        if (strcmp(all[i]->key, all[winner]->key) != 0)
            winner = i;
        else
            duplicate_add(b->doc, all[winner], all[i]);
    }
    if (b->doc->duplicate_count > before) {
        for (size_t i = 0; i + 1 < count; i++)
            if (strcmp(all[i]->key, all[i + 1]->key) == 0) all[i]->parent = NULL;
        struct doc_node *last = NULL, *child = (struct doc_node *)map->first;
        map->first = NULL;
        map->count = 0;
        while (child) {
            struct doc_node *next = (struct doc_node *)child->next;
            if (child->parent) append(map, &last, child);
            child = next;
        }
    }
    free(all);
}

/* `<<: *alias`: the alias's keys that the mapping does not have itself. Those of an earlier
 * alias win over those of a later one, so only absent keys are ever added. */
static bool merge_one(struct builder *b, struct doc_node *map, struct doc_node **last,
                      const struct doc_node *from, struct error *err)
{
    for (const struct doc_node *child = from->first, *next; child; child = next) {
        next = child->next;
        if (!doc_get(map, child->key)) append(map, last, (struct doc_node *)child);
        b->expanded += 1 + map->count / MERGE_COST; /* doc_get() looks at all of them */
        if (b->expanded > b->limits.expanded_max)
            return doc_error(from, err, "merges expand to too many values");
    }
    return true;
}

static bool merge(struct builder *b, struct doc_node *map, struct error *err)
{
    struct doc_node *last = NULL, *merged = NULL, *child = (struct doc_node *)map->first;
    map->first = NULL;
    map->count = 0;
    while (child) {
        struct doc_node *next = (struct doc_node *)child->next;
        if (child->key == merge_key)
            merged = child;
        else
            append(map, &last, child);
        child = next;
    }
    if (!merged) return true; /* a quoted "<<" came later and took its place */
    if (merged->kind == DOC_MAPPING) return merge_one(b, map, &last, merged, err);
    if (merged->kind != DOC_SEQUENCE)
        return doc_error(merged, err, "\"<<\" merges a mapping or a list of mappings");
    doc_for_each (item, merged) {
        if (item->kind != DOC_MAPPING)
            return doc_error(item, err, "\"<<\" merges a mapping or a list of mappings");
        if (!merge_one(b, map, &last, item, err)) return false;
    }
    return true;
}

static bool mapping(struct builder *b, struct doc_node *map, struct error *err)
{
    struct doc_node *last = NULL;
    bool merges = false;
    for (;;) {
        AUTO(yaml_event_delete) yaml_event_t key;
        memset(&key, 0, sizeof key);
        if (!next_event(b, &key, err)) return false;
        if (key.type == YAML_MAPPING_END_EVENT) break;
        AUTO(yaml_event_delete) yaml_event_t event;
        memset(&event, 0, sizeof event);
        struct doc_node *name = value(b, &key, err);
        if (!name) return false;
        if (name->kind != DOC_SCALAR && name->kind != DOC_NULL)
            return fail_at(b, key.start_mark, err, "a key must be a single text");
        if (!next_event(b, &event, err)) return false;
        struct doc_node *child = value(b, &event, err);
        if (!child) return false;
        bool is_merge = !name->quoted && strcmp(name->text, "<<") == 0;
        child->key = is_merge ? merge_key : name->text;
        child->key_line = (unsigned)key.start_mark.line + 1;
        child->key_column = (unsigned)key.start_mark.column + 1;
        merges = merges || is_merge;
        append(map, &last, child);
    }
    drop_duplicates(b, map);
    return !merges || merge(b, map, err);
}

static const yaml_char_t *event_anchor(const yaml_event_t *event)
{
    if (event->type == YAML_SCALAR_EVENT) return event->data.scalar.anchor;
    if (event->type == YAML_SEQUENCE_START_EVENT) return event->data.sequence_start.anchor;
    return event->data.mapping_start.anchor;
}

static const yaml_char_t *event_tag(const yaml_event_t *event)
{
    if (event->type == YAML_SCALAR_EVENT) return event->data.scalar.tag;
    if (event->type == YAML_SEQUENCE_START_EVENT) return event->data.sequence_start.tag;
    return event->data.mapping_start.tag;
}

static struct doc_node *content(struct builder *b, const yaml_event_t *event, struct error *err)
{
    if (event->type == YAML_SCALAR_EVENT) return scalar(b, event, err);
    bool is_list = event->type == YAML_SEQUENCE_START_EVENT;
    assert(is_list || event->type == YAML_MAPPING_START_EVENT);
    if (b->depth >= b->limits.depth_max) {
        fail_at(b, event->start_mark, err, "nested too deeply");
        return NULL;
    }
    struct doc_node *node =
        node_new(b, is_list ? DOC_SEQUENCE : DOC_MAPPING, event->start_mark, err);
    if (!node) return NULL;
    b->depth++;
    bool ok = is_list ? sequence(b, node, err) : mapping(b, node, err);
    b->depth--;
    return ok ? node : NULL;
}

static struct doc_node *value(struct builder *b, const yaml_event_t *event, struct error *err)
{
    if (event->type == YAML_ALIAS_EVENT) return alias(b, event, err);
    struct anchor *anchor = NULL;
    if (event_anchor(event)) {
        anchor = anchor_add(b, event_anchor(event), event->start_mark, err);
        if (!anchor) return NULL;
    }
    struct doc_node *node = content(b, event, err);
    if (!node) return NULL;
    const char *tag = (const char *)event_tag(event);
    if (tag) {
        node->tag = take_text(b, event_tag(event), strlen(tag), event->start_mark, err);
        if (!node->tag) return NULL;
        if (strcmp(tag, YAML_STR_TAG) == 0) node->quoted = true;
    }
    if (anchor) anchor->node = node;
    return node;
}

static void root_add(struct doc *doc, const struct doc_node *root)
{
    if (doc->root_count == doc->root_cap) {
        doc->root_cap = doc->root_cap ? 2 * doc->root_cap : 4;
        doc->roots = xrealloc(doc->roots, doc->root_cap * sizeof *doc->roots);
    }
    doc->roots[doc->root_count++] = root;
}

static bool build(struct builder *b, struct error *err)
{
    for (;;) {
        AUTO(yaml_event_delete) yaml_event_t event;
        memset(&event, 0, sizeof event);
        if (!next_event(b, &event, err)) return false;
        if (event.type == YAML_STREAM_END_EVENT) break;
        if (event.type == YAML_STREAM_START_EVENT || event.type == YAML_DOCUMENT_END_EVENT)
            continue;
        if (event.type == YAML_DOCUMENT_START_EVENT) {
            b->anchors = NULL;
            continue;
        }
        struct doc_node *root = value(b, &event, err);
        if (!root) return false;
        root_add(b->doc, root);
    }
    if (b->doc->root_count) return true;
    struct doc_node *empty = node_new(b, DOC_NULL, (yaml_mark_t){ 0, 0, 0 }, err);
    if (empty) root_add(b->doc, empty);
    return empty != NULL;
}

bool doc_parse(const char *name, struct bytes text, const struct doc_limits *limits,
               struct doc **out, struct error *err)
{
    static const uint8_t byte_order_mark[] = { 0xef, 0xbb, 0xbf };
    struct builder b = { .limits = limits ? *limits : default_limits };
    if (text.len > b.limits.bytes_max)
        return error_set(err, ERR_INVALID, "%s: larger than %zu bytes", name, b.limits.bytes_max);
    if (text.len >= sizeof byte_order_mark && memcmp(text.data, byte_order_mark, 3) == 0)
        text = bytes_of(text.data + 3, text.len - 3);
    AUTO(buf_deinit) struct buf json = { 0 };
    text = doc_json_prepare(text, &json);
    AUTO(doc_free_at) struct doc *doc = xcalloc(1, sizeof *doc);
    arena_init(&doc->arena, b.limits.nodes_max * (sizeof(struct doc_node) + NODE_TEXT_SLACK) +
                                text.len * TEXT_GROWTH + strlen(name) + NODE_TEXT_SLACK);
    doc->name = arena_text(&doc->arena, name);
    b.doc = doc;
    AUTO(yaml_parser_delete) yaml_parser_t parser;
    if (yaml_parser_initialize(&parser) != 1) abort(); /* out of memory, as in xcalloc() */
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    /* libyaml asserts that there is an address, and no bytes may come without one. */
    yaml_parser_set_input_string(&parser, text.data ? text.data : (const uint8_t *)"", text.len);
    b.parser = &parser;
    if (!build(&b, err)) return false;
    *out = doc;
    doc = NULL;
    return true;
}

void doc_free(struct doc *doc)
{
    if (!doc) return;
    free(doc->roots);
    free(doc->duplicates);
    arena_deinit(&doc->arena);
    free(doc);
}

void doc_free_at(struct doc **place)
{
    doc_free(*place);
}

const char *doc_name(const struct doc *doc)
{
    return doc->name;
}

size_t doc_count(const struct doc *doc)
{
    return doc->root_count;
}

const struct doc_node *doc_root(const struct doc *doc, size_t i)
{
    assert(i < doc->root_count);
    return doc->roots[i];
}

size_t doc_duplicate_count(const struct doc *doc)
{
    return doc->duplicate_count;
}

const struct doc_duplicate *doc_duplicate(const struct doc *doc, size_t i)
{
    assert(i < doc->duplicate_count);
    return &doc->duplicates[i];
}
