/* fixture.h - a coordinator's core with a store behind it, workers played by the test, and a
 * clock that only the test moves.
 *
 * Definitions are written as "NAME STAGE=REGION,REGION>REGION STAGE=...": one source action
 * "Source", then stages of Deploy actions named after their regions; ',' is in parallel, '>'
 * afterwards (those are called "REGION@2" ...). NAME may carry the execution mode, "xr:QUEUED", a
 * stage what it does when it fails, "Prod~RETRY", "Prod~RETRY_ALL" or "Prod~ROLLBACK"; "?Name" is a
 * manual approval. Regions: "Prod~waves:us-west-2/30;us-east-1", "~max:1", "~all", "~local",
 * "~continue", "~barrier". Conditions: "~entry:SKIP;RULE;RULE", "~success:ROLLBACK;RULE",
 * "~failure:RETRY;RULE", RULE is "NAME:window:MINUTE" (open in that minute of each hour),
 * "NAME:var:VALUE:EQ:OTHER", "NAME:alarm:ALARM:WAIT" or "NAME:http:URL:WAIT". The core's region is
 * us-west-2; every region named has a store "store-REGION". "!REGION" is a build there,
 * "make-REGION", whose artifact is what later actions take ("!!REGION" takes App as well and makes
 * a Report, too); workers named b... build, o... do nothing else. "$TAG=text" behind the stages
 * declares a variable ("$TAG" one without a default); then the actions refer to things, see refer()
 * in fixture_parse.c.
 */
#pragma once
#include "core/view.h"
#include "unit/story.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

struct stored; /* one record */

struct world {
    struct coordinator *c;
    struct coordinator_config config;
    struct coordinator_actions out; /* of the last step */
    struct arena arena;             /* whatever a test composes */
    struct prng random;
    uint64_t now_ms, boot_ms;
    struct stored *store;
    size_t store_count;
    const char *head;                /* what a run without a revision finds: "v1" */
    struct buf trace;                /* notes from level info, a line each; ids as #1, #2 ... */
    const struct variable *exported; /* by every build that succeeds */
    size_t exported_count;
    uint8_t built; /* the first byte of what builds make; 0: 0xbb */
    char ids[512][40];
    size_t id_count;
    const char *copy_note; /* with which every copy leaves its delta and takes the whole */
    const char *client;    /* who asks; NULL "tess" */
    bool no_fleet;         /* a restart does not tell the fleet: the test does */
    struct story *story;   /* of a test that tells one */
    uint64_t due_ms;       /* the deadline that it told last */
};

/* Begins with an empty store and the fleet "w1" in us-west-2, "e1" in us-east-1. */
void world_init(struct world *w);
void world_deinit(struct world *w);
/* From here to world_deinit() all that the core does is compared with a story of that name, mostly
 * the test's own (__func__). */
void world_tell(struct world *w, const char *name);
/* The process ends and starts again: only the store is left. The fleet is told again. */
void world_restart(struct world *w);

void world_step(struct world *w, struct coordinator_event *event);
void world_tick(struct world *w);
/* Moves both clocks and gives the ticks that fall due on the way. */
void world_sleep(struct world *w, uint64_t ms);
/* The same, but ends with the step that sends such a message; false when none does. */
bool world_sleep_sent(struct world *w, uint64_t ms, const char *worker, enum message_type type);
/* Pairs of name and region, ended by NULL. */
void world_fleet(struct world *w, const char *first, ...);

struct pipeline *world_parse(const char *text);
const struct reply *world_apply(struct world *w, const char *text);
const struct reply *world_run(struct world *w, const char *pipeline, const char *submission,
                              const char *revision);
const struct reply *world_stop(struct world *w, const char *execution, bool abandon);
/* Of the newest execution of xr. */
const struct reply *world_retry(struct world *w, enum retry_mode mode);
const struct reply *world_request(struct world *w, const struct request *request,
                                  enum client_role role);
void world_source(struct world *w, const char *pipeline, const char *action, const char *revision);

/* Sessions are numbers; the incarnation is "i" and a number. */
void world_hello(struct world *w, const char *worker, const char *region, int incarnation,
                 uint64_t session);
void world_message(struct world *w, const char *worker, uint64_t session,
                   const struct message *message);
/* Hello of w1 (session 1) and e1 (session 2), incarnation 1 each. */
void world_connect(struct world *w);
void world_heartbeat(struct world *w, const char *worker, int incarnation, uint64_t session,
                     const struct row *rows, size_t count);
void world_accept(struct world *w, uint64_t session, const struct job *job);
void world_result(struct world *w, uint64_t session, const struct job *job, enum status status);
void world_nack(struct world *w, uint64_t session, const struct job *job, enum nack_reason reason);
struct row world_row(const struct job *job, enum row_state state);

/* Of the last step: the offer to that worker, copied into the world; NULL when there is none. */
const struct job *world_offer(struct world *w, const char *worker);
/* The first message of that type to that worker; NULL when there is none. */
const struct coordinator_action *world_sent(struct world *w, const char *worker,
                                            enum message_type type);
size_t world_count(struct world *w, enum coordinator_action_type type);

/* What the core shows of the newest execution of a pipeline. */
const struct execution_view *world_view(struct world *w, const char *pipeline);
const struct action_state *world_action(struct world *w, const char *pipeline, size_t stage,
                                        size_t action);
/* That worker's job in the newest execution, one under way first; NULL when there is none. */
const struct job_state *world_job(struct world *w, const char *pipeline, const char *worker);
/* What the store holds; NULL when it does not. */
const struct record *world_stored(struct world *w, const char *key);
size_t world_stored_count(struct world *w, const char *prefix);
/* Copies them to `out` and returns their number. */
size_t world_stored_all(struct world *w, const char *prefix, struct record *out);
/* The result of that worker's job under way in the newest execution. */
void world_finish(struct world *w, const char *pipeline, const char *worker, uint64_t session,
                  enum status status);
/* What is offered, as far as a worker's answers need it. */
struct job world_job_of(const struct job_state *state);
