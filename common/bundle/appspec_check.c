/* What `validate` finds by looking at the unpacked revision beside its appspec. */
#include "bundle/appspec_reader.h"
#include "io/fs.h"

#include <errno.h>
#include <fts.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TARGETS_MAX = 200000, SHEBANG_MAX = 256 };

struct target {
    const char *path;   /* where a file of the plan would land */
    const char *source; /* what would be copied there */
    size_t file;        /* the entry of `files` */
};

struct targets {
    struct target *list;
    size_t count, cap;
};

void appspec_problem_add(struct appspec_problems *problems, bool is_warning, const char *text)
{
    if (problems->count >= APPSPEC_PROBLEMS_MAX) return;
    problems->list = xrealloc(problems->list, (problems->count + 1) * sizeof *problems->list);
    struct appspec_problem *p = &problems->list[problems->count++];
    p->is_warning = is_warning;
    snprintf(p->text, sizeof p->text, "%s", text);
    if (!is_warning) problems->error_count++;
}

void appspec_problems_deinit(struct appspec_problems *problems)
{
    if (!problems) return;
    free(problems->list);
    *problems = (struct appspec_problems){ 0 };
}

static void problem(struct appspec_reader *r, unsigned line, unsigned column, bool is_warning,
                    const char *what)
{
    struct error text;
    error_set(&text, ERR_INVALID, "%s:%u:%u: %s", r->spec->name, line, column, what);
    appspec_problem_add(r->problems, is_warning, text.text);
}

static void check_shebang(struct appspec_reader *r, const struct appspec_script *script, int fd)
{
    char head[SHEBANG_MAX], what[ERROR_TEXT_SIZE];
    size_t got = 0;
    struct error err;
    if (!fs_pread_full(fd, head, sizeof head, 0, &got, &err)) return;
    const char *end = memchr(head, '\n', got);
    if (got < 3 || head[0] != '#' || head[1] != '!' || !end || end[-1] != '\r') return;
    snprintf(what, sizeof what,
             "the script '%.200s' has Windows line ends: its interpreter will not be found; "
             "save it with Unix line ends",
             script->location);
    problem(r, script->line, script->column, false, what);
}

static void check_script(struct appspec_reader *r, const char *revision,
                         const struct appspec_script *script)
{
    char what[ERROR_TEXT_SIZE];
    struct error err;
    struct stat st;
    AUTO(auto_close) int fd = -1;
    bool opened = appspec_open_beneath(revision, script->path, O_RDONLY | O_NONBLOCK, &fd, &err);
    if (!opened || fstat(fd, &st) != 0) {
        snprintf(what, sizeof what, "the script '%.200s' is not in the revision%s%.100s",
                 script->location, opened || err.code == ERR_NOT_FOUND ? "" : ": ",
                 opened || err.code == ERR_NOT_FOUND ? "" : err.text);
        problem(r, script->line, script->column, false, what);
        return;
    }
    if (!S_ISREG(st.st_mode)) {
        snprintf(what, sizeof what, "the script '%.200s' is not a file", script->location);
        problem(r, script->line, script->column, false, what);
        return;
    }
    if (!(st.st_mode & S_IXUSR)) {
        snprintf(what, sizeof what,
                 "the script '%.200s' is not executable: it will be made so; better: chmod +x",
                 script->location);
        problem(r, script->line, script->column, true, what);
    }
    check_shebang(r, script, fd);
}

/* "to/name" without doubled or trailing slashes, so that equal targets are equal texts. */
static const char *join(struct arena *arena, const char *to, const char *name)
{
    char *out = arena_format(arena, "%s/%s", to, name);
    char *w = out;
    for (const char *p = out; *p; p++)
        if (*p != '/' || (p[1] != '/' && p[1])) *w++ = *p;
    *w = '\0';
    return out;
}

static void target_add(struct appspec_reader *r, struct targets *t, size_t file, const char *path,
                       const char *source)
{
    if (t->count >= TARGETS_MAX) return;
    if (t->count == t->cap) {
        t->cap = t->cap ? 2 * t->cap : 64;
        t->list = xrealloc(t->list, t->cap * sizeof *t->list);
    }
    t->list[t->count++] =
        (struct target){ .path = path, .source = arena_text(r->arena, source), .file = file };
}

static void walk_close(FTS **walk)
{
    if (*walk) fts_close(*walk);
}

/* All files below a source folder, each at its place below the destination. */
static void add_folder(struct appspec_reader *r, struct targets *t, size_t file, char *top)
{
    char *roots[] = { top, NULL };
    size_t skip = strlen(top);
    AUTO(walk_close) FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!walk) return;
    for (FTSENT *e; t->count < TARGETS_MAX && (e = fts_read(walk));) {
        if (e->fts_info == FTS_D || e->fts_info == FTS_DP) continue;
        if (strlen(e->fts_path) >= APPSPEC_PATH_MAX) continue;
        const char *inside = e->fts_path + skip;
        target_add(r, t, file, join(r->arena, r->spec->files[file].destination, inside), inside);
    }
}

static void check_source(struct appspec_reader *r, const char *revision, size_t file,
                         struct targets *t)
{
    const struct appspec_file *f = &r->spec->files[file];
    char what[ERROR_TEXT_SIZE], full[FS_PATH_MAX];
    struct error err;
    struct stat st;
    AUTO(auto_close) int fd = -1;
    if (!appspec_open_beneath(revision, f->path, O_PATH, &fd, &err) || fstat(fd, &st) != 0 ||
        !fs_join(full, revision, f->path, &err)) {
        snprintf(what, sizeof what, "the source '%.300s' is not in the revision", f->source);
        problem(r, f->line, f->column, false, what);
        return;
    }
    if (*f->destination != '/')
        problem(r, f->line, f->column, true,
                "the destination is not absolute: it depends on where the worker was started");
    const char *base = strrchr(f->path, '/');
    base = base ? base + 1 : f->path;
    if (S_ISDIR(st.st_mode))
        add_folder(r, t, file, full);
    else
        target_add(r, t, file, join(r->arena, f->destination, base), f->path);
}

static int by_path(const void *a, const void *b)
{
    const struct target *x = a, *y = b;
    int order = strcmp(x->path, y->path);
    if (order != 0) return order;
    return x->file < y->file ? -1 : x->file > y->file;
}

static void check_targets(struct appspec_reader *r, struct targets *t)
{
    char what[ERROR_TEXT_SIZE];
    if (t->count < 2) return;
    qsort(t->list, t->count, sizeof *t->list, by_path);
    for (size_t i = 0; i + 1 < t->count; i++) {
        const struct target *a = &t->list[i], *b = &t->list[i + 1];
        if (strcmp(a->path, b->path) != 0) continue;
        const struct appspec_file *f = &r->spec->files[b->file];
        snprintf(what, sizeof what,
                 "'%.150s' and '%.150s' would both become '%.150s': remove one of the two",
                 a->source, b->source, b->path);
        problem(r, f->line, f->column, false, what);
    }
}

/* On a file, a pattern or an exception means nothing, and Install refuses it. */
static void check_object(struct appspec_reader *r, const struct appspec_permission *p,
                         const struct targets *t)
{
    struct target key = { .path = join(r->arena, p->object, ""), .file = 0 };
    size_t low = 0, high = t->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(t->list[middle].path, key.path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == t->count || strcmp(t->list[low].path, key.path) != 0) return;
    if (!(p->types & APPSPEC_TYPE_FILE)) return;
    if (strcmp(p->pattern, "**") != 0 || p->except_count)
        problem(r, p->line, p->column, false,
                "the object is a file: leave pattern and except out, they select from a folder");
    for (size_t i = 0; i < p->acl_count; i++)
        if (p->acls[i].is_default)
            problem(r, p->line, p->column, false,
                    "the object is a file: default ACL entries are for folders only");
}

void appspec_check_tree(struct appspec_reader *r, const char *revision)
{
    struct targets targets = { 0 };
    for (size_t i = 0; i < r->spec->hook_count; i++)
        for (size_t k = 0; k < r->spec->hooks[i].script_count; k++)
            check_script(r, revision, &r->spec->hooks[i].scripts[k]);
    for (size_t i = 0; i < r->spec->file_count; i++) check_source(r, revision, i, &targets);
    check_targets(r, &targets);
    for (size_t i = 0; i < r->spec->permission_count; i++)
        check_object(r, &r->spec->permissions[i], &targets);
    free(targets.list);
}
