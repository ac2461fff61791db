/* definition_file.h - the file behind `apply`, `validate` and `plan`: its documents, one after
 * another.
 *
 * A file may hold several documents (documents.h), each of one resource. They are sent in their
 * order, each by itself as kubectl does: what one refuses does not keep the next from its turn, and
 * the exit code is that of the last one that failed.
 */
#pragma once
#include "client/client.h"
#include "client/documents.h"

struct definition_file {
    const char *name; /* as the user named it, or "stdin" */
    size_t count;     /* of documents */
    struct buf text, document;
    struct documents rest;
};

/* Anything but EXIT_DONE was shown, and then there is no document. `path` "-" is the standard
 * input. definition_file_deinit() in either case. */
NODISCARD enum client_exit definition_file_open(struct client *client, const char *path,
                                                struct definition_file *file);
void definition_file_deinit(struct definition_file *file);
/* The next document becomes file->document; false behind the last. */
bool definition_file_next(struct definition_file *file);

/* Sends file->document with the request, APPLY or PLAN; what failed was shown, but for the reply's
 * problems. */
NODISCARD enum client_exit definition_file_ask(struct client *client,
                                               const struct definition_file *file,
                                               struct request *request, struct reply *reply);
/* A line each: FILE:LINE:COLUMN: PATH: what. */
void definition_file_problems(const struct definition_file *file, const struct reply *reply,
                              struct print *out);

/* Opens the file and calls `each` for its documents. */
NODISCARD enum client_exit definition_file_each(
    struct client *client, const char *path,
    enum client_exit (*each)(struct client *client, struct definition_file *file));
