/* loglines.h - a piece of a deployment's scripts.log for a client that asked through the
 * coordinator.
 *
 * The file is ROOT/<group id>/<deployment id>/logs/scripts.log; deployment ids are unique, so the
 * group need not be known. Reading is bounded by WIRE_LOG_CHUNK_MAX and by what is asked; a log
 * that is not there yet is an empty piece. `end` says that the piece reaches the file's end now.
 */
#pragma once
#include "wire/messages.h"

void loglines_read(const char *root_dir, const struct log_request *request, struct arena *arena,
                   struct log_chunk *out);
