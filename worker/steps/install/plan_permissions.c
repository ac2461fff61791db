#include "steps/install/plan.h"

#include "steps/account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool plan_match(const char *name, const char *pattern)
{
    const char *star = NULL, *retry = name;
    while (*name) {
        if (*name == '/') return false;
        if (*pattern == '*') {
            star = ++pattern;
            retry = name;
        } else if (*pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star;
            name = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*') pattern++;
    return *pattern == '\0';
}

static bool wrong(const struct plan_request *request, const struct appspec_permission *spec,
                  struct error *err)
{
    return error_wrap(err, "%s:%u:%u: permissions", request->appspec->name, spec->line,
                      spec->column);
}

/* The permission's object as a normalised path; '~' is the home folder here, as with the agent. */
static bool object_path(const struct appspec_permission *spec, char out[FS_PATH_MAX],
                        struct error *err)
{
    const char *object = spec->object;
    if (object[0] != '~' || (object[1] != '/' && object[1] != '\0'))
        return plan_expand(object, out, err);
    const char *home = getenv("HOME");
    char whole[FS_PATH_MAX];
    if (!fs_join(whole, home ? home : "/", object + 1, err)) return false;
    return plan_expand(whole, out, err);
}

/* Strictly below `object`, and chosen by pattern and except. */
static bool chosen(const struct appspec_permission *spec, const char *object, const char *path)
{
    size_t len = text_equal(object, "/") ? 0 : strlen(object);
    if (strncmp(path, object, len) != 0 || path[len] != '/' || path[len + 1] == '\0') return false;
    const char *name = path + len + 1;
    if (!text_equal(spec->pattern, "**") && !plan_match(name, spec->pattern)) return false;
    for (size_t i = 0; i < spec->except_count; i++) {
        if (plan_match(name, spec->except[i])) return false;
    }
    return true;
}

static bool semanage_present(void)
{
    return access("/usr/sbin/semanage", X_OK) == 0;
}

/* What the host cannot do of a permission ends it there, as the agent's commands would. */
static void look_up(struct plan_permission *p, const struct appspec_permission *spec)
{
    struct error why = { .code = ERR_NONE };
    *p = (struct plan_permission){ .spec = spec, .uid = UINT32_MAX, .gid = UINT32_MAX };
    if (spec->has_mode) p->parts |= PLAN_MODE;
    bool ok = acl_resolve(spec->acls, spec->acl_count, &p->acl, &why);
    if (ok && spec->acl_count > 0) p->parts |= PLAN_ACL;
    if (ok && spec->context.present && !semanage_present())
        ok =
            error_set(&why, ERR_NOT_FOUND, "context needs semanage, which this host does not have");
    if (ok && spec->context.present) p->parts |= PLAN_CONTEXT;
    if (ok && spec->owner) ok = account_user(spec->owner, false, &p->uid, &why);
    if (ok && spec->group) ok = account_group(spec->group, false, &p->gid, &why);
    if (ok && (spec->owner || spec->group)) p->parts |= PLAN_OWNER;
    if (!ok && !text_copy(p->trouble, sizeof p->trouble, why.text)) p->trouble[0] = '?';
}

static bool grant(struct plan *plan, const struct plan_request *request, struct plan_item *item,
                  const struct plan_permission *p, struct error *err)
{
    if (item->kind != PLAN_FOLDER && acl_has_default(p->spec->acls, p->spec->acl_count)) {
        error_set(err, ERR_INVALID, "a default acl is for folders, and '%s' is a file: %s",
                  item->path, "say type: [directory] or leave 'd:' out");
        return wrong(request, p->spec, err);
    }
    if (item->permission) {
        error_set(err, ERR_INVALID, "'%s' has permissions from line %u already: name it once",
                  item->path, item->permission->spec->line);
        return wrong(request, p->spec, err);
    }
    item->permission = p;
    if (plan->late[0]) return true; /* the agent stopped before */
    item->parts = p->parts;
    if (!p->trouble[0]) return true;
    struct error late = { .code = ERR_NONE };
    error_set(&late, ERR_INVALID, "%s: %s", item->path, p->trouble);
    if (!wrong(request, p->spec, &late) && !text_copy(plan->late, sizeof plan->late, late.text))
        plan->late[0] = '?';
    return true;
}

static bool grant_below(struct plan *plan, const struct plan_request *request, const char *object,
                        const struct plan_permission *p, bool folders, struct error *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        struct plan_item *item = plan->items[i];
        if ((item->kind == PLAN_FOLDER) != folders || !chosen(p->spec, object, item->path))
            continue;
        if (!grant(plan, request, item, p, err)) return false;
    }
    return true;
}

static bool apply(struct plan *plan, const struct plan_request *request,
                  const struct plan_permission *p, struct error *err)
{
    const struct appspec_permission *spec = p->spec;
    char object[FS_PATH_MAX], place[FS_PATH_MAX];
    if (!object_path(spec, object, err)) return wrong(request, spec, err);
    struct plan_item *item = plan_find(plan, object);
    if (item && item->kind != PLAN_FOLDER) {
        if (!(spec->types & APPSPEC_TYPE_FILE)) return true;
        if (text_equal(spec->pattern, "**") && spec->except_count == 0)
            return grant(plan, request, item, p, err);
        error_set(err, ERR_INVALID, "object '%s' is a file: leave '%s' out", spec->object,
                  spec->except_count > 0 ? "except" : "pattern");
        return wrong(request, spec, err);
    }
    if (!item) {
        struct overlay_node node;
        if (!overlay_look(request->overlay, object, true, place, &node, err))
            return wrong(request, spec, err);
        if (!node.exists || !S_ISDIR(node.info.st_mode)) return true;
    }
    if ((spec->types & APPSPEC_TYPE_FILE) && !grant_below(plan, request, object, p, false, err))
        return false;
    return !(spec->types & APPSPEC_TYPE_DIRECTORY) ||
           grant_below(plan, request, object, p, true, err);
}

bool plan_permissions(struct plan *plan, const struct plan_request *request, struct error *err)
{
    size_t count = request->appspec->permission_count;
    plan->permissions = xcalloc(count ? count : 1, sizeof *plan->permissions);
    for (size_t i = 0; i < count; i++) {
        look_up(&plan->permissions[i], &request->appspec->permissions[i]);
        plan->permission_count++;
        if (!apply(plan, request, &plan->permissions[i], err)) return false;
    }
    return true;
}
