/* pipeline_commands.h - what an action or a rule of provider Commands says (AWS:
 * Compute/AWS/Commands, Rule/AWS/Commands): shell commands that a worker which builds runs as a
 * buildspec would be. Included through core/pipeline.h.
 */
#pragma once
#include "wire/messages.h"

enum {
    COMMANDS_MAX = 50,        /* AWS: 1 to 50 ... */
    COMMAND_SIZE_MAX = 1000,  /* ... of 1 to 1,000 characters, a line each */
    COMMANDS_FILES_MAX = 10,  /* AWS: FilePathList ... */
    COMMANDS_FILE_MAX = 128,  /* ... of 1 to 128 characters */
    COMMANDS_GIVEN_MAX = 15,  /* AWS: outputVariables ... */
    COMMANDS_GIVEN_SIZE = 100 /* ... of as many characters as a build's variables may have */
};

struct pipeline_commands {
    const char *const *list;
    size_t count;
    const char *const *files; /* of the output artifact; none: all */
    size_t file_count;
    const char *const *given; /* outputVariables; NULL behind the last */
    size_t given_count;
};
