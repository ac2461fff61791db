/* json_ask.h - WHY, REGIONS, PLAN and two executions beside each other, as JSON (see json.h). */
#pragma once
#include "client/print.h"

void json_why(struct print *out, const struct reply *reply);
void json_regions(struct print *out, const struct reply *reply);
void json_plan(struct print *out, const struct reply *reply, const char *file);
void json_dropped(struct print *out, uint64_t dropped); /* one line */
