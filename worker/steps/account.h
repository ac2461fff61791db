/* account.h - users and groups of the host by name.
 *
 * Numbers are names only where `numbers` says so: setfacl takes them, the agent's owner and group
 * do not. ERR_NOT_FOUND when there is no such account.
 */
#pragma once
#include "base/error.h"
#include <stdint.h>
#include <sys/types.h>

enum { ACCOUNT_TEXT_SIZE = 1024, ACCOUNT_GROUPS_MAX = 65536 };

NODISCARD bool account_user(const char *name, bool numbers, uint32_t *uid, struct error *err);
NODISCARD bool account_group(const char *name, bool numbers, uint32_t *gid, struct error *err);

struct account {
    uid_t uid;
    gid_t gid;
    char name[ACCOUNT_TEXT_SIZE], home[ACCOUNT_TEXT_SIZE], shell[ACCOUNT_TEXT_SIZE];
};
NODISCARD bool account_load(const char *name, struct account *out, struct error *err);
