/* source.h - revisions of source actions, and when one starts an execution.
 *
 * Level-triggered: the newest revision told of each source action is compared with the one that
 * was last turned into an execution (journalled in the same turn as that execution). Nothing
 * starts until every source action of the definition in force has told a revision.
 */
#pragma once
#include "core/model.h"

void source_event(struct coordinator *c, const struct coordinator_event *event);
void source_reconcile(struct coordinator *c);
/* The revisions of a run by hand are the newest: polling must not start them again. */
void source_seen(struct coordinator *c, struct model_pipeline *p, const struct revision *revisions,
                 size_t count);
