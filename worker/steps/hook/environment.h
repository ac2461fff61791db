/* environment.h - the variables of a script: the worker's own, as the agent's hooks get them, and
 * what the step adds.
 *
 * `entries` is NULL-terminated, with SCRIPT_VARIABLES_SPARE free places behind the end (launch.c
 * writes HOME and the like there).
 */
#pragma once
#include "base/arena.h"

struct environment {
    char **entries;
    size_t count, max;
    struct arena arena;
};

/* Room for `more` variables beside the worker's. */
void environment_init(struct environment *e, size_t more);
void environment_deinit(struct environment *e);
/* Replaces a variable of that name. */
void environment_put(struct environment *e, const char *name, const char *value);
