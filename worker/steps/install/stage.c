#include "steps/install/stage.h"

#include "io/crew.h"
#include "steps/copy.h"
#include "steps/install/grant.h"
#include "steps/install/parent.h"
#include "steps/install/volumes.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NEIGHBOURS = 64, SHARED_FROM = 512, BLOCK = 4096 };

void stage_deinit(struct stage *stage)
{
    free(stage->paths);
    free(stage->roots);
    *stage = (struct stage){ .count = 0 };
}

static size_t folder_len(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == path ? 1 : (size_t)(slash - path);
}

static const char *base_of(const char *path)
{
    return strrchr(path, '/') + 1;
}

/* What a folder that is made anew gets without permissions, as mkdir(2) would. */
static void compose_standing(const struct plan_item *item, struct journal *j)
{
    struct journal_op *op = journal_add_kept(j, JOURNAL_FOLDER, item->place);
    mode_t mask = umask(0);
    umask(mask);
    op->uid = geteuid();
    op->gid = getegid();
    op->mode = 0777 & ~(uint32_t)mask;
    char folder[FS_PATH_MAX];
    struct stat info;
    memcpy(folder, item->place, folder_len(item->place));
    folder[folder_len(item->place)] = '\0';
    if (stat(folder, &info) == 0 && (info.st_mode & S_ISGID)) {
        op->gid = info.st_gid;
        op->mode |= S_ISGID;
    }
    const struct plan_permission *p = item->permission;
    if ((item->parts & PLAN_OWNER) && p->uid != UINT32_MAX) op->uid = p->uid;
    if ((item->parts & PLAN_OWNER) && p->gid != UINT32_MAX) op->gid = p->gid;
    if (item->parts & PLAN_MODE) op->mode = p->spec->mode;
    grant_acls(item, op->mode, &j->arena, &op->access, &op->defaults);
}

/* A removed folder in whose place a file or link comes must be gone before the rename. */
static bool is_under(const char *place, const char *folder)
{
    size_t len = strlen(folder);
    return strncmp(place, folder, len) == 0 && (place[len] == '/' || place[len] == '\0');
}

struct blocked {
    const char **folders;
    size_t count;
};

static void find_blocked(const struct plan *plan, const struct overlay *overlay,
                         struct blocked *out)
{
    out->folders = xcalloc(overlay->count + 1, sizeof *out->folders);
    for (size_t i = 0; i < overlay->count; i++) {
        const struct overlay_gone *gone = overlay->gone[i];
        if (gone->kind != MANIFEST_FOLDER) continue;
        const struct plan_item *item = map_get(&plan->by_place, gone->place);
        if (item && item->kind != PLAN_FOLDER) out->folders[out->count++] = gone->place;
    }
}

static bool blocks(const struct plan *plan, const struct blocked *blocked,
                   const struct overlay_gone *gone)
{
    if (gone->kind == MANIFEST_CONTEXT) return false;
    const struct plan_item *item = map_get(&plan->by_place, gone->place);
    if (gone->kind == MANIFEST_FILE && item && item->kind == PLAN_FOLDER) return true;
    for (size_t i = 0; i < blocked->count; i++) {
        if (is_under(gone->place, blocked->folders[i])) return true;
    }
    return false;
}

static void compose_removals(const struct plan *plan, const struct overlay *overlay,
                             const struct blocked *blocked, bool clearing, struct journal *j)
{
    for (size_t i = 0; i < overlay->count; i++) {
        const struct overlay_gone *gone = overlay->gone[i];
        bool file = gone->kind == MANIFEST_FILE;
        if (blocks(plan, blocked, gone) != clearing) continue;
        if (clearing) {
            journal_add_kept(j, file ? JOURNAL_CLEAR_FILE : JOURNAL_CLEAR_FOLDER, gone->place);
        } else if (gone->kind == MANIFEST_CONTEXT) {
            journal_add_kept(j, JOURNAL_REMOVE_CONTEXT, gone->place);
        } else if (!map_get(&plan->by_place, gone->place)) {
            journal_add_kept(j, file ? JOURNAL_REMOVE_FILE : JOURNAL_REMOVE_FOLDER, gone->place);
        }
    }
}

/* Where each item is staged: inside its new folder if that is staged itself, else beside. */
static void compose_items(struct stage *stage, const struct plan *plan, struct journal *j)
{
    struct map index = { .count = 0 }; /* place of a staged folder -> its number + 1 */
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_item *item = plan->items[i];
        if (item->standing) continue;
        size_t len = folder_len(item->place);
        char folder[FS_PATH_MAX];
        memcpy(folder, item->place, len);
        folder[len] = '\0';
        uintptr_t parent = (uintptr_t)map_get(&index, folder);
        if (parent) {
            stage->paths[i] =
                arena_format(&j->arena, "%s/%s", stage->paths[parent - 1], base_of(item->place));
            stage->roots[i] = stage->roots[parent - 1];
        } else {
            stage->paths[i] = arena_format(&j->arena, "%s/.meridian-%s-%zu", len > 1 ? folder : "",
                                           j->deployment, i);
            stage->roots[i] = j->count;
            journal_add_kept(j, JOURNAL_RENAME, item->place)->staged = stage->paths[i];
        }
        if (item->kind == PLAN_FOLDER) map_put(&index, item->place, (void *)(uintptr_t)(i + 1));
    }
    map_deinit(&index);
}

void stage_compose(struct stage *stage, const struct plan *plan, const struct overlay *overlay,
                   struct journal *journal)
{
    size_t count = plan->count ? plan->count : 1;
    *stage = (struct stage){ .paths = xcalloc(count, sizeof *stage->paths),
                             .roots = xcalloc(count, sizeof *stage->roots),
                             .count = plan->count };
    struct blocked blocked = { .count = 0 };
    find_blocked(plan, overlay, &blocked);
    compose_removals(plan, overlay, &blocked, true, journal);
    compose_items(stage, plan, journal);
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->items[i]->standing) compose_standing(plan->items[i], journal);
    }
    compose_removals(plan, overlay, &blocked, false, journal);
    free(blocked.folders);
}

/* Owner, mode and times of the source, as cp -p: the owner first, because it clears bits. */
static bool keep_metadata(int fd, const struct plan_item *item, struct error *err)
{
    mode_t mode = item->from.mode & 07777;
    if (fchown(fd, item->from.uid, item->from.gid) < 0) {
        if (errno != EPERM) return fs_error(err, "chown", item->path);
        mode &= 01777; /* another's file does not keep its set-id bits */
    }
    if (fchmod(fd, mode) < 0) return fs_error(err, "chmod", item->path);
    return true;
}

static bool stage_file(struct copier *copier, int folder, const char *name,
                       const struct plan_item *item, struct error *err)
{
    char source[FS_PATH_MAX];
    plan_source(item, source);
    AUTO(auto_close) int from = open(source, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (from < 0) return fs_error(err, "open", source);
    AUTO(auto_close)
    int to = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0) return fs_error(err, "create a file beside", item->path);
    if (!copy_contents(copier, from, to, item->from.size, source, err)) return false;
    if (!keep_metadata(to, item, err)) return false;
    if (item->permission && !grant_apply(to, item, err)) return false;
    const struct timespec times[2] = { item->from.accessed, item->from.modified };
    if (futimens(to, times) < 0) return fs_error(err, "set the times of", item->path);
    return true;
}

/* The hands that stage one plan. */
struct staging {
    const struct stage *stage;
    const struct plan *plan;
    struct step *step;
    unsigned hands;
    atomic_uint_fast64_t *done; /* files, seen by all hands */
};

static bool make_folders(const struct stage *stage, const struct plan *plan, struct error *err)
{
    struct parent parent AUTO(parent_deinit);
    parent_init(&parent);
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_item *item = plan->items[i];
        int folder;
        const char *name;
        if (item->kind != PLAN_FOLDER || item->standing) continue;
        if (!parent_open(&parent, stage->paths[i], &folder, &name, err)) return false;
        if (mkdirat(folder, name, 0777) < 0) return fs_error(err, "make folder", stage->paths[i]);
    }
    return true;
}

/* One hand's share: neighbours stay together, because their folder is open. */
static bool stage_share(void *owner, unsigned number, struct error *err)
{
    const struct staging *s = owner;
    struct copier copier AUTO(copier_deinit);
    struct parent parent AUTO(parent_deinit);
    copier_init(&copier);
    parent_init(&parent);
    for (size_t i = 0; i < s->plan->count; i++) {
        const struct plan_item *item = s->plan->items[i];
        int folder;
        const char *name;
        if (item->kind == PLAN_FOLDER || i / NEIGHBOURS % s->hands != number) continue;
        if (s->hands == 1 && i % NEIGHBOURS == 0 && !step_continues(s->step, err)) return false;
        if (!parent_open(&parent, s->stage->paths[i], &folder, &name, err)) return false;
        if (item->kind == PLAN_LINK && symlinkat(item->target, folder, name) < 0)
            return fs_error(err, "make link", s->stage->paths[i]);
        if (item->kind == PLAN_FILE && !stage_file(&copier, folder, name, item, err)) return false;
        atomic_fetch_add(s->done, 1);
    }
    return true;
}

static bool watch(void *owner, struct error *err)
{
    const struct staging *s = owner;
    step_progress(s->step, atomic_load(s->done), s->plan->count, "files");
    return step_continues(s->step, err);
}

static bool stage_all(const struct stage *stage, const struct plan *plan, struct step *step,
                      struct error *err)
{
    struct staging s = { .stage = stage, .plan = plan, .step = step, .hands = crew_size() };
    if (plan->count < SHARED_FROM) s.hands = 1;
    s.done = crew_memory(sizeof *s.done);
    bool ok =
        make_folders(stage, plan, err) &&
        (s.hands == 1 ? stage_share(&s, 0, err) : crew_run(s.hands, stage_share, watch, &s, err));
    crew_memory_free(s.done, sizeof *s.done);
    return ok;
}

/* After everything is in them: a folder's mode could forbid its owner to write. */
static bool grant_folders(const struct stage *stage, const struct plan *plan, struct error *err)
{
    for (size_t i = plan->count; i-- > 0;) {
        const struct plan_item *item = plan->items[i];
        if (item->kind != PLAN_FOLDER || item->standing || !item->permission) continue;
        AUTO(auto_close)
        int fd = open(stage->paths[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) return fs_error(err, "open folder", stage->paths[i]);
        if (!grant_apply(fd, item, err)) return false;
    }
    return true;
}

static bool find_room(const struct stage *stage, const struct plan *plan,
                      const struct journal *journal, struct volumes *volumes, struct error *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_item *item = plan->items[i];
        if (item->standing) continue;
        uint64_t size = item->kind == PLAN_FILE ? item->from.size : 0;
        uint64_t blocks = (size + BLOCK - 1) / BLOCK * BLOCK;
        assert(stage->roots[i] < journal->count);
        if (!volumes_need(volumes, journal->ops[stage->roots[i]].staged, blocks, err)) return false;
    }
    return volumes_check(volumes, err);
}

bool stage_run(const struct stage *stage, const struct plan *plan, const struct journal *journal,
               struct step *step, struct error *err)
{
    struct volumes volumes AUTO(volumes_deinit);
    volumes_init(&volumes);
    if (!find_room(stage, plan, journal, &volumes, err)) return false;
    if (!stage_all(stage, plan, step, err)) return false;
    if (!grant_folders(stage, plan, err) || !step_continues(step, err)) return false;
    journal_keep_old(journal);
    return volumes_sync(&volumes, err);
}
