/* model_door.h - what a pipeline's sources have and what holds executions before its stages.
 * Included through core/model.h only.
 */
#pragma once
#include "base/list.h"
#include "wire/messages.h"

struct model_pipeline;

struct model_source {
    struct list link; /* in its pipeline */
    const char *action, *seen;
    struct revision newest; /* revision_id "": none has been told since the start */
};

struct model_transition {
    struct list link; /* in its pipeline */
    struct transition_record state;
};

struct model_source *model_source_find(const struct model_pipeline *p, const char *action);
struct model_source *model_source_make(struct model_pipeline *p, const char *action);

/* NULL: nobody has ever touched it, it is enabled. */
struct model_transition *model_transition_find(const struct model_pipeline *p, const char *stage);
/* Copies `from`. */
void model_transition_set(struct model_pipeline *p, const struct transition_record *from);
