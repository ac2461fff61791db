/* tree_frame.h - what stands above and below an execution's tree: its sources and variables, what
 * crossed regions, whether all regions have the same version. For tree.c.
 */
#pragma once
#include "client/print.h"

void tree_head(struct print *out, const struct execution *e, bool narrow);
void tree_foot(struct print *out, const struct execution_view *view);
