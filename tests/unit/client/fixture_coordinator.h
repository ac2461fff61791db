/* fixture_coordinator.h - a folder with keys, a coordinator that answers from a script, and the
 * client's commands run as processes.
 *
 * The coordinator is a process of its own. It answers by the pipeline that is named:
 *   "lost"         the first request is not answered, its repetition is
 *   "missing", "denied", "conflict", "invalid", "later"   the failure of that code
 *   "Succeeded", "Failed", "Stopped", "Superseded", "InProgress"  an execution of that status
 *   anything else  an execution that succeeded
 */
#pragma once
#include "io/fs.h"
#include <sys/types.h>

struct command_world {
    char folder[64];
    pid_t coordinator; /* 0 none */
    char endpoint[64];
};

int command_world_make(void **state);
int command_world_make_with_coordinator(void **state);
int command_world_end(void **state);

struct command_result {
    int exit;
    char out[8192], notes[8192]; /* stdout, stderr */
};

/* Runs the client with the words of `line`, divided by blanks; "@" stands for the folder. */
void command_try(struct command_world *w, const char *line, struct command_result *result);
