#include "steps/install/overlay.h"

#include "io/fs.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void overlay_init(struct overlay *o)
{
    *o = (struct overlay){ .known = xcalloc(FS_PATH_MAX, 1),
                           .known_place = xcalloc(FS_PATH_MAX, 1) };
    arena_init(&o->arena, MANIFEST_MEMORY_MAX);
}

void overlay_close(struct overlay *o)
{
    free(o->gone);
    o->gone = NULL;
    o->count = o->cap = 0;
    map_deinit(&o->by_place);
}

void overlay_deinit(struct overlay *o)
{
    overlay_close(o);
    free(o->known);
    free(o->known_place);
    arena_deinit(&o->arena);
    *o = (struct overlay){ .count = 0 };
}

const struct overlay_gone *overlay_gone(const struct overlay *o, const char *place)
{
    return map_get(&o->by_place, place);
}

bool overlay_is_standing_folder(const char *place)
{
    struct stat info;
    return lstat(place, &info) == 0 && S_ISDIR(info.st_mode);
}

/* A path being resolved: what is done, and what is still to be looked at. */
struct walk {
    char *done; /* canonical; "" is the root */
    size_t done_len;
    char rest[FS_PATH_MAX];
    size_t own_len; /* a rest no longer than this is the end of the path that was asked for */
    int links;
};

static bool too_long(const char *path, struct error *err)
{
    return error_set(err, ERR_INVALID, "path too long: '%.200s...'", path);
}

static void walk_up(struct walk *w)
{
    while (w->done_len > 0 && w->done[w->done_len - 1] != '/') w->done_len--;
    if (w->done_len > 0) w->done_len--;
    w->done[w->done_len] = '\0';
}

static bool walk_down(struct walk *w, const char *name, size_t len, struct error *err)
{
    if (w->done_len + 1 + len >= FS_PATH_MAX) return too_long(w->done, err);
    w->done[w->done_len++] = '/';
    memcpy(w->done + w->done_len, name, len);
    w->done_len += len;
    w->done[w->done_len] = '\0';
    return true;
}

/* Takes the first component off `rest`; false at the end. */
static bool walk_next(struct walk *w, char name[NAME_MAX + 1], bool *last)
{
    const char *at = w->rest + strspn(w->rest, "/");
    size_t len = strcspn(at, "/");
    if (len == 0) return false;
    size_t kept = len > NAME_MAX ? NAME_MAX : len; /* lstat of a longer one says ENOENT enough */
    memcpy(name, at, kept);
    name[kept] = '\0';
    const char *after = at + len;
    *last = after[strspn(after, "/")] == '\0';
    memmove(w->rest, after, strlen(after) + 1);
    return true;
}

/* The last component of `done` is a link: put its text in front of the rest. */
static bool walk_link(struct walk *w, bool *loop, struct error *err)
{
    *loop = ++w->links > OVERLAY_LINKS_MAX;
    if (*loop) return true;
    char text[FS_PATH_MAX];
    ssize_t len = readlink(w->done, text, sizeof text - 1);
    if (len < 0) return fs_error(err, "read link", w->done);
    size_t rest_len = strlen(w->rest);
    if (rest_len < w->own_len) w->own_len = rest_len;
    if ((size_t)len + 1 + rest_len >= sizeof w->rest) return too_long(w->done, err);
    memmove(w->rest + len + 1, w->rest, rest_len + 1);
    memcpy(w->rest, text, (size_t)len);
    w->rest[len] = '/';
    if (text[0] == '/')
        w->done[w->done_len = 0] = '\0';
    else
        walk_up(w);
    return true;
}

/* Nothing is at `done`. Appends what was still to come, so that the place can be named. */
static bool walk_missing(struct walk *w, bool last, struct overlay_node *out, struct error *err)
{
    char name[NAME_MAX + 1];
    bool ignored;
    out->exists = false;
    out->parent_exists = last;
    while (walk_next(w, name, &ignored)) {
        if (!walk_down(w, name, strlen(name), err)) return false;
    }
    return true;
}

static bool lies_in(const char *path, const char *folder)
{
    size_t len = strlen(folder);
    return len > 0 && strncmp(path, folder, len) == 0 && path[len] == '/';
}

/* Begins at the known folder if the path leads through it, else at the root. */
static bool walk_begin(struct walk *w, const struct overlay *o, const char *path, struct error *err)
{
    size_t len = lies_in(path, o->known) ? strlen(o->known) : 0;
    w->done_len = len > 0 ? strlen(o->known_place) : 0;
    memcpy(w->done, o->known_place, w->done_len);
    w->done[w->done_len] = '\0';
    w->own_len = strlen(path);
    return text_copy(w->rest, sizeof w->rest, path + len) || too_long(path, err);
}

/* `done` is a folder on the way. While the rest is the end of the path itself, and not of a link's
 * text, what was before it leads there. */
static void walk_know(const struct walk *w, const struct overlay *o, const char *path)
{
    size_t rest = strlen(w->rest), whole = strlen(path);
    if (rest > w->own_len) return;
    memcpy(o->known, path, whole - rest);
    o->known[whole - rest] = '\0';
    memcpy(o->known_place, w->done, w->done_len + 1);
}

bool overlay_look(const struct overlay *o, const char *path, bool follow, char *place,
                  struct overlay_node *out, struct error *err)
{
    struct walk w = { .done = place };
    char name[NAME_MAX + 1];
    bool last = true, looked = false; /* out->info is of `place` */
    *out = (struct overlay_node){ .exists = true, .parent_exists = true, .place = place };
    if (!walk_begin(&w, o, path, err)) return false;
    while (walk_next(&w, name, &last)) {
        if (text_equal(name, ".")) continue;
        if (text_equal(name, "..")) {
            walk_up(&w);
            looked = false;
            continue;
        }
        if (!walk_down(&w, name, strlen(name), err)) return false;
        if (overlay_gone(o, place)) return walk_missing(&w, last, out, err);
        if (lstat(place, &out->info) < 0) {
            if (errno == ENOENT || errno == ENAMETOOLONG) return walk_missing(&w, last, out, err);
            if (errno == ENOTDIR) return walk_missing(&w, false, out, err);
            return fs_error(err, "stat", place);
        }
        looked = true;
        if (S_ISDIR(out->info.st_mode) && !last) walk_know(&w, o, path);
        if (S_ISLNK(out->info.st_mode) && (!last || follow)) {
            bool loop;
            if (!walk_link(&w, &loop, err)) return false;
            looked = false;
            if (loop) return walk_missing(&w, false, out, err);
        } else if (!last && !S_ISDIR(out->info.st_mode)) {
            return walk_missing(&w, false, out, err);
        }
    }
    if (looked) return true;
    /* After ".." or a link to the root the last lstat was of something else. */
    if (w.done_len == 0 && !text_copy(place, FS_PATH_MAX, "/")) return too_long(path, err);
    if (lstat(place, &out->info) < 0) return fs_error(err, "stat", place);
    return true;
}

/* `path` is kept if it is the place. */
static void add_gone(struct overlay *o, enum manifest_kind kind, const char *path,
                     const char *place)
{
    struct overlay_gone *gone = arena_calloc(&o->arena, 1, sizeof *gone);
    gone->kind = kind;
    gone->place = text_equal(path, place) ? path : arena_text(&o->arena, place);
    if (o->count == o->cap) {
        o->cap = o->cap ? 2 * o->cap : 64;
        o->gone = xrealloc(o->gone, o->cap * sizeof *o->gone);
    }
    o->gone[o->count++] = gone;
    if (kind == MANIFEST_CONTEXT) return;
    map_put(&o->by_place, gone->place, gone);
}

static void auto_closedir(DIR **dir)
{
    if (*dir) closedir(*dir);
}

/* As rmdir(2) would find it once everything gone so far is gone. A folder that cannot be read is
 * not empty. */
static bool would_be_empty(const struct overlay *o, const char *place)
{
    AUTO(auto_closedir) DIR *dir = opendir(place);
    if (!dir) return false;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (text_equal(entry->d_name, ".") || text_equal(entry->d_name, "..")) continue;
        char child[FS_PATH_MAX];
        struct error ignored;
        if (!fs_join(child, text_equal(place, "/") ? "" : place, entry->d_name, &ignored))
            return false;
        if (!overlay_gone(o, child)) return false;
    }
    return true;
}

bool overlay_clean(struct overlay *o, const struct manifest *old, struct error *err)
{
    /* Last made, first removed, as the agent does: a folder comes after what is in it. */
    for (size_t i = old->count; i-- > 0;) {
        const struct manifest_entry *entry = &old->entries[i];
        if (entry->kind == MANIFEST_CONTEXT) {
            add_gone(o, MANIFEST_CONTEXT, entry->path, entry->path);
            continue;
        }
        char place[FS_PATH_MAX];
        struct overlay_node node;
        if (!overlay_look(o, entry->path, false, place, &node, err))
            return error_wrap(err, "what the last deployment installed");
        if (!node.exists) continue;
        /* Folders and links could be on the way to the known one. */
        if (!S_ISREG(node.info.st_mode)) o->known[0] = '\0';
        if (!S_ISDIR(node.info.st_mode))
            add_gone(o, MANIFEST_FILE, entry->path, place);
        else if (would_be_empty(o, place))
            add_gone(o, MANIFEST_FOLDER, entry->path, place);
    }
    return true;
}
