/* session.h - the client's conversation with the coordinator.
 *
 * Calling sequence: session_open(), then either session_call() for one request and its reply, or
 * session_post() for up to SESSION_OPEN_MAX requests at once and session_wait() for what comes;
 * session_close(). A request is sent again, with the same token, after each reconnection and
 * whenever its answer is late: reads may be repeated, and writes carry a submission id. Replies
 * to tokens that are not open any more are dropped.
 *
 * Signals: SIGINT and SIGTERM end a wait (SESSION_INTERRUPTED); they are blocked while a session
 * is open.
 *
 * Ownership: a reply lies in the arena of the wait that brought it, which the next wait resets.
 * Errors: ERR_RETRY (unreachable), ERR_DENIED (not admitted, or not our coordinator), ERR_INVALID
 * (a value of the request, a key file), ERR_CONFLICT (another protocol version, interrupted).
 */
#pragma once
#include "client/settings.h"
#include "wire/messages.h"

enum {
    SESSION_OPEN_MAX = 2,
    SESSION_RESEND_MS = 3000,  /* beyond what the request itself may wait */
    SESSION_CONNECT_MS = 3000, /* until "unreachable" */
    SESSION_WRONG_MS = 2500,   /* until one that hangs up is taken for another server */
    SESSION_ANSWER_MS = 15000  /* until an answer is given up */
};

struct session;

NODISCARD bool session_open(const struct settings *settings, struct session **out,
                            struct error *err);
void session_close(struct session **session); /* accepts a NULL inside */

/* Sets the request's token, which its reply will carry. */
NODISCARD bool session_post(struct session *session, struct request *request, struct error *err);

enum session_event {
    SESSION_REPLY,
    SESSION_IDLE,        /* the deadline has passed */
    SESSION_INTERRUPTED, /* SIGINT or SIGTERM */
    SESSION_FAILED
};
NODISCARD enum session_event session_wait(struct session *session, uint64_t deadline_boot_ms,
                                          struct arena *arena, struct reply *reply,
                                          struct error *err);
/* Whether the coordinator is there now, and in words why not. */
bool session_connected(const struct session *session);
const char *session_state(const struct session *session);

/* `wait_ms` 0: the usual deadlines; else how long the coordinator may take to come and answer. */
NODISCARD bool session_call(struct session *session, struct request *request, uint64_t wait_ms,
                            struct arena *arena, struct reply *reply, struct error *err);
/* Whether SIGINT or SIGTERM has come, for calls that do not wait here. */
NODISCARD bool session_interrupted(struct session *session);
