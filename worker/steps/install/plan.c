#include "steps/install/plan.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void plan_init(struct plan *plan)
{
    *plan = (struct plan){ .count = 0 };
    arena_init(&plan->arena, PLAN_MEMORY_MAX);
}

void plan_deinit(struct plan *plan)
{
    if (!plan) return;
    for (size_t i = 0; i < plan->permission_count; i++) acl_deinit(&plan->permissions[i].acl);
    free(plan->permissions);
    free(plan->items);
    plan_close(plan);
    arena_deinit(&plan->arena);
    *plan = (struct plan){ .count = 0 };
}

void plan_close(struct plan *plan)
{
    map_deinit(&plan->by_path);
    map_deinit(&plan->by_place);
}

struct plan_item *plan_find(const struct plan *plan, const char *path)
{
    struct plan_item *item = map_get(&plan->by_place, path);
    return item && text_equal(item->path, path) ? item : map_get(&plan->by_path, path);
}

bool plan_expand(const char *path, char out[FS_PATH_MAX], struct error *err)
{
    char whole[FS_PATH_MAX];
    if (path[0] == '/') {
        if (!text_copy(whole, sizeof whole, path))
            return error_set(err, ERR_INVALID, "path too long: '%.200s...'", path);
    } else {
        char folder[FS_PATH_MAX];
        if (!getcwd(folder, sizeof folder)) return fs_error(err, "working folder", ".");
        if (!fs_join(whole, folder, path, err)) return false;
    }
    size_t len = 0;
    for (const char *at = whole; *at;) {
        at += strspn(at, "/");
        size_t part = strcspn(at, "/");
        if (part == 2 && at[0] == '.' && at[1] == '.') {
            while (len > 0 && out[--len] != '/') {
            }
        } else if (part > 0 && !(part == 1 && at[0] == '.')) {
            out[len++] = '/'; /* fits: no longer than `whole` */
            memcpy(out + len, at, part);
            len += part;
        }
        at += part;
    }
    if (len == 0) out[len++] = '/';
    out[len] = '\0';
    return true;
}

/* What one files entry is about, handed down through its folders. */
struct walk {
    struct plan *plan;
    const struct plan_request *request;
    const struct appspec_file *entry;
    enum appspec_exists behavior;
    unsigned depth;
};

static bool wrong(const struct walk *w, enum error_code code, struct error *err)
{
    err->code = code;
    return error_wrap(err, "%s:%u:%u: files", w->request->appspec->name, w->entry->line,
                      w->entry->column);
}

static const char *base_of(const char *path)
{
    return strrchr(path, '/') + 1;
}

/* The path of `name` in `folder`, with one slash between. */
static bool join(const char *folder, const char *name, char out[FS_PATH_MAX], struct error *err)
{
    size_t len = strlen(folder);
    while (len > 0 && folder[len - 1] == '/') len--;
    int written = snprintf(out, FS_PATH_MAX, "%.*s/%s", (int)len, folder, name);
    if (written < 0 || written >= FS_PATH_MAX)
        return error_set(err, ERR_INVALID, "path too long: '%.80s.../%.80s'", folder, name);
    return true;
}

void plan_source(const struct plan_item *item, char out[FS_PATH_MAX])
{
    struct error err;
    /* It was looked at under this name. */
    bool fits = join(item->folder, base_of(item->path), out, &err);
    assert(fits);
}

static const struct plan_item *planned_folder(const struct plan *plan, const char *path)
{
    const struct plan_item *item = plan_find(plan, path);
    return item && item->kind == PLAN_FOLDER ? item : NULL;
}

static void folder_of(const char *path, char out[FS_PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    size_t len = slash > path ? (size_t)(slash - path) : 1;
    memcpy(out, path, len);
    out[len] = '\0';
}

static bool add_item(struct walk *w, enum plan_kind kind, const char *path, const char *place,
                     struct plan_item **out, struct error *err)
{
    struct plan *plan = w->plan;
    if (plan->count >= PLAN_ITEMS_MAX) {
        error_set(err, ERR_INVALID,
                  "source '%s' gives more than %d files: does a link lead back to its own folder?",
                  w->entry->source, PLAN_ITEMS_MAX);
        return wrong(w, ERR_INVALID, err);
    }
    const struct plan_item *other = map_get(&plan->by_place, place);
    if (other) {
        error_set(err, ERR_INVALID, "'%s' and '%s' are the same place '%s': remove one of them",
                  other->path, path, place);
        return wrong(w, ERR_INVALID, err);
    }
    if (plan->count == plan->cap) {
        plan->cap = plan->cap ? 2 * plan->cap : 64;
        plan->items = xrealloc(plan->items, plan->cap * sizeof *plan->items);
    }
    struct plan_item *item = arena_calloc(&plan->arena, 1, sizeof *item);
    item->kind = kind;
    const struct overlay_gone *gone = overlay_gone(w->request->overlay, place);
    item->place = gone ? gone->place : arena_text(&plan->arena, place);
    bool named = text_equal(path, place);
    item->path = named ? item->place : arena_text(&plan->arena, path);
    item->folder = item->target = "";
    plan->items[plan->count++] = item;
    map_put(&plan->by_place, item->place, item);
    if (!named) map_put(&plan->by_path, item->path, item);
    *out = item;
    return true;
}

/* Where something new of that name will be made: below a folder of this plan, or below one that
 * exists. `place` holds what overlay_look() found. */
static bool place_of(struct walk *w, const char *path, const struct overlay_node *node,
                     struct error *err)
{
    char folder[FS_PATH_MAX];
    folder_of(path, folder);
    const struct plan_item *parent = planned_folder(w->plan, folder);
    if (parent) {
        if (!join(parent->place, base_of(path), node->place, err))
            return wrong(w, ERR_INVALID, err);
        return true;
    }
    if (node->parent_exists) return true;
    error_set(err, ERR_CONFLICT, "'%s' cannot be made: its folder does not exist", path);
    return wrong(w, ERR_CONFLICT, err);
}

/* The agent's mkdir instruction. `destination` is the name as composed, perhaps with "..". */
static bool plan_folder(struct walk *w, const char *destination, struct error *err)
{
    char path[FS_PATH_MAX], place[FS_PATH_MAX];
    if (!plan_expand(destination, path, err)) return wrong(w, ERR_INVALID, err);
    const struct plan_item *other = plan_find(w->plan, path);
    if (other && other->kind == PLAN_FOLDER) return true;
    if (other) {
        error_set(
            err, ERR_INVALID,
            "the folder '%s' is to be made where '%s/%s' is to be installed: remove one of them",
            path, other->folder, base_of(path));
        return wrong(w, ERR_INVALID, err);
    }
    struct overlay_node node;
    if (!overlay_look(w->request->overlay, path, false, place, &node, err))
        return wrong(w, err->code, err);
    if (node.exists) {
        error_set(err, ERR_CONFLICT, "the folder '%s' cannot be made: %s of that name exists", path,
                  S_ISDIR(node.info.st_mode) ? "a folder" : "a file");
        return wrong(w, ERR_CONFLICT, err);
    }
    struct plan_item *item;
    if (!place_of(w, path, &node, err)) return false;
    if (!add_item(w, PLAN_FOLDER, path, place, &item, err)) return false;
    item->standing = overlay_is_standing_folder(place);
    return true;
}

static bool exists_as(struct walk *w, const char *path, bool *exists, bool *folder,
                      struct error *err)
{
    char place[FS_PATH_MAX];
    struct overlay_node node;
    if (!overlay_look(w->request->overlay, path, true, place, &node, err))
        return wrong(w, err->code, err);
    *exists = node.exists;
    *folder = node.exists && S_ISDIR(node.info.st_mode);
    return true;
}

/* Folders above `destination` that do not exist are made, the outermost first. */
static bool plan_ancestors(struct walk *w, const char *destination, struct error *err)
{
    char path[FS_PATH_MAX];
    size_t ends[FS_PATH_MAX / 2], count = 0;
    if (!text_copy(path, sizeof path, destination)) return wrong(w, ERR_INVALID, err);
    for (;;) {
        size_t len = strlen(path);
        while (len > 1 && path[len - 1] == '/') path[--len] = '\0';
        char *slash = strrchr(path, '/');
        while (slash > path && slash[-1] == '/') slash--;
        if (slash <= path) break;
        *slash = '\0';
        bool exists, folder;
        if (!exists_as(w, path, &exists, &folder, err)) return false;
        if (exists) break;
        ends[count++] = strlen(path);
    }
    while (count > 0) {
        memcpy(path, destination, ends[count - 1]);
        path[ends[--count]] = '\0';
        if (!plan_folder(w, path, err)) return false;
    }
    return true;
}

/* A file over a folder goes into it, as cp does; the text of a link gives the name there. */
static bool place_inside(struct walk *w, struct plan_item *item, const char *name, char *place,
                         struct error *err)
{
    char inside[FS_PATH_MAX];
    struct overlay_node node;
    if (!join(place, name, inside, err)) return wrong(w, ERR_INVALID, err);
    if (!overlay_look(w->request->overlay, inside, item->kind == PLAN_FILE, place, &node, err))
        return wrong(w, err->code, err);
    bool in_the_way = node.exists && (item->kind == PLAN_LINK || !S_ISREG(node.info.st_mode));
    if (!in_the_way && (node.exists || node.parent_exists)) return true;
    error_set(err, ERR_CONFLICT, "'%s' is a folder, and '%s' in it cannot be written", item->path,
              name);
    return wrong(w, ERR_CONFLICT, err);
}

/* Where a file or link lands that the rules allow. `node` is what following the destination found
 * in `place`, which gets the answer. */
static bool place_copy(struct walk *w, struct plan_item *item, const struct overlay_node *node,
                       char *place, struct error *err)
{
    bool link = item->kind == PLAN_LINK;
    if (node->exists && S_ISDIR(node->info.st_mode)) {
        const char *slash = link ? strrchr(item->target, '/') : NULL;
        const char *name = slash ? slash + 1 : link ? item->target : base_of(item->path);
        return place_inside(w, item, name, place, err);
    }
    if (link) {
        struct overlay_node end;
        if (!overlay_look(w->request->overlay, item->path, false, place, &end, err))
            return wrong(w, err->code, err);
        if (!end.exists) return place_of(w, item->path, &end, err);
        error_set(err, ERR_CONFLICT, "the link '%s/%s' cannot be made: '%s' exists", item->folder,
                  base_of(item->path), item->path);
        return wrong(w, ERR_CONFLICT, err);
    }
    if (!node->exists) return place_of(w, item->path, node, err);
    if (S_ISREG(node->info.st_mode)) return true;
    error_set(err, ERR_CONFLICT, "'%s' is neither file nor folder: it is not overwritten",
              item->path);
    return wrong(w, ERR_CONFLICT, err);
}

/* The source's folder, as one text for all that lie in it. */
static const char *source_folder(struct plan *plan, const char *source)
{
    size_t len = (size_t)(base_of(source) - source) - 1;
    const char *last = plan->last_folder;
    if (!last || strncmp(last, source, len) != 0 || last[len] != '\0')
        plan->last_folder = arena_text_of(&plan->arena, source, len);
    return plan->last_folder;
}

/* Fills kind, folder, target and from out of the revision. */
static bool read_source(struct walk *w, const char *source, struct plan_item *out,
                        struct error *err)
{
    struct stat info;
    if (lstat(source, &info) < 0) {
        bool missing = errno == ENOENT || errno == ENOTDIR;
        if (missing)
            error_set(err, ERR_INVALID, "source '%s' is not in the revision", w->entry->source);
        else
            fs_error(err, "source", source);
        return wrong(w, ERR_INVALID, err);
    }
    out->folder = source_folder(w->plan, source);
    out->from = (struct plan_from){ .size = (uint64_t)info.st_size,
                                    .mode = info.st_mode,
                                    .uid = info.st_uid,
                                    .gid = info.st_gid,
                                    .accessed = info.st_atim,
                                    .modified = info.st_mtim };
    if (S_ISREG(info.st_mode)) {
        out->kind = PLAN_FILE;
        return true;
    }
    if (!S_ISLNK(info.st_mode)) {
        error_set(err, ERR_INVALID, "source '%s' is neither file, folder nor link", source);
        return wrong(w, ERR_INVALID, err);
    }
    char text[FS_PATH_MAX];
    ssize_t len = readlink(source, text, sizeof text - 1);
    if (len < 0) {
        fs_error(err, "read link", source);
        return wrong(w, ERR_INVALID, err);
    }
    out->kind = PLAN_LINK;
    out->target = arena_text_of(&w->plan->arena, text, (size_t)len);
    return true;
}

/* The agent's rules for one file: keep, refuse or copy. */
static bool plan_copy(struct walk *w, const char *source, const char *destination,
                      struct error *err)
{
    char path[FS_PATH_MAX], place[FS_PATH_MAX];
    struct overlay_node node;
    if (!plan_expand(destination, path, err)) return wrong(w, ERR_INVALID, err);
    if (!overlay_look(w->request->overlay, destination, true, place, &node, err))
        return wrong(w, err->code, err);
    if (node.exists && w->behavior == APPSPEC_EXISTS_RETAIN) return true;
    if (node.exists && w->behavior != APPSPEC_EXISTS_OVERWRITE) {
        error_set(err, ERR_CONFLICT,
                  "'%s' exists and was not installed by the last deployment: remove it, or say "
                  "file_exists_behavior: OVERWRITE or RETAIN",
                  path);
        return wrong(w, ERR_CONFLICT, err);
    }
    struct plan_item from = { .path = path };
    if (!read_source(w, source, &from, err)) return false;
    const struct plan_item *other = plan_find(w->plan, path);
    if (other) {
        char second[FS_PATH_MAX];
        bool folder = other->kind == PLAN_FOLDER;
        if (!folder) plan_source(other, second);
        error_set(err, ERR_INVALID, "'%s' and %s'%s' have the same destination '%s': remove one",
                  source, folder ? "the folder " : "", folder ? path : second, path);
        return wrong(w, ERR_INVALID, err);
    }
    if (!place_copy(w, &from, &node, place, err)) return false;
    struct plan_item *item;
    if (!add_item(w, from.kind, path, place, &item, err)) return false;
    item->folder = from.folder;
    item->target = from.target;
    item->from = from.from;
    return true;
}

static bool plan_entry(struct walk *w, const char *source, bool file, const char *destination,
                       struct error *err);

static bool plan_tree(struct walk *w, const char *source, const char *destination,
                      struct error *err)
{
    bool exists, folder;
    if (!exists_as(w, destination, &exists, &folder, err)) return false;
    if (!folder && !plan_folder(w, destination, err)) return false;
    struct dirent **names;
    if (w->depth >= PLAN_DEPTH_MAX) {
        error_set(err, ERR_INVALID, "source '%s' is deeper than %d folders", w->entry->source,
                  PLAN_DEPTH_MAX);
        return wrong(w, ERR_INVALID, err);
    }
    int count = scandir(source, &names, NULL, alphasort);
    if (count < 0) {
        fs_error(err, "read folder", source);
        return wrong(w, ERR_INVALID, err);
    }
    bool ok = true;
    w->depth++;
    for (int i = 0; i < count; i++) {
        const char *name = names[i]->d_name;
        char from[FS_PATH_MAX], to[FS_PATH_MAX];
        if (ok && !text_equal(name, ".") && !text_equal(name, ".."))
            ok = join(source, name, from, err) && join(destination, name, to, err) &&
                 plan_entry(w, from, names[i]->d_type == DT_REG, to, err);
        free(names[i]);
    }
    free(names);
    w->depth--;
    return ok;
}

/* Links to folders are followed until the kernel counts too many, then they are copied as links:
 * that is what ends a loop. `file`: it is known to be one. */
static bool plan_entry(struct walk *w, const char *source, bool file, const char *destination,
                       struct error *err)
{
    struct stat info;
    if (!file && stat(source, &info) == 0 && S_ISDIR(info.st_mode))
        return plan_tree(w, source, destination, err);
    return plan_copy(w, source, destination, err);
}

static bool plan_file(struct walk *w, struct error *err)
{
    const struct appspec_file *entry = w->entry;
    char source[FS_PATH_MAX], destination[FS_PATH_MAX], file[FS_PATH_MAX];
    if (entry->trouble) {
        error_set(err, ERR_INVALID, "%s", entry->trouble);
        return wrong(w, ERR_INVALID, err);
    }
    if (entry->destination[0] == '~') {
        error_set(err, ERR_INVALID, "destination '%s': write the whole path instead of '~'",
                  entry->destination);
        return wrong(w, ERR_INVALID, err);
    }
    if (!join(w->request->revision, entry->path, source, err)) return wrong(w, ERR_INVALID, err);
    if (entry->destination[0] == '/') {
        if (!text_copy(destination, sizeof destination, entry->destination)) {
            error_set(err, ERR_INVALID, "destination is too long");
            return wrong(w, ERR_INVALID, err);
        }
    } else {
        char folder[FS_PATH_MAX];
        if (!plan_expand(".", folder, err) || !join(folder, entry->destination, destination, err))
            return wrong(w, ERR_INVALID, err);
    }
    struct stat info;
    if (stat(source, &info) == 0 && S_ISDIR(info.st_mode))
        return plan_ancestors(w, destination, err) && plan_tree(w, source, destination, err);
    if (!join(destination, base_of(source), file, err)) return wrong(w, ERR_INVALID, err);
    return plan_ancestors(w, file, err) && plan_copy(w, source, file, err);
}

bool plan_make(struct plan *plan, const struct plan_request *request, struct error *err)
{
    const struct appspec *appspec = request->appspec;
    struct walk w = { .plan = plan, .request = request, .behavior = appspec->file_exists_behavior };
    if (w.behavior == APPSPEC_EXISTS_UNSET) w.behavior = request->behavior;
    for (size_t i = 0; i < appspec->file_count; i++) {
        w.entry = &appspec->files[i];
        if (!plan_file(&w, err)) return false;
    }
    return plan_permissions(plan, request, err);
}
