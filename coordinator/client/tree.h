/* tree.h - an execution as a tree: stages, actions with their region and version, what waits,
 * what failed and the command that shows more.
 *
 * Pure: everything comes from the view and from out->mode (now_ms, tick, colour, utf8).
 */
#pragma once
#include "client/print.h"

enum tree_detail {
    TREE_NORMAL,
    TREE_WIDE, /* every host and its lifecycle events, whole version ids, the source's actions */
    TREE_LIVE  /* normal, and how to leave it */
};

void tree_print(struct print *out, const struct execution_view *view, enum tree_detail detail);
