#include "steps/install/journal.h"

#include "io/fs.h"
#include "steps/install/parent.h"
#include "steps/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char magic[] = "meridian install journal 1\n";

void journal_init(struct journal *j, const char *deployment)
{
    *j = (struct journal){ .count = 0 };
    arena_init(&j->arena, JOURNAL_BYTES_MAX);
    j->deployment = arena_text(&j->arena, deployment);
}

void journal_deinit(struct journal *j)
{
    if (!j) return;
    free(j->ops);
    arena_deinit(&j->arena);
    *j = (struct journal){ .count = 0 };
}

struct journal_op *journal_add_kept(struct journal *j, enum journal_kind kind, const char *place)
{
    if (j->count == j->cap) {
        j->cap = j->cap ? 2 * j->cap : 64;
        j->ops = xrealloc(j->ops, j->cap * sizeof *j->ops);
    }
    struct journal_op *op = &j->ops[j->count++];
    *op = (struct journal_op){ .kind = kind, .place = place, .staged = "" };
    return op;
}

struct journal_op *journal_add(struct journal *j, enum journal_kind kind, const char *place)
{
    return journal_add_kept(j, kind, arena_text(&j->arena, place));
}

bool journal_write(const struct journal *j, const char *path, struct error *err)
{
    struct sealed_writer w AUTO(sealed_deinit);
    sealed_init(&w, magic, JOURNAL_BYTES_MAX);
    sealed_put_text(&w, j->deployment);
    sealed_put(&w, j->count);
    for (size_t i = 0; i < j->count; i++) {
        const struct journal_op *op = &j->ops[i];
        sealed_put(&w, (uint64_t)op->kind);
        sealed_put_text(&w, op->place);
        if (op->kind == JOURNAL_RENAME) sealed_put_text(&w, op->staged);
        if (op->kind != JOURNAL_FOLDER) continue;
        sealed_put(&w, op->uid);
        sealed_put(&w, op->gid);
        sealed_put(&w, op->mode);
        sealed_put_bytes(&w, op->access);
        sealed_put_bytes(&w, op->defaults);
    }
    return sealed_write(&w, path, err);
}

static void read_op(struct journal *j, struct sealed_reader *r)
{
    uint64_t kind = sealed_get(r);
    const char *place = sealed_get_text(r, &j->arena);
    if (kind >= JOURNAL_KIND_COUNT || place[0] != '/') {
        r->broken = true;
        return;
    }
    struct journal_op *op = journal_add_kept(j, (enum journal_kind)kind, place);
    if (op->kind == JOURNAL_RENAME) {
        op->staged = sealed_get_text(r, &j->arena);
        if (op->staged[0] != '/') r->broken = true;
    }
    if (op->kind != JOURNAL_FOLDER) return;
    op->uid = (uint32_t)sealed_get(r);
    op->gid = (uint32_t)sealed_get(r);
    op->mode = (uint32_t)sealed_get(r);
    op->access = sealed_get_bytes(r, &j->arena);
    op->defaults = sealed_get_bytes(r, &j->arena);
}

bool journal_read(struct journal *j, const char *path, bool *found, struct error *err)
{
    struct sealed_reader r AUTO(sealed_close) = { .broken = false };
    struct bytes marks;
    struct error why;
    *found = sealed_open(&r, path, magic, JOURNAL_BYTES_MAX, &marks, &why);
    if (!*found && why.code == ERR_NOT_FOUND) return true;
    if (!*found) return error_set(err, why.code, "%s", why.text);
    j->deployment = sealed_get_text(&r, &j->arena);
    uint64_t count = sealed_get(&r);
    for (uint64_t i = 0; i < count && !r.broken; i++) read_op(j, &r);
    for (size_t i = 0; i < marks.len; i++) {
        if (marks.data[i] == JOURNAL_COMMITTED) j->committed = true;
        if (marks.data[i] == JOURNAL_CLEARED) j->cleared = true;
    }
    if (r.broken || r.rest.len > 0)
        return error_set(err, ERR_CORRUPT, "'%s' is damaged or of another version", path);
    return true;
}

bool journal_mark(struct journal *j, const char *path, enum journal_mark mark, struct error *err)
{
    AUTO(auto_close) int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0) return fs_error(err, "open", path);
    uint8_t byte = (uint8_t)mark;
    if (!fs_write_all(fd, bytes_of(&byte, 1), err)) return error_wrap(err, "mark '%s'", path);
    if (fdatasync(fd) < 0) return fs_error(err, "sync", path);
    if (mark == JOURNAL_COMMITTED) j->committed = true;
    if (mark == JOURNAL_CLEARED) j->cleared = true;
    return true;
}

/* The staged name's folder is the place's too. */
static bool open_beside(struct parent *parent, const struct journal_op *op, int *folder,
                        const char **name, char old[NAME_MAX + 1], struct error *err)
{
    if (!parent_open(parent, op->staged, folder, name, err)) return false;
    int len = snprintf(old, NAME_MAX + 1, "%s.old", *name);
    return (len > 0 && len <= NAME_MAX) || error_set(err, ERR_INVALID, "name too long");
}

static bool discard_one(struct parent *parent, const struct journal_op *op, struct error *err)
{
    int folder;
    const char *name;
    char old[NAME_MAX + 1];
    if (!open_beside(parent, op, &folder, &name, old, err)) return err->code == ERR_NOT_FOUND;
    if (unlinkat(folder, old, 0) < 0 && errno != ENOENT) return fs_error(err, "remove", old);
    if (unlinkat(folder, name, 0) == 0 || errno == ENOENT) return true;
    if (errno == EISDIR || errno == EPERM) return fs_remove_tree(op->staged, err);
    return fs_error(err, "remove", op->staged);
}

bool journal_discard(const struct journal *j, struct error *err)
{
    bool ok = true;
    struct parent parent AUTO(parent_deinit);
    parent_init(&parent);
    for (size_t i = 0; i < j->count; i++) {
        struct error why = { .code = ERR_NONE };
        if (j->ops[i].kind != JOURNAL_RENAME || discard_one(&parent, &j->ops[i], &why)) continue;
        if (ok) ok = error_set(err, why.code, "%s", why.text);
    }
    return ok;
}

static void for_old(const struct journal *j, bool keep)
{
    struct parent parent AUTO(parent_deinit);
    parent_init(&parent);
    for (size_t i = 0; i < j->count; i++) {
        const struct journal_op *op = &j->ops[i];
        struct error ignored;
        int folder, done;
        const char *name;
        char old[NAME_MAX + 1];
        if (op->kind != JOURNAL_RENAME) continue;
        if (!open_beside(&parent, op, &folder, &name, old, &ignored)) continue;
        const char *place = strrchr(op->place, '/') + 1;
        done = keep ? linkat(folder, place, folder, old, 0) : unlinkat(folder, old, 0);
        (void)done;
    }
}

void journal_keep_old(const struct journal *j)
{
    for_old(j, true);
}

void journal_drop_old(const struct journal *j)
{
    for_old(j, false);
}
