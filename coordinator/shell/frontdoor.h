/* frontdoor.h - the coordinator's socket for clients.
 *
 * Requests that change something become events of the core (frontdoor_receive()), which answers
 * with COORDINATOR_REPLY after its commit. Everything else is kept until the commit as well and
 * answered by frontdoor_answer(): from the core's views, from the store, and for logs from the
 * worker that holds them. So nobody is ever shown what a crash could take back. EVENTS is a long
 * poll: it waits here until there is something newer or its time is over.
 *
 * Every message is admitted by its key and role (security.md row 10); roles of the writes are
 * the core's to check.
 */
#pragma once
#include "core/view.h"
#include "io/store.h"
#include "shell/workers.h"

enum {
    FRONTDOOR_WAITERS_MAX = 256, /* EVENTS and LOGS that wait */
    FRONTDOOR_WAIT_MAX_MS = 30000,
    FRONTDOOR_LOG_WAIT_MS = 5000,    /* for a worker's log chunk */
    FRONTDOOR_DOCTOR_WAIT_MS = 12000 /* for the end of a checkup: a silent endpoint takes 10 s */
};

enum waiter_kind { WAITER_EVENTS, WAITER_LOG, WAITER_DOCTOR };

struct waiter {
    uint64_t session, token;
    uint64_t until_boot_ms;
    enum waiter_kind kind;
    bool job_ended;                /* LOGS: the log grows no more */
    uint64_t log_token;            /* LOGS: what the worker echoes */
    uint64_t worker_session;       /* LOGS: who is asked when the store has it not; 0 nobody */
    struct log_request ask;        /* LOGS */
    struct events_request request; /* EVENTS; its texts are the two below */
    char pipeline[WIRE_NAME_MAX + 1], execution[ID_SIZE];
};

/* A question of this turn, in its arena. */
struct asked {
    struct asked *next;
    uint64_t session;
    enum client_role role;
    const char *client;
    const struct request *request;
};

struct frontdoor {
    struct link_listener *listener; /* owned */
    struct coordinator *core;       /* read only, through view.h */
    struct store *store;
    const struct artifacts *artifacts;
    struct workers *workers;
    struct doctor *doctor;
    struct keeper *keeper;
    const struct log *log;
    const char *region;
    struct buf frame;
    uint64_t sequence, log_token, seen_seq;
    struct waiter waiters[FRONTDOOR_WAITERS_MAX];
    size_t waiter_count;
    struct asked *asked, *asked_last; /* NULL between turns */
};

/* Takes the listener; the rest is borrowed. */
void frontdoor_init(struct frontdoor *door, struct link_listener *listener,
                    struct coordinator *core, struct store *store,
                    const struct artifacts *artifacts, struct workers *workers,
                    struct doctor *doctor, struct keeper *keeper, const struct log *log,
                    const char *region);
void frontdoor_deinit(struct frontdoor *door);

/* The next request that is the core's business, as its event; false when nothing more waits.
 * Takes at most `budget` messages; questions among them are kept for frontdoor_answer(), and so is
 * `arena` until then. */
NODISCARD bool frontdoor_receive(struct frontdoor *door, const struct keys_registry *registry,
                                 size_t *budget, struct arena *arena,
                                 struct coordinator_event *out);
void frontdoor_reply(struct frontdoor *door, uint64_t origin, const struct reply *reply);
/* A worker's answer to a LOG_REQUEST of ours. */
void frontdoor_log_chunk(struct frontdoor *door, const struct log_chunk *chunk);
/* After the commit: answers the questions of this turn. */
void frontdoor_answer(struct frontdoor *door, struct arena *arena);
/* Then: answers the waiters that have something to hear or whose time is over. */
void frontdoor_wake(struct frontdoor *door, struct arena *arena);
uint64_t frontdoor_deadline(const struct frontdoor *door); /* BOOTTIME ms */
