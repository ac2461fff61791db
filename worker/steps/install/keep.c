#include "steps/install/keep.h"

#include "steps/sealed.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char magic[] = "meridian undo 1\n";

enum { FOLDERS_MAX = 1024 };

void keep_init(struct keep *k)
{
    *k = (struct keep){ .deployment = "", .revision = "", .old_deployment = "" };
    arena_init(&k->arena, KEEP_BYTES_MAX);
}

void keep_deinit(struct keep *k)
{
    if (!k) return;
    free(k->items);
    free(k->folders);
    arena_deinit(&k->arena);
    *k = (struct keep){ .count = 0 };
}

static void put_item(struct sealed_writer *w, const struct keep_item *item)
{
    sealed_put(w, (uint64_t)item->kind);
    sealed_put_text(w, item->place);
    sealed_put_text(w, item->kept);
    sealed_put_text(w, item->label);
    sealed_put(w, item->uid);
    sealed_put(w, item->gid);
    sealed_put(w, item->mode);
    sealed_put(w, (uint64_t)item->accessed.tv_sec);
    sealed_put(w, (uint64_t)item->accessed.tv_nsec);
    sealed_put(w, (uint64_t)item->modified.tv_sec);
    sealed_put(w, (uint64_t)item->modified.tv_nsec);
    sealed_put(w, item->attribute_count);
    for (size_t i = 0; i < item->attribute_count; i++) {
        sealed_put_text(w, item->attributes[i].name);
        sealed_put_bytes(w, item->attributes[i].value);
    }
}

bool keep_write(const struct keep *k, const struct host *host, struct error *err)
{
    struct sealed_writer w AUTO(sealed_deinit);
    sealed_init(&w, magic, KEEP_BYTES_MAX);
    sealed_put_text(&w, k->deployment);
    sealed_put_text(&w, k->revision);
    sealed_put_text(&w, k->old_deployment);
    sealed_put(&w, k->had_manifest);
    sealed_put(&w, k->had_agent_list);
    sealed_put(&w, k->folder_count);
    for (size_t i = 0; i < k->folder_count; i++) sealed_put_text(&w, k->folders[i]);
    sealed_put(&w, k->count);
    for (size_t i = 0; i < k->count; i++) put_item(&w, &k->items[i]);
    return sealed_write(&w, host->undo, err);
}

static struct timespec read_time(struct sealed_reader *r)
{
    struct timespec time;
    time.tv_sec = (time_t)sealed_get(r);
    time.tv_nsec = (long)sealed_get(r);
    return time;
}

static void read_item(struct keep *k, struct sealed_reader *r, struct keep_item *item)
{
    uint64_t kind = sealed_get(r);
    item->kind = (enum keep_kind)kind;
    item->place = sealed_get_text(r, &k->arena);
    item->kept = sealed_get_text(r, &k->arena);
    item->label = sealed_get_text(r, &k->arena);
    item->uid = (uint32_t)sealed_get(r);
    item->gid = (uint32_t)sealed_get(r);
    item->mode = (uint32_t)sealed_get(r);
    item->accessed = read_time(r);
    item->modified = read_time(r);
    uint64_t attributes = sealed_get(r);
    if (kind >= KEEP_KIND_COUNT || item->place[0] != '/' || attributes > KEEP_ATTRIBUTES_MAX ||
        (item->kept[0] != '/') != (kind != KEEP_FILE)) {
        r->broken = true;
        return;
    }
    item->attributes = arena_calloc(&k->arena, attributes + 1, sizeof *item->attributes);
    item->attribute_count = attributes;
    for (size_t i = 0; i < item->attribute_count && !r->broken; i++) {
        item->attributes[i].name = sealed_get_text(r, &k->arena);
        item->attributes[i].value = sealed_get_bytes(r, &k->arena);
    }
}

static void read_body(struct keep *k, struct sealed_reader *r)
{
    k->deployment = sealed_get_text(r, &k->arena);
    k->revision = sealed_get_text(r, &k->arena);
    k->old_deployment = sealed_get_text(r, &k->arena);
    k->had_manifest = sealed_get(r) != 0;
    k->had_agent_list = sealed_get(r) != 0;
    uint64_t folders = sealed_get(r);
    if (folders > FOLDERS_MAX) r->broken = true;
    if (r->broken) return;
    k->folders = xcalloc(folders + 1, sizeof *k->folders);
    while (k->folder_count < folders) {
        k->folders[k->folder_count++] = sealed_get_text(r, &k->arena);
        if (k->folders[k->folder_count - 1][0] != '/') r->broken = true;
    }
    uint64_t count = sealed_get(r);
    while (k->count < count && !r->broken) {
        if (k->count == k->cap) {
            k->cap = k->cap ? 2 * k->cap : 64;
            k->items = xrealloc(k->items, k->cap * sizeof *k->items);
        }
        struct keep_item *item = &k->items[k->count++];
        *item = (struct keep_item){ .place = "" };
        read_item(k, r, item);
    }
}

bool keep_read(struct keep *k, const struct host *host, bool *found, struct error *err)
{
    struct sealed_reader r AUTO(sealed_close) = { .broken = false };
    struct bytes marks;
    struct error why;
    *found = sealed_open(&r, host->undo, magic, KEEP_BYTES_MAX, &marks, &why);
    if (!*found && why.code == ERR_NOT_FOUND) return true;
    if (!*found) return error_set(err, why.code, "%s", why.text);
    read_body(k, &r);
    for (size_t i = 0; i < marks.len; i++) {
        if (marks.data[i] == KEEP_COMMITTED) k->committed = true;
        if (marks.data[i] == KEEP_UNDOING) k->undoing = true;
        if (marks.data[i] == KEEP_CLEARED) k->cleared = true;
    }
    if (r.broken || r.rest.len > 0)
        return error_set(err, ERR_CORRUPT, "'%s' is damaged or of another version", host->undo);
    return true;
}

bool keep_mark(struct keep *k, const struct host *host, enum keep_mark mark, struct error *err)
{
    AUTO(auto_close) int fd = open(host->undo, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return fs_error(err, "open", host->undo);
    uint8_t byte = (uint8_t)mark;
    if (!fs_write_all(fd, bytes_of(&byte, 1), err)) return error_wrap(err, "mark '%s'", host->undo);
    if (fdatasync(fd) < 0) return fs_error(err, "sync", host->undo);
    if (mark == KEEP_COMMITTED) k->committed = true;
    if (mark == KEEP_UNDOING) k->undoing = true;
    if (mark == KEEP_CLEARED) k->cleared = true;
    return true;
}

bool keep_needs(const struct host *host, const char *deployment)
{
    struct sealed_reader r AUTO(sealed_close) = { .broken = false };
    struct arena arena AUTO(arena_deinit);
    struct bytes marks;
    struct error ignored;
    arena_init(&arena, KEEP_BYTES_MAX);
    if (!sealed_open(&r, host->undo, magic, KEEP_BYTES_MAX, &marks, &ignored)) return false;
    const char *by = sealed_get_text(&r, &arena);
    (void)sealed_get_text(&r, &arena);
    const char *old = sealed_get_text(&r, &arena);
    return text_equal(by, deployment) || text_equal(old, deployment);
}
