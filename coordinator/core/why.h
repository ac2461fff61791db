/* why.h - what an execution waits for: the causes of everything in it that has not ended.
 *
 * coordinator_view_why() of view.h. It looks at the model as the deciding functions do and in
 * their order, and decides nothing: whatever they would wait for is a row of REASONS
 * (wire/ask_messages.h). What is under way has a reason, too: it waits for its end.
 *
 * Limit: WIRE_LIST_MAX reasons. Everything lies in the caller's arena.
 */
#pragma once
#include "core/model.h"

struct why {
    const struct coordinator *c;
    const struct model_execution *e;
    struct arena *arena;
    struct reason *at;
    size_t count;
};

/* A reason with every text "", or NULL when there are enough. */
struct reason *why_add(struct why *why, enum reason_code code);
/* One for the job, which has not ended (why_job.c). */
void why_job(struct why *why, const struct model_job *job);
/* What the regions of a stage under way wait for (why_wave.c). */
void why_regions(struct why *why, size_t stage);
