/* plan.h - two definitions set beside each other: coordinator_view_plan() of view.h.
 *
 * What plan_diff.c compares is what pipeline.h holds; what only the text has (roleArn ...) is
 * told as one change of the text. Everything lies in the arena.
 */
#pragma once
#include "core/model.h"

struct plan_list {
    struct arena *arena;
    struct preview_change *at;
    size_t count;
};

/* `before` may be NULL: the pipeline is new. */
void plan_diff(struct plan_list *list, const struct pipeline *before, const struct pipeline *after);
