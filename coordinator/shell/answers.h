/* answers.h - replies to what clients ask without changing anything.
 *
 * Each fills `reply`, whose token and kind were set by answers_empty(); what it points to lies
 * in `arena` or in the core until its next step. A failed answer sets reply->failure.
 */
#pragma once
#include "core/view.h"
#include "io/store.h"
#include "shell/artifacts.h"

enum { PUSH_GRANT_MS = 3600 * 1000 /* how long an upload may take */ };

/* A reply that says nothing yet: every text is "". */
struct reply answers_empty(uint64_t token, enum request_kind kind);

void answers_ping(const struct coordinator *core, const char *region, struct reply *reply);
void answers_list(const struct coordinator *core, struct arena *arena, struct reply *reply);
void answers_workers(const struct coordinator *core, struct arena *arena, struct reply *reply);
void answers_status(const struct coordinator *core, struct store *store,
                    const struct status_request *request, struct arena *arena, struct reply *reply);
void answers_why(const struct coordinator *core, struct store *store,
                 const struct status_request *request, struct arena *arena, struct reply *reply);
void answers_regions(const struct coordinator *core, struct arena *arena, struct reply *reply);
void answers_resources(const struct coordinator *core, const struct resources_request *request,
                       struct arena *arena, struct reply *reply);
void answers_plan(const struct coordinator *core, const char *region,
                  const struct preview_request *request, struct arena *arena, struct reply *reply);
void answers_history(const struct coordinator *core, struct store *store,
                     const struct history_request *request, struct arena *arena,
                     struct reply *reply);
void answers_events(struct store *store, const struct events_request *request, struct arena *arena,
                    struct reply *reply);
void answers_export(const struct coordinator *core, const struct export_request *request,
                    struct arena *arena, struct reply *reply);
/* CUSTOM_VIEW, with leave to read the inputs for who holds the job. */
void answers_custom_job(const struct coordinator *core, const struct artifacts *artifacts,
                        const struct id *job, const char *client, uint64_t now_ms,
                        struct arena *arena, struct reply *reply);
void answers_push(const struct artifacts *artifacts, const struct push_request *request,
                  enum client_role role, uint64_t now_ms, struct arena *arena, struct reply *reply);
/* LOGS: what to ask of which worker's session. */
struct log_source {
    struct log_request ask;
    uint64_t session; /* 0: the worker is not connected */
    bool job_ended;   /* what the worker reads now is all that there will be */
    bool kept;        /* `chunk` is the answer: the job has ended, and the store has its log */
    struct log_chunk chunk;
    const char *store, *key; /* NULL, or the bucket that may have it and is to be asked first */
};
/* False: `failure` says why not. */
NODISCARD bool answers_log_request(const struct coordinator *core, struct store *store,
                                   const struct artifacts *artifacts,
                                   const struct logs_request *request, struct arena *arena,
                                   struct log_source *out, struct failure *failure);
