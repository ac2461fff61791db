/* coordinator.h - the coordinator's core: one event in, a list of actions out.
 *
 * Calling sequence: coordinator_new() once; the first event is COORDINATOR_START with every
 * record of the store (recovery is the normal start); then coordinator_step() with one event
 * after another, the last of a turn with `more` false, and at the end of the turn: commit all PUTs
 * and DELETEs of the turn in one transaction, and only then perform the other actions, in order.
 * Other actions may be lost by a crash, in whole or in part: the core repairs that from its
 * records, because its deciding functions look at the whole state and emit what is missing.
 * coordinator_deadline() tells when COORDINATOR_TICK is next wanted.
 *
 * Pure: no I/O, no clock, no randomness. Time and 256 random bits come with each event.
 * Ownership: what an event points to is borrowed for the call, except a definition's `parsed`
 * pipeline, which the core takes. What actions point to lies in the actions' arena.
 */
#pragma once
#include "core/config.h"
#include "core/group.h"
#include "core/pipeline.h"
#include "wire/messages.h"

struct coordinator;

/* A worker as its enrolment describes it. */
struct enrolled_worker {
    const char *name, *region;
    bool builds;      /* its tag `build` is anything but "false" */
    bool builds_only; /* ... namely "only": it gets no deployments */
    const struct host_tag *tags;
    size_t tag_count;
};

enum client_role { ROLE_VIEWER, ROLE_DEPLOYER, ROLE_APPROVER, ROLE_ADMIN };

enum coordinator_event_type {
    COORDINATOR_START,   /* records of the store: definitions come with `parsed` */
    COORDINATOR_TICK,    /* a deadline is due */
    COORDINATOR_FLEET,   /* the registry as it is now; a worker that is missing is revoked */
    COORDINATOR_MESSAGE, /* from an authenticated worker */
    COORDINATOR_REQUEST, /* of an authenticated client; questions are the shell's (view.h) */
    COORDINATOR_SOURCE,  /* the newest revision that a source action's object has now */
    COORDINATOR_ANSWER,  /* to a question of coordinator_view_questions() */
    COORDINATOR_REMOVE   /* versions in the stores that a rule or an operator gives up */
};

struct coordinator_event {
    enum coordinator_event_type type;
    uint64_t now_ms;  /* wall clock; deadlines and records */
    uint64_t boot_ms; /* the coordinator's BOOTTIME: leases and resends */
    uint8_t entropy[PRNG_SEED_SIZE];
    bool more; /* another event of the same turn follows: deciding and journalling wait for it */
    union {
        struct {
            const struct record *records;
            size_t count;
        } start;
        struct {
            const struct enrolled_worker *workers;
            size_t count;
        } fleet;
        struct {
            const char *worker; /* by key, never by what the message says */
            uint64_t session;   /* the connection it came through */
            const struct message *message;
        } message;
        struct {
            const char *client;
            enum client_role role;
            uint64_t origin; /* echoed in the reply's action: the shell's connection */
            const struct request *request;
            struct pipeline *parsed; /* APPLY: taken; NULL when the text did not parse ... */
            struct deploy_resource *resource; /* ... or is another resource: taken */
            const struct problem *problems;   /* ... and these say why */
            size_t problem_count;
            const struct revision *revisions; /* RUN: one for each source action, as it is now */
            size_t revision_count;            /* or as `revision` asks, looked up by the shell */
            struct failure failure; /* RUN: why there is none (code ERR_NONE: there are all) */
        } request;
        struct {
            const char *pipeline, *action;
            const struct revision *revision;
        } source;
        struct {
            struct id rule;
            enum answer_verdict verdict;
            const char *text; /* what is so, in words */
        } answer;
        struct {
            const struct artifact_ref *objects; /* store, key, version_id */
            size_t count;
            bool force;      /* also what is needed (core/retention.h) */
            uint64_t origin; /* echoed in the action */
        } remove;
    };
};

enum coordinator_action_type {
    COORDINATOR_PUT,
    COORDINATOR_DELETE,
    COORDINATOR_SEND,  /* to a worker; the shell signs orders and fills a job's grants */
    COORDINATOR_REPLY, /* to a client */
    COORDINATOR_ERASE, /* an object that nothing refers to any more */
    COORDINATOR_NOTE   /* a line for the log and for traces in tests */
};

struct coordinator_action {
    enum coordinator_action_type type;
    union {
        struct record put;
        char delete_key[RECORD_KEY_SIZE];
        struct {
            const char *worker;
            uint64_t session;
            struct message message;
            const struct job *offer_job; /* MESSAGE_OFFER: to encode and sign */
            const struct cancel *cancel; /* MESSAGE_CANCEL: to encode and sign */
            const struct resume *resume; /* MESSAGE_RESUME: likewise */
        } send;
        struct {
            uint64_t origin;
            struct reply reply;
        } reply;
        struct {
            uint64_t origin;
            struct artifact_ref object;
        } erase;
        struct {
            enum note_level level;
            const char *text;
        } note;
    };
};

struct coordinator_actions {
    struct coordinator_action *at;
    size_t count, cap;
    struct arena arena;
};

void coordinator_actions_init(struct coordinator_actions *actions);
void coordinator_actions_clear(struct coordinator_actions *actions);
void coordinator_actions_deinit(struct coordinator_actions *actions);

struct coordinator *coordinator_new(const struct coordinator_config *config);
void coordinator_free(struct coordinator *coordinator);
void coordinator_step(struct coordinator *coordinator, const struct coordinator_event *event,
                      struct coordinator_actions *out);
/* On the wall clock of the events; UINT64_MAX when nothing is waited for. */
uint64_t coordinator_deadline(const struct coordinator *coordinator);
