/* recover.h - the model made of the store's records: every start is a recovery.
 *
 * Records may come in any order. What cannot be used (a definition that does not parse, a job
 * without its execution) is noted as an error and left alone in the store.
 */
#pragma once
#include "core/model.h"

void recover_event(struct coordinator *c, const struct coordinator_event *event);
