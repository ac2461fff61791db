/* describe.h - what the operator reads when a job did not end by a step's own verdict.
 *
 * Each text says what happened, where and when, and what to do; all lie in the given arena and are
 * shorter than WIRE_TEXT_MAX. Pure.
 */
#pragma once
#include "core/model.h"

enum { DESCRIBE_TIME_SIZE = 32 };
/* RFC 3339 in UTC with milliseconds; any uint64_t is accepted. */
void describe_time(uint64_t ms, char out[DESCRIBE_TIME_SIZE]);

/* A hook that had begun and left no outcome: nobody knows what it did. said: the step's words. */
const char *describe_interrupted(const struct worker *w, const struct task *task,
                                 const struct diagnostics *said, struct arena *arena);
/* A step that was interrupted too often. */
const char *describe_worn_out(const struct worker *w, const struct task *task, struct arena *arena);
/* task->record.cancel or task->ending is set. */
const char *describe_unwanted(const struct worker *w, const struct task *task, struct arena *arena);
/* The end of a text, at most `max` bytes, beginning with a whole UTF-8 character. */
const char *describe_tail(const char *text, size_t max);
