/* attributes.h - owner, mode, extended attributes (ACLs among them) and times of something on the
 * host, read before it is changed and put back as they were. */
#pragma once
#include "steps/install/keep.h"

/* Fills the item from what stands at `name` in the folder `parent`; the arena gets the attributes.
 * What may not be opened keeps none. ERR_NOT_FOUND. */
NODISCARD bool attributes_read(int parent, const char *name, struct keep_item *item,
                               struct arena *arena, struct error *err);
/* Puts them back where they differ. */
NODISCARD bool attributes_apply(int parent, const char *name, const struct keep_item *item,
                                struct error *err);
