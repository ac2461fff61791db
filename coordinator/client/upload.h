/* upload.h - which submission an upload belongs to, so that the same command goes on after Ctrl-C.
 *
 * $XDG_STATE_HOME/meridian/uploads/NAME holds the submission id of an upload that has not ended;
 * NAME is the SHA-256 of where it goes and what it is. upload_begin() finds or makes it,
 * upload_end() forgets it: pushing the same content again makes a new version.
 */
#pragma once
#include "io/fs.h"
#include "wire/messages.h"

struct upload_state {
    char path[FS_PATH_MAX]; /* "" when there is nowhere to remember it */
    bool resumed;
};

/* Sets push->submission. Errors: as fs.h; the caller may go on without a state. */
NODISCARD bool upload_begin(struct push_request *push, const char *coordinator, struct prng *random,
                            struct upload_state *out, struct error *err);
void upload_end(const struct upload_state *state);
