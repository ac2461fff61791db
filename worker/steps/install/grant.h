/* grant.h - owner, mode and ACL of one installed thing, in an order that loses nothing.
 *
 * Owner first, then mode, then ACL: a chown after a chmod would clear a declared set-user-id bit.
 * Where an entry names only a group the agent's order stays (mode, ACL, group: recorded case c01),
 * so that a set-user-id bit survives only for an owner that the entry names.
 */
#pragma once
#include "steps/install/plan.h"

/* On an open file or folder. */
NODISCARD bool grant_apply(int fd, const struct plan_item *item, struct error *err);
/* On what a link leads to, by its path. */
NODISCARD bool grant_through_link(const struct plan_item *item, struct error *err);
/* The ACLs of a standing folder of that mode, into memory of the arena; empty when none. */
void grant_acls(const struct plan_item *item, mode_t mode, struct arena *arena,
                struct bytes *access, struct bytes *defaults);
