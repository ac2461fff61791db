/* Any bytes are a plan or an error; parse and validate agree on which. */
#include "bundle/appspec.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What install and hook rely on without asking. */
static void check_path(const char *path)
{
    assert(*path);
    assert(*path != '/');
    for (const char *p = path; p; p = strchr(p, '/')) {
        if (*p == '/') p++;
        size_t len = strcspn(p, "/");
        assert(len > 0);
        bool leads_up = len == 2 && memcmp(p, "..", 2) == 0;
        assert(!leads_up);
        if (p[len] == '\0') break;
    }
}

static void check_plan(const struct appspec *spec)
{
    for (size_t i = 0; i < spec->file_count; i++) {
        check_path(spec->files[i].path);
        assert(*spec->files[i].destination);
    }
    for (size_t i = 0; i < spec->hook_count; i++) {
        assert(spec->hooks[i].event);
        for (size_t k = 0; k < spec->hooks[i].script_count; k++) {
            const struct appspec_script *s = &spec->hooks[i].scripts[k];
            check_path(s->path);
            assert(*s->location);
            assert(s->timeout_s > 0);
            assert(s->timeout_s <= APPSPEC_TIMEOUT_MAX_S);
        }
    }
    for (size_t i = 0; i < spec->permission_count; i++) {
        const struct appspec_permission *p = &spec->permissions[i];
        assert(*p->object);
        assert(p->pattern);
        assert(p->mode <= 07777);
        for (size_t k = 0; k < p->acl_count; k++) assert(p->acls[k].perms <= 7);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct appspec *spec = NULL;
    struct appspec_problems problems = { 0 };
    struct error err = { 0 };
    bool parsed = appspec_parse("fuzz", bytes_of(data, size), &spec, &err);
    if (parsed)
        check_plan(spec);
    else
        assert(err.code == ERR_INVALID);
    bool readable = appspec_validate("fuzz", bytes_of(data, size), NULL, &problems, &err);
    if (!parsed) assert(!readable || problems.error_count > 0);
    if (parsed) assert(readable);
    appspec_problems_deinit(&problems);
    appspec_free(spec);
    return 0;
}
