/* fixture_view.h - an execution in three regions, in each of the states that people meet. */
#pragma once
#include "client/print.h"

enum { VIEW_NOW_MS = 1000000 + 72000 }; /* 72 s after it began */

struct view_world {
    struct execution_view view;
    struct revision revision;
    struct stage_state stages[2];
    struct action_state source, prod[3];
    struct copy_state copies[3];
    struct job_state jobs[5];
};

/* Everything has begun, no host has done anything, each region has its copy. */
void view_make(struct view_world *w);
/* All events of the job up to `event` have succeeded; `event` itself has `status`. */
void view_advance(struct job_state *job, enum lifecycle_event event, enum status status);
/* The job of action `i` and the action itself have ended. */
void view_end(struct view_world *w, size_t i, enum status status);
/* The execution and its stage have ended. */
void view_finish(struct view_world *w, enum status status, const char *summary);
/* A copy of region `i` is on its way: a job by `worker` ("" none yet) waits or runs. */
void view_copying(struct view_world *w, size_t i, const char *worker, const char *cause);
