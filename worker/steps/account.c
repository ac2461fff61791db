#include "steps/account.h"

#include "base/bytes.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

static bool number_parse(const char *text, uint32_t *out)
{
    if (text[0] == '\0' || strspn(text, "0123456789") != strlen(text)) return false;
    errno = 0;
    unsigned long long number = strtoull(text, NULL, 10);
    if (errno != 0 || number >= UINT32_MAX) return false;
    *out = (uint32_t)number;
    return true;
}

bool account_user(const char *name, bool numbers, uint32_t *uid, struct error *err)
{
    const struct passwd *entry = getpwnam(name);
    if (entry) {
        *uid = entry->pw_uid;
        return true;
    }
    if (numbers && number_parse(name, uid)) return true;
    return error_set(err, ERR_NOT_FOUND, "this host has no user '%s'", name);
}

bool account_group(const char *name, bool numbers, uint32_t *gid, struct error *err)
{
    const struct group *entry = getgrnam(name);
    if (entry) {
        *gid = entry->gr_gid;
        return true;
    }
    if (numbers && number_parse(name, gid)) return true;
    return error_set(err, ERR_NOT_FOUND, "this host has no group '%s'", name);
}

bool account_load(const char *name, struct account *out, struct error *err)
{
    const struct passwd *entry = getpwnam(name);
    if (!entry) return error_set(err, ERR_NOT_FOUND, "this host has no user '%s'", name);
    out->uid = entry->pw_uid;
    out->gid = entry->pw_gid;
    const char *shell = entry->pw_shell[0] ? entry->pw_shell : "/bin/sh";
    if (!text_copy(out->name, sizeof out->name, entry->pw_name) ||
        !text_copy(out->home, sizeof out->home, entry->pw_dir) ||
        !text_copy(out->shell, sizeof out->shell, shell))
        return error_set(err, ERR_INVALID, "the account of user '%s' has a field too long", name);
    return true;
}
