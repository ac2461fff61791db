/* acl.h - POSIX access control lists of an appspec as the kernel wants them.
 *
 * What `setfacl --set` makes of the agent's list (shared design, worker.md section 4): the base
 * entries come from the file's mode, the mask is the mode's group bits when a named entry has no
 * mask of its own, and a default list is completed from the mode and its own group entry.
 * Unlike with the agent nothing leaks from one file to the next.
 */
#pragma once
#include "bundle/appspec.h"
#include <sys/types.h>

enum { ACL_ENTRIES_MAX = 1024, ACL_BYTES_MAX = 4 + 8 * (ACL_ENTRIES_MAX + 8) };

struct acl_entry {
    bool is_default;
    enum appspec_acl_kind kind;
    bool named;
    uint32_t id;
    unsigned perms;
};

struct acl {
    struct acl_entry *entries;
    size_t count;
};

/* Looks up the names. ERR_NOT_FOUND: no such user or group; ERR_INVALID: one entry twice. */
NODISCARD bool acl_resolve(const struct appspec_acl *from, size_t count, struct acl *out,
                           struct error *err);
void acl_deinit(struct acl *acl);
bool acl_has_default(const struct appspec_acl *from, size_t count);
/* The values of system.posix_acl_access and, when *default_len > 0, system.posix_acl_default. */
void acl_format(const struct acl *acl, mode_t mode, uint8_t access[ACL_BYTES_MAX],
                size_t *access_len, uint8_t defaults[ACL_BYTES_MAX], size_t *default_len);
