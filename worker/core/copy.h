/* copy.h - deep copies of what outlives the event that brought it.
 *
 * Every text becomes the arena's; NULL becomes "". Identifiers and numbers are values already.
 */
#pragma once
#include "wire/messages.h"

const struct job *copy_job(struct arena *arena, const struct job *job);
const struct job_artifact *copy_artifacts(struct arena *arena, const struct job_artifact *from,
                                          size_t count);
const struct variable *copy_exported(struct arena *arena, const struct variable *from,
                                     size_t count);
struct diagnostics copy_diagnostics(struct arena *arena, const struct diagnostics *from);
/* `events` of the copy lie in the arena, too. */
struct result copy_result(struct arena *arena, const struct result *from);
/* The copy's `job` is NULL: it is not stored, and its source is signed_job. result.events of the
 * copy are the record's own events. */
struct row_record copy_row(struct arena *arena, const struct row_record *from);
