#include "bundle/buildspec.h"

#include "base/arena.h"
#include "bundle/appspec_reader.h"
#include "io/doc.h"
#include "io/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MEMORY_MAX = 64 << 20, WARNINGS_MAX = 8, NAME_MAX_HERE = 100 };

struct buildspec_memory {
    struct arena arena;
    struct doc *doc;
    const char *warnings[WARNINGS_MAX];
};

static const char *const phase_names[] = { "install", "pre_build", "build", "post_build", NULL };

const char *buildspec_phase_name(enum buildspec_phase_kind phase)
{
    return phase_names[phase];
}

/* ---- keys ---- */

/* Keys of CodeBuild that change what is built, and what to do without them. */
struct refused {
    const char *key, *advice;
};

static const char refuse_runtime[] =
    "has no meaning here: install what the build needs on the worker and remove this key";
static const char refuse_store[] =
    "has no meaning here: use secrets-manager with the name of a file of the worker's secrets "
    "folder";
static const char refuse_plain[] = "is not supported: remove it";

static const struct refused refused_keys[] = {
    { "runtime-versions", refuse_runtime },
    { "parameter-store", refuse_store },
    { "git-credential-helper", refuse_plain },
    { "proxy", refuse_plain },
    { "batch", refuse_plain },
    { "enable-symlinks", "is not needed: links are kept as links; remove it" },
    { "s3-prefix", refuse_plain },
};

NODISCARD static bool only(const struct doc_node *map, const char *const *known, struct error *err)
{
    for (const struct doc_node *extra = doc_first_unknown(map, known); extra;
         extra = doc_first_unknown_after(extra, known))
        for (size_t i = 0; i < sizeof refused_keys / sizeof refused_keys[0]; i++)
            if (text_equal(extra->key, refused_keys[i].key))
                return doc_error(extra, err, "%s", refused_keys[i].advice);
    return doc_only(map, known, err);
}

static void warn(struct buildspec *spec, const struct doc_node *node, const char *text)
{
    struct error why;
    if (!node || spec->warning_count == WARNINGS_MAX) return;
    (void)doc_error(node, &why, "%s", text);
    spec->memory->warnings[spec->warning_count++] = arena_text(&spec->memory->arena, why.text);
}

/* A user's name by `run-as`, or as hooks write it. */
NODISCARD static bool read_runas(const struct doc_node *map, const char **out, struct error *err)
{
    const char *dashed = NULL, *plain = NULL;
    if (!doc_get_text(map, "run-as", DOC_OPTIONAL, &dashed, err) ||
        !doc_get_text(map, "runas", DOC_OPTIONAL, &plain, err))
        return false;
    if (dashed && plain)
        return doc_error(doc_get(map, "runas"), err, "run-as stands there already: keep one");
    *out = dashed ? dashed : plain;
    if (*out && !**out) *out = NULL;
    return true;
}

/* ---- env ---- */

bool buildspec_variable_valid(const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    static const char more[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    size_t len = strlen(name);
    return len > 0 && len <= NAME_MAX_HERE && strchr(letters, name[0]) && strspn(name, more) == len;
}

NODISCARD static bool secret_name_valid(const struct doc_node *node, const char *text,
                                        struct error *err)
{
    bool plain = text[0] && text[0] != '.' && !strpbrk(text, "/:\n") && strlen(text) <= 200;
    return plain || doc_error(node, err,
                              "\"%.100s\" must be the name of a file in the worker's secrets "
                              "folder, without / or :",
                              text);
}

NODISCARD static bool read_variables(struct buildspec *spec, struct buildspec_variable *list,
                                     const struct doc_node *map, bool secret, struct error *err)
{
    doc_for_each (node, map) {
        const char *value = "";
        if (!buildspec_variable_valid(node->key))
            return doc_error(node, err,
                             "a variable's name is a letter or _ and then letters, digits and _");
        if (text_starts(node->key, "CODEBUILD_") || text_starts(node->key, "MERIDIAN_"))
            return doc_error(node, err, "this name is the build's own: choose another");
        if (!doc_is_null(node) && !doc_text(node, &value, err)) return false;
        if (secret && !secret_name_valid(node, value, err)) return false;
        for (size_t i = 0; i < spec->variable_count; i++)
            if (text_equal(list[i].name, node->key))
                return doc_error(node, err, "this variable stands above already: keep one");
        list[spec->variable_count++] = (struct buildspec_variable){ node->key, value, secret };
    }
    return true;
}

/* ---- lists of texts ---- */

NODISCARD static bool read_texts(struct buildspec *spec, const struct doc_node *map,
                                 const char *key, size_t max, const char *advice,
                                 const char *const **out, size_t *count, struct error *err)
{
    const struct doc_node *node = doc_get(map, key);
    if (doc_is_null(node)) return true;
    if (node->kind != DOC_SEQUENCE)
        return doc_error(node, err, "must be a list: write \"- ...\" below \"%s:\"", key);
    if (node->count > max)
        return doc_error(node, err, "%zu entries, at most %zu", node->count, max);
    const char **list = arena_calloc(&spec->memory->arena, node->count, sizeof *list);
    doc_for_each (item, node) {
        if (item->kind != DOC_SCALAR || !item->text[0]) return doc_error(item, err, "%s", advice);
        list[(*count)++] = item->text;
    }
    *out = list;
    return true;
}

/* ---- env, the whole ---- */

/* A secret never leaves the build by a variable. */
NODISCARD static bool read_exported(struct buildspec *spec, const struct doc_node *env,
                                    struct error *err)
{
    const struct doc_node *node = doc_get(env, "exported-variables");
    if (!read_texts(spec, env, "exported-variables", BUILDSPEC_EXPORTED_MAX,
                    "must be the name of a variable", &spec->exported, &spec->exported_count, err))
        return false;
    for (size_t i = 0; i < spec->exported_count; i++) {
        const char *name = spec->exported[i];
        if (!buildspec_variable_valid(name))
            return doc_error(node, err, "\"%.100s\" cannot name a variable", name);
        for (size_t v = 0; v < spec->variable_count; v++)
            if (spec->variables[v].secret && text_equal(spec->variables[v].name, name))
                return doc_error(node, err, "%s is a secret: it cannot be exported", name);
        for (size_t other = 0; other < i; other++)
            if (text_equal(spec->exported[other], name))
                return doc_error(node, err, "%s stands there twice", name);
    }
    return true;
}

NODISCARD static bool read_env(struct buildspec *spec, const struct doc_node *env,
                               struct error *err)
{
    static const char *const known[] = { "shell", "variables", "secrets-manager",
                                         "exported-variables", NULL };
    const struct doc_node *plain = NULL, *secret = NULL;
    const char *shell = "sh";
    if (doc_is_null(env)) return true;
    if (!only(env, known, err) || !doc_get_text(env, "shell", DOC_OPTIONAL, &shell, err) ||
        !doc_get_map(env, "variables", DOC_OPTIONAL, &plain, err) ||
        !doc_get_map(env, "secrets-manager", DOC_OPTIONAL, &secret, err))
        return false;
    if (!text_equal(shell, "sh") && !text_equal(shell, "bash"))
        return doc_error(doc_get(env, "shell"), err, "the shell is sh or bash, not \"%.60s\"",
                         shell);
    size_t count = (plain ? plain->count : 0) + (secret ? secret->count : 0);
    if (count > BUILDSPEC_VARIABLES_MAX)
        return doc_error(env, err, "%zu variables, at most %d", count, BUILDSPEC_VARIABLES_MAX);
    struct buildspec_variable *list = arena_calloc(&spec->memory->arena, count, sizeof *list);
    spec->shell = shell;
    spec->variables = list;
    return read_variables(spec, list, plain, false, err) &&
           read_variables(spec, list, secret, true, err) && read_exported(spec, env, err);
}

static const char command_advice[] =
    "must be a command in one text: put it in quotes if it holds \": \" or \" #\"";
static const char file_advice[] = "must be a file or a pattern such as **/*";

/* ---- phases ---- */

NODISCARD static bool read_on_failure(const struct doc_node *map, enum buildspec_on_failure *out,
                                      struct error *err)
{
    const char *text = NULL;
    if (!doc_get_text(map, "on-failure", DOC_OPTIONAL, &text, err)) return false;
    if (!text) return true;
    *out =
        text_equal(text, "CONTINUE") ? BUILDSPEC_ON_FAILURE_CONTINUE : BUILDSPEC_ON_FAILURE_ABORT;
    if (text_equal(text, "ABORT") || text_equal(text, "CONTINUE")) return true;
    return doc_error(doc_get(map, "on-failure"), err, "must be ABORT or CONTINUE, not \"%.60s\"",
                     text);
}

NODISCARD static bool read_phase(struct buildspec *spec, const struct doc_node *node,
                                 struct buildspec_phase *out, struct error *err)
{
    static const char *const known[] = { "run-as",   "runas",   "on-failure",
                                         "commands", "finally", NULL };
    if (doc_is_null(node)) return true;
    if (!only(node, known, err)) return false;
    if (doc_is_null(doc_get(node, "commands")) && doc_is_null(doc_get(node, "finally")))
        return doc_error(node, err, "has no commands: write \"commands:\" and a list below it");
    out->present = true;
    return read_runas(node, &out->runas, err) && read_on_failure(node, &out->on_failure, err) &&
           read_texts(spec, node, "commands", BUILDSPEC_COMMANDS_MAX, command_advice,
                      &out->commands.list, &out->commands.count, err) &&
           read_texts(spec, node, "finally", BUILDSPEC_COMMANDS_MAX, command_advice,
                      &out->finally.list, &out->finally.count, err);
}

NODISCARD static bool read_phases(struct buildspec *spec, const struct doc_node *root,
                                  struct error *err)
{
    const struct doc_node *phases = NULL;
    bool any = false;
    if (!doc_get_map(root, "phases", DOC_REQUIRED, &phases, err)) return false;
    if (!only(phases, phase_names, err)) return false;
    for (size_t i = 0; i < BUILDSPEC_PHASE_COUNT; i++) {
        if (!read_phase(spec, doc_get(phases, phase_names[i]), &spec->phases[i], err)) return false;
        any = any || spec->phases[i].present;
    }
    return any || doc_error(phases, err, "there is no phase: write \"build:\" with commands");
}

/* ---- artifacts ---- */

NODISCARD static bool inside(struct buildspec *spec, const struct doc_node *node,
                             const char *const *list, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        if (list[i][0] == '/' || !appspec_path(&spec->memory->arena, list[i]))
            return doc_error(node, err,
                             "\"%.200s\" leads out of the source: name files relative to it, or "
                             "to base-directory",
                             list[i]);
    return true;
}

NODISCARD static bool read_files(struct buildspec *spec, const struct doc_node *node,
                                 struct buildspec_artifacts *out, struct error *err)
{
    const char *base = ".";
    if (!read_texts(spec, node, "files", BUILDSPEC_FILES_MAX, file_advice, &out->files,
                    &out->file_count, err) ||
        !read_texts(spec, node, "exclude-paths", BUILDSPEC_FILES_MAX, file_advice, &out->excluded,
                    &out->excluded_count, err) ||
        !doc_get_text(node, "base-directory", DOC_OPTIONAL, &base, err) ||
        !doc_get_bool(node, "discard-paths", DOC_OPTIONAL, &out->discard_paths, err))
        return false;
    if (!inside(spec, doc_get(node, "files"), out->files, out->file_count, err) ||
        !inside(spec, doc_get(node, "exclude-paths"), out->excluded, out->excluded_count, err) ||
        !inside(spec, doc_get(node, "base-directory"), &base, 1, err))
        return false;
    out->base = appspec_path(&spec->memory->arena, base);
    if (out->file_count > 0) return true;
    return doc_error(node, err,
                     "no files are given: write \"files:\" and a list below it, such as "
                     "- '**/*'");
}

NODISCARD static bool read_secondary(struct buildspec *spec, struct buildspec_artifacts *list,
                                     const struct doc_node *more, struct error *err)
{
    static const char *const known[] = { "files",         "exclude-paths", "base-directory",
                                         "discard-paths", "name",          NULL };
    doc_for_each (node, more) {
        struct buildspec_artifacts *one = &list[spec->artifact_count];
        if (!only(node, known, err) || !read_files(spec, node, one, err)) return false;
        one->name = node->key;
        spec->artifact_count++;
    }
    return true;
}

NODISCARD static bool read_artifacts(struct buildspec *spec, const struct doc_node *node,
                                     struct error *err)
{
    static const char *const known[] = {
        "files", "exclude-paths", "base-directory", "discard-paths", "name", "secondary-artifacts",
        NULL
    };
    const struct doc_node *more = NULL;
    if (doc_is_null(node)) return true;
    if (!only(node, known, err) ||
        !doc_get_map(node, "secondary-artifacts", DOC_OPTIONAL, &more, err))
        return false;
    size_t count = 1 + (more ? more->count : 0);
    struct buildspec_artifacts *list = arena_calloc(&spec->memory->arena, count, sizeof *list);
    spec->artifacts = list;
    if (!more || !doc_is_null(doc_get(node, "files"))) {
        list[0].name = "";
        if (!read_files(spec, node, &list[0], err)) return false;
        spec->artifact_count = 1;
    }
    return read_secondary(spec, list, more, err);
}

const struct buildspec_artifacts *buildspec_artifacts(const struct buildspec *spec,
                                                      const char *name)
{
    for (size_t i = 0; i < spec->artifact_count; i++)
        if (text_equal(spec->artifacts[i].name, name)) return &spec->artifacts[i];
    return NULL;
}

/* One name of the path against one of the pattern. */
static bool match_name(const char *pattern, size_t pattern_len, const char *path, size_t path_len)
{
    char a[FS_PATH_MAX], b[FS_PATH_MAX];
    if (pattern_len >= sizeof a || path_len >= sizeof b) return false;
    memcpy(a, pattern, pattern_len);
    memcpy(b, path, path_len);
    a[pattern_len] = b[path_len] = '\0';
    return fnmatch(a, b, 0) == 0;
}

/* Each `**` takes as few names as it can; when the rest does not fit, the last one takes one more:
 * no earlier one ever has to be asked again. */
bool buildspec_match(const char *pattern, const char *path)
{
    const char *again_pattern = NULL, *again_path = NULL;
    for (;;) {
        size_t pattern_len = strcspn(pattern, "/"), path_len = strcspn(path, "/");
        if (pattern_len == 2 && memcmp(pattern, "**", 2) == 0) {
            if (!pattern[2]) return true;
            pattern += 3;
            again_pattern = pattern;
            again_path = path;
            continue;
        }
        if (path_len > 0 && pattern_len > 0 && match_name(pattern, pattern_len, path, path_len)) {
            bool pattern_ends = !pattern[pattern_len], path_ends = !path[path_len];
            if (pattern_ends && path_ends) return true;
            if (!pattern_ends && !path_ends) {
                pattern += pattern_len + 1;
                path += path_len + 1;
                continue;
            }
        }
        if (!again_pattern) return false;
        again_path += strcspn(again_path, "/");
        if (!*again_path) return false;
        again_path++;
        pattern = again_pattern;
        path = again_path;
    }
}

/* ---- the whole ---- */

NODISCARD static bool read_version(const struct doc_node *root, struct error *err)
{
    const struct doc_node *version = doc_get(root, "version");
    if (doc_is_null(version))
        return doc_error(version ? version : root, err,
                         "no version is given: write \"version: 0.2\"");
    if (version->kind != DOC_SCALAR || !text_equal(version->text, "0.2"))
        return doc_error(version, err, "the only version is 0.2: write \"version: 0.2\"");
    return true;
}

NODISCARD static bool read_all(struct buildspec *spec, struct error *err)
{
    static const char *const known[] = { "version", "run-as",    "runas",   "env", "phases",
                                         "cache",   "artifacts", "reports", NULL };
    static const char no_effect[] = "has no effect here";
    const struct doc_node *root = doc_root(spec->memory->doc, 0);
    if (root->kind != DOC_MAPPING)
        return doc_error(root, err, "must be a mapping that begins with \"version: 0.2\"");
    if (doc_count(spec->memory->doc) > 1)
        return doc_error(doc_root(spec->memory->doc, 1), err,
                         "a second document: a buildspec has one");
    if (!doc_no_duplicates(spec->memory->doc, err) || !read_version(root, err) ||
        !only(root, known, err))
        return false;
    warn(spec, doc_get(root, "cache"), no_effect);
    warn(spec, doc_get(root, "reports"), no_effect);
    return read_runas(root, &spec->runas, err) && read_env(spec, doc_get(root, "env"), err) &&
           read_phases(spec, root, err) && read_artifacts(spec, doc_get(root, "artifacts"), err);
}

bool buildspec_parse(const char *name, struct bytes text, struct buildspec **out, struct error *err)
{
    const struct doc_limits limits = { .bytes_max = BUILDSPEC_BYTES_MAX,
                                       .nodes_max = DOC_NODES_MAX,
                                       .depth_max = DOC_DEPTH_MAX,
                                       .expanded_max = DOC_EXPANDED_MAX };
    AUTO(buildspec_free_at) struct buildspec *spec = xcalloc(1, sizeof *spec);
    spec->memory = xcalloc(1, sizeof *spec->memory);
    arena_init(&spec->memory->arena, MEMORY_MAX);
    spec->name = arena_text(&spec->memory->arena, name);
    spec->shell = "sh";
    spec->warnings = spec->memory->warnings;
    if (!doc_parse(name, text, &limits, &spec->memory->doc, err) || !read_all(spec, err))
        return false;
    *out = spec;
    spec = NULL;
    return true;
}

bool buildspec_load(const char *source, struct buildspec **out, struct error *err)
{
    static const char *const names[] = { "buildspec.yml", "buildspec.yaml" };
    AUTO(auto_close) int fd = -1;
    size_t i = 0;
    if (!appspec_open_beneath(source, names[0], O_RDONLY | O_NONBLOCK, &fd, err)) {
        if (err->code != ERR_NOT_FOUND) return false;
        i = 1;
        if (!appspec_open_beneath(source, names[1], O_RDONLY | O_NONBLOCK, &fd, err))
            return error_set(err, ERR_NOT_FOUND,
                             "the source has no buildspec.yml: put one at its top, beginning with "
                             "\"version: 0.2\"");
    }
    struct stat st;
    if (fstat(fd, &st) != 0) return fs_error(err, "stat", names[i]);
    if (!S_ISREG(st.st_mode)) return error_set(err, ERR_INVALID, "%s is not a file", names[i]);
    if (st.st_size > BUILDSPEC_BYTES_MAX)
        return error_set(err, ERR_INVALID, "%s: larger than %d bytes", names[i],
                         BUILDSPEC_BYTES_MAX);
    size_t size = (size_t)st.st_size, got = 0;
    AUTO(auto_free) char *text = xcalloc(size + 1, 1);
    return fs_pread_full(fd, text, size, 0, &got, err) &&
           buildspec_parse(names[i], bytes_of(text, got), out, err);
}

void buildspec_free(struct buildspec *spec)
{
    if (!spec) return;
    doc_free(spec->memory->doc);
    arena_deinit(&spec->memory->arena);
    free(spec->memory);
    free(spec);
}

void buildspec_free_at(struct buildspec **place)
{
    buildspec_free(*place);
}
