#include "bundle/appspec.h"
#include "bundle/appspec_reader.h"
#include "io/fs.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char blanks[] = " \t\n\v\f\r";

bool appspec_complain_of(struct appspec_reader *r, const struct error *why)
{
    if (!r->problems) {
        *r->err = *why;
        return false;
    }
    appspec_problem_add(r->problems, false, why->text);
    return true;
}

bool appspec_complain(struct appspec_reader *r, const struct doc_node *node, const char *format,
                      ...)
{
    char what[ERROR_TEXT_SIZE];
    struct error why;
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    doc_error(node, &why, "%s", what);
    return appspec_complain_of(r, &why);
}

void appspec_warn(struct appspec_reader *r, const struct doc_node *node, const char *format, ...)
{
    struct appspec *spec = r->spec;
    struct appspec_memory *m = spec->memory;
    if (spec->warning_count >= APPSPEC_PROBLEMS_MAX) return;
    char what[ERROR_TEXT_SIZE];
    struct error why;
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    doc_error(node, &why, "%s", what);
    if (spec->warning_count == m->warning_cap) {
        m->warning_cap = m->warning_cap ? 2 * m->warning_cap : 8;
        m->warnings = xrealloc(m->warnings, m->warning_cap * sizeof *m->warnings);
    }
    m->warnings[spec->warning_count++] = arena_text(r->arena, why.text);
    spec->warnings = (const char *const *)m->warnings;
    if (r->problems) appspec_problem_add(r->problems, true, why.text);
}

bool appspec_stripped(struct appspec_reader *r, const struct doc_node *node, const char **out)
{
    const char *text;
    struct error why;
    if (!doc_text(node, &text, &why)) return appspec_complain_of(r, &why);
    text += strspn(text, blanks);
    size_t len = strlen(text);
    while (len && strchr(blanks, text[len - 1])) len--;
    *out = text[len] ? arena_text_of(r->arena, text, len) : text;
    return true;
}

const char *appspec_path(struct arena *arena, const char *text)
{
    size_t len = strlen(text), used = 0;
    if (len >= APPSPEC_PATH_MAX) return NULL;
    char *out = arena_calloc(arena, len + 2, 1);
    while (*text) {
        size_t part = strcspn(text, "/");
        if (part == 2 && memcmp(text, "..", 2) == 0) {
            if (used == 0) return NULL;
            while (used && out[--used] != '/') continue;
        } else if (part && !(part == 1 && *text == '.')) {
            if (used) out[used++] = '/';
            memcpy(out + used, text, part);
            used += part;
        }
        text += part + (text[part] ? 1 : 0);
    }
    if (used == 0) out[used++] = '.';
    out[used] = '\0';
    return out;
}

/* What the agent's YAML reader takes for a number equal to zero. */
static bool is_zero(const struct doc_node *node)
{
    if (!node || node->kind != DOC_SCALAR || node->quoted) return false;
    const char *t = node->text;
    size_t zeros = 0, points = 0;
    if (*t == '+' || *t == '-') t++;
    for (; *t; t++) {
        if (*t == '0')
            zeros++;
        else if (*t == '.')
            points++;
        else
            return false;
    }
    return zeros > 0 && points <= 1;
}

static bool read_head(struct appspec_reader *r, const struct doc_node *root)
{
    const struct doc_node *version = doc_get(root, "version"), *os = doc_get(root, "os");
    bool ok = true;
    if (doc_is_null(version))
        ok = appspec_complain(r, version ? version : root,
                              "no version is given: write \"version: 0.0\"");
    else if (!is_zero(version) && version->quoted)
        ok = appspec_complain(r, version, "the version must be a number: write 0.0 without quotes");
    else if (!is_zero(version))
        ok = appspec_complain(r, version, "the only version is 0.0: write \"version: 0.0\"");
    if (!ok) return false;
    if (doc_is_null(os))
        return appspec_complain(r, os ? os : root,
                                "no operating system is given: write \"os: linux\"");
    if (os->kind != DOC_SCALAR || strcmp(os->text, "linux") != 0)
        return appspec_complain(r, os, "the operating system must be linux: write \"os: linux\"");
    return true;
}

/* A plain scalar that YAML 1.1 takes for a whole or broken number or a truth value. */
static bool is_no_text(const struct doc_node *node)
{
    static const char *const truths[] = { "true", "false", "yes", "no", "on", "off" };
    if (node->kind != DOC_SCALAR || node->quoted) return false;
    const char *t = node->text;
    for (size_t i = 0; i < sizeof truths / sizeof *truths; i++)
        if (strcasecmp(t, truths[i]) == 0) return true;
    if (*t == '+' || *t == '-') t++;
    size_t digits = strspn(t, "0123456789_"), more = 0;
    if (t[digits] == '.') more = 1 + strspn(t + digits + 1, "0123456789");
    return t[digits + more] == '\0' && *t != '_' && (digits > 0 || more > 1);
}

/* The agent only meets it at Install: the events before it still run. */
static bool leave_to_install(struct appspec_reader *r, const struct doc_node *node,
                             struct appspec_file *out)
{
    char what[ERROR_TEXT_SIZE];
    if (node->kind == DOC_SCALAR && !*node->text)
        snprintf(what, sizeof what, "the destination is empty: name the folder to install into");
    else
        snprintf(what, sizeof what, "%.200s is no text: write \"%.200s\" in quotes", node->text,
                 node->text);
    if (r->problems) return appspec_complain(r, node, "%s", what);
    out->trouble = arena_text(r->arena, what);
    return true;
}

static bool read_file(struct appspec_reader *r, const struct doc_node *node,
                      struct appspec_file *out)
{
    struct error why;
    *out = (struct appspec_file){ .line = node->line, .column = node->column };
    if (node->kind != DOC_MAPPING)
        return appspec_complain(r, node, "must be a mapping with source and destination");
    const struct doc_node *source = doc_get(node, "source");
    const struct doc_node *destination = doc_get(node, "destination");
    if (doc_is_null(source))
        return appspec_complain(r, source ? source : node,
                                "no source is given: name a file or folder of the revision, "
                                "\"source: /\" for all of it");
    if (doc_is_null(destination))
        return appspec_complain(r, destination ? destination : node,
                                "no destination is given: name the folder to install into");
    const char *from, *to;
    if (!doc_text(source, &from, &why)) return appspec_complain_of(r, &why);
    if (!doc_text(destination, &to, &why)) return appspec_complain_of(r, &why);
    const char *path = appspec_path(r->arena, from);
    if (!path)
        return appspec_complain(r, source,
                                "\"%.200s\" leads out of the revision or is too long: name a "
                                "file or folder inside it",
                                from);
    out->source = from;
    out->path = path;
    out->destination = to;
    if (is_no_text(source)) return leave_to_install(r, source, out);
    return (*to && !is_no_text(destination)) || leave_to_install(r, destination, out);
}

static bool read_files(struct appspec_reader *r, const struct doc_node *list)
{
    if (doc_is_null(list)) return true;
    if (list->kind != DOC_SEQUENCE)
        return appspec_complain(r, list,
                                "must be a list: write \"- source: ...\" below \"files:\"");
    struct appspec_file *files = arena_calloc(r->arena, list->count, sizeof *files);
    r->spec->files = files;
    doc_for_each (node, list) {
        if (!read_file(r, node, &files[r->spec->file_count])) return false;
        if (files[r->spec->file_count].source) r->spec->file_count++;
    }
    return true;
}

static bool read_exists_behavior(struct appspec_reader *r, const struct doc_node *node)
{
    static const struct {
        const char *name;
        enum appspec_exists value;
    } words[] = { { "DISALLOW", APPSPEC_EXISTS_DISALLOW },
                  { "OVERWRITE", APPSPEC_EXISTS_OVERWRITE },
                  { "RETAIN", APPSPEC_EXISTS_RETAIN } };
    if (doc_is_null(node)) return true;
    for (size_t i = 0; node->kind == DOC_SCALAR && i < sizeof words / sizeof *words; i++) {
        if (strcmp(node->text, words[i].name) != 0) continue;
        r->spec->file_exists_behavior = words[i].value;
        return true;
    }
    return appspec_complain(r, node, "must be DISALLOW, OVERWRITE or RETAIN in capital letters");
}

static bool read_duplicates(struct appspec_reader *r, const struct doc *doc)
{
    for (size_t i = 0; i < doc_duplicate_count(doc); i++) {
        const struct doc_duplicate *d = doc_duplicate(doc, i);
        const char *text = "the key \"%.100s\" stands in line %u already: only this one counts";
        if (r->problems) {
            if (!appspec_complain(r, d->winner, text, d->winner->key, d->line)) return false;
        } else {
            appspec_warn(r, d->winner, text, d->winner->key, d->line);
        }
    }
    return true;
}

bool appspec_read(struct appspec_reader *r, const struct doc *doc)
{
    const struct doc_node *root = doc_root(doc, 0);
    if (root->kind == DOC_NULL)
        return appspec_complain(r, root,
                                "the file is empty: write at least \"version: 0.0\" and "
                                "\"os: linux\"");
    if (root->kind != DOC_MAPPING)
        return appspec_complain(r, root, "must be a mapping that begins with \"version: 0.0\"");
    if (doc_count(doc) > 1)
        appspec_warn(r, doc_root(doc, 1), "only the first document of the file counts");
    return read_duplicates(r, doc) && read_head(r, root) &&
           appspec_read_hooks(r, doc_get(root, "hooks")) && read_files(r, doc_get(root, "files")) &&
           appspec_read_permissions(r, doc_get(root, "permissions")) &&
           read_exists_behavior(r, doc_get(root, "file_exists_behavior"));
}

static struct appspec *appspec_new(const char *name)
{
    struct appspec *spec = xcalloc(1, sizeof *spec);
    spec->memory = xcalloc(1, sizeof *spec->memory);
    arena_init(&spec->memory->arena, APPSPEC_MEMORY_MAX);
    spec->name = arena_text(&spec->memory->arena, name);
    return spec;
}

static bool read_text(const char *name, struct bytes text, const char *revision,
                      struct appspec_problems *problems, struct appspec **out, struct error *err)
{
    const struct doc_limits limits = { .bytes_max = APPSPEC_BYTES_MAX,
                                       .nodes_max = DOC_NODES_MAX,
                                       .depth_max = DOC_DEPTH_MAX,
                                       .expanded_max = DOC_EXPANDED_MAX };
    AUTO(appspec_free_at) struct appspec *spec = appspec_new(name);
    if (!doc_parse(name, text, &limits, &spec->memory->doc, err)) return false;
    struct appspec_reader r = {
        .spec = spec, .arena = &spec->memory->arena, .problems = problems, .err = err
    };
    if (!appspec_read(&r, spec->memory->doc)) return false;
    if (revision) appspec_check_tree(&r, revision);
    *out = spec;
    spec = NULL;
    return true;
}

bool appspec_parse(const char *name, struct bytes text, struct appspec **out, struct error *err)
{
    return read_text(name, text, NULL, NULL, out, err);
}

bool appspec_validate(const char *name, struct bytes text, const char *revision,
                      struct appspec_problems *out, struct error *err)
{
    AUTO(appspec_free_at) struct appspec *spec = NULL;
    return read_text(name, text, revision, out, &spec, err);
}

bool appspec_open_beneath(const char *revision, const char *name, int flags, int *out,
                          struct error *err)
{
    AUTO(auto_close) int folder = open(revision, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return fs_error(err, "open", revision);
    struct open_how how = { .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
                            .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
    long fd = syscall(SYS_openat2, folder, name, &how, sizeof how);
    if (fd >= 0) {
        *out = (int)fd;
        return true;
    }
    if (errno == EXDEV || errno == ELOOP)
        return error_set(err, ERR_INVALID, "%s: a symbolic link that leads out of the revision",
                         name);
    return fs_error(err, "open", name);
}

bool appspec_load(const char *revision, const char *filename, struct appspec **out,
                  struct error *err)
{
    const char *const names[] = { filename ? filename : "appspec.yml",
                                  filename ? NULL : "appspec.yaml" };
    AUTO(auto_close) int fd = -1;
    size_t i = 0;
    if (!appspec_open_beneath(revision, names[0], O_RDONLY | O_NONBLOCK, &fd, err)) {
        if (err->code != ERR_NOT_FOUND) return false;
        i = 1;
        if (!names[1] || !appspec_open_beneath(revision, names[1], O_RDONLY | O_NONBLOCK, &fd, err))
            return error_set(err, ERR_NOT_FOUND,
                             "the revision has no %s: put one at its top, beginning with "
                             "\"version: 0.0\" and \"os: linux\"",
                             names[0]);
    }
    struct stat st;
    if (fstat(fd, &st) != 0) return fs_error(err, "stat", names[i]);
    if (!S_ISREG(st.st_mode)) return error_set(err, ERR_INVALID, "%s is not a file", names[i]);
    if (st.st_size > APPSPEC_BYTES_MAX)
        return error_set(err, ERR_INVALID, "%s: larger than %d bytes", names[i], APPSPEC_BYTES_MAX);
    size_t size = (size_t)st.st_size, got = 0;
    AUTO(auto_free) char *text = xcalloc(size + 1, 1);
    if (!fs_pread_full(fd, text, size, 0, &got, err)) return false;
    return appspec_parse(names[i], bytes_of(text, got), out, err);
}

void appspec_free(struct appspec *spec)
{
    if (!spec) return;
    doc_free(spec->memory->doc);
    free(spec->memory->warnings);
    arena_deinit(&spec->memory->arena);
    free(spec->memory);
    free(spec);
}

void appspec_free_at(struct appspec **place)
{
    appspec_free(*place);
}

const struct appspec_hook *appspec_hook(const struct appspec *spec, const char *event)
{
    for (size_t i = 0; i < spec->hook_count; i++)
        if (strcmp(spec->hooks[i].event, event) == 0) return &spec->hooks[i];
    return NULL;
}
