/* plan.h - everything that an Install would do, decided before anything is touched.
 *
 * plan_make() reads the appspec, the unpacked revision and the host (through overlay.h: as it will
 * be when the old revision is cleaned up) and gives the agent's instructions in the agent's order
 * (shared design, worker.md section 4), each with the place where it really lands. Every conflict
 * that the agent meets while planning or in the middle of copying is an error here: a missing
 * source, an existing file under DISALLOW, two sources for one destination, a link onto something
 * that exists, a folder onto a file, a special file, permissions given twice.
 *
 * One kind of trouble is not: an account, ACL name or SELinux tool that the host does not have. The
 * agent finds it after everything is copied, the files stay and Install fails (recorded case c15).
 * It stands in `late`, and the items say which of their permissions still apply.
 *
 * plan_make() changes nothing. The plan owns its texts but for those of the overlay, which must
 * outlive it.
 * Errors: ERR_INVALID (appspec or revision), ERR_CONFLICT (what is on the host), ERR_RETRY.
 */
#pragma once
#include "steps/install/acl.h"
#include "io/fs.h"
#include "steps/install/overlay.h"

enum {
    PLAN_ITEMS_MAX = 1000000, /* what a revision with links to its own folders can unfold to */
    PLAN_DEPTH_MAX = 200,
    PLAN_MEMORY_MAX = 1 << 30
};

enum plan_kind { PLAN_FOLDER, PLAN_FILE, PLAN_LINK };

/* Parts of a permission, in the order in which the agent applies them. */
enum { PLAN_MODE = 1, PLAN_ACL = 2, PLAN_CONTEXT = 4, PLAN_OWNER = 8 };

/* A permissions entry of the appspec with its names looked up. */
struct plan_permission {
    const struct appspec_permission *spec;
    struct acl acl;
    uint32_t uid, gid;             /* UINT32_MAX: leave */
    unsigned parts;                /* PLAN_ bits that can be applied */
    char trouble[ERROR_TEXT_SIZE]; /* why not all of them; "" */
};

/* Of a file in the unpacked revision, what its copy keeps. */
struct plan_from {
    uint64_t size;
    uint32_t mode, uid, gid;
    struct timespec accessed, modified;
};

/* There may be a hundred thousand of them in a step that has 32 MiB: texts are shared. */
struct plan_item {
    enum plan_kind kind;
    bool standing;         /* folders: it is there already and is made as new */
    const char *path;      /* the destination by its name, as the manifest keeps it */
    const char *place;     /* canonical: where it is made */
    const char *folder;    /* files and links: their folder in the unpacked revision; else "" */
    const char *target;    /* links: their text */
    struct plan_from from; /* files */
    const struct plan_permission *permission; /* NULL: none */
    unsigned parts;                           /* PLAN_ bits to apply */
};

struct plan {
    struct plan_item **items; /* folders before what is in them */
    size_t count, cap;
    struct plan_permission *permissions;
    size_t permission_count;
    struct map by_place, by_path; /* by_path: those with a path that is not their place */
    const char *last_folder;      /* the last item's, for its neighbours */
    char late[ERROR_TEXT_SIZE];   /* "" or why Install fails after its commit */
    struct arena arena;
};

struct plan_request {
    const struct appspec *appspec;
    const char *revision;         /* folder */
    enum appspec_exists behavior; /* the deployment's; the appspec's wins */
    const struct overlay *overlay;
};

void plan_init(struct plan *plan);
void plan_deinit(struct plan *plan);
/* Fills an initialised plan; the appspec must outlive it. */
NODISCARD bool plan_make(struct plan *plan, const struct plan_request *request, struct error *err);

/* The item of that path, or NULL. */
struct plan_item *plan_find(const struct plan *plan, const char *path);
/* Where a file or link lies in the unpacked revision; it has the name that it gets. */
void plan_source(const struct plan_item *item, char out[FS_PATH_MAX]);
/* Finding ends here: gives its memory back before the steps that need more. */
void plan_close(struct plan *plan);

/* The two halves, for plan_make() only: files in plan.c, permissions in plan_permissions.c. */
NODISCARD bool plan_permissions(struct plan *plan, const struct plan_request *request,
                                struct error *err);
/* As File.expand_path: absolute (from the working folder), no "." nor "..", no slash at the end. */
NODISCARD bool plan_expand(const char *path, char out[FS_PATH_MAX], struct error *err);
/* `*` is the only special character and never matches a slash. */
bool plan_match(const char *name, const char *pattern);
