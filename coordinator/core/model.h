/* model.h - what the coordinator's core holds in memory. Nothing here decides.
 *
 * Everything durable is a structure of wire/execution.h inside one of these; the rest is
 * volatile and is learnt anew after a start. Every text in the model is owned by it: it is
 * written with model_text() or model_format() only, and "" is never allocated.
 * All lists have an order of their own (age or name), so that a run depends on its events only.
 */
#pragma once
#include "base/list.h"
#include "base/map.h"
#include "core/coordinator.h"
#include "core/rollout.h"

enum {
    MODEL_PIPELINES_MAX = 1000,
    MODEL_LIVE_MAX = 100, /* executions of one pipeline that have not ended */
    MODEL_SUBMISSIONS_MAX = 10000,
    MODEL_SESSIONS_RETIRED = 8,
    MODEL_SUBMISSION_KEY_SIZE = WIRE_NAME_MAX + ID_SIZE + 2
};

struct model_definition {
    struct list link;        /* in its pipeline, by version; the last one is in force */
    struct definition state; /* parsed: owned */
};

struct model_pipeline {
    struct list link; /* by name */
    const char *name;
    struct list definitions, executions, sources, transitions;
    size_t execution_count, live_count;
};

struct model_execution {
    struct list link, live_link, dirty_link;
    struct model_pipeline *pipeline;
    const struct model_definition *definition; /* NULL: it could not be read */
    struct execution state; /* its arrays are the ones below; stages[0].actions == actions */
    struct revision *revisions;
    struct stage_state *stages;
    struct action_state *actions; /* of all stages, each followed by its rules */
    uint64_t *covered;            /* for each action: the fleet's generation that has its jobs */
    bool *broken;                 /* for each action: its barrier, as barrier_look() saw it */
    struct list *action_jobs;     /* for each action: its deployments, in the order of `jobs` */
    struct copy_state *copies;
    struct delta_state *deltas;
    struct list jobs;  /* by age, then worker */
    struct list *near; /* where the last job went: the next one mostly goes beside it */
    size_t job_count, open_count;
};

struct model_job {
    struct list link, action_link, dirty_link;
    struct list worker_link; /* open jobs of state.worker */
    struct model_execution *execution;
    struct job_state state;
    size_t stage, action; /* in the execution; a replication's are those that asked first */
    /* Volatile, on the BOOTTIME: */
    bool accepted;             /* the worker has told of a row */
    bool cancel_acked;         /* the worker has told that no step follows */
    bool nacked;               /* state.cause says why the worker refused the offer */
    bool listed;               /* in the heartbeat that is being read */
    uint32_t offers;           /* of this attempt that were sent in vain, as far as is known */
    uint64_t send_boot_ms;     /* next offer or cancel */
    uint64_t lease_boot_ms;    /* floating: the worker may work until then at the latest */
    uint64_t retry_boot_ms;    /* floating: no new attempt before */
    const char *failed_worker; /* floating: who had the last attempt */
    const char *waits;         /* what its step waits for, as the worker told last */
    bool begins;               /* rollout: it is its host's turn */
    bool health_known;         /* ... and how much the host needs it, see rollout.h */
    enum host_health health;
};

struct model_worker {
    struct list link; /* by name */
    const char *name, *region, *version, *alarm;
    const char *drained_by, *drain_reason; /* journalled, with `drained` */
    uint64_t drained_ms;
    bool drained; /* gets no new jobs */
    bool enrolled, enrolled_before, builds, builds_only;
    bool covered; /* has a job of the action that is being looked at */
    struct host_tag *tags;
    size_t tag_count;
    struct id welcomed; /* journalled */
    bool greeted;       /* `session` is one that has said hello */
    bool connected;     /* greeted, and heard of lately */
    uint64_t session;
    uint64_t retired[MODEL_SESSIONS_RETIRED]; /* sessions that another incarnation replaced */
    size_t retired_count;
    uint64_t seen_ms, seen_boot_ms, lost_ms, alarm_boot_ms;
    struct list jobs; /* open ones, by age */
};

struct model_submission {
    struct list link;                    /* by age */
    char key[MODEL_SUBMISSION_KEY_SIZE]; /* "CLIENT/ID" */
    struct submission state;
};

struct coordinator {
    struct coordinator_config config;
    uint64_t epoch, fence_seq, event_seq, fleet_generation; /* generation 0: fleet unknown */
    struct list pipelines, workers, live, submissions;
    size_t pipeline_count, submission_count;
    struct map pipelines_by_name, workers_by_name, jobs_by_id, executions_by_id, submissions_by_key;
    struct list resources, hosts, alarms;
    size_t resource_count, alarm_count;
    struct map resources_by_key, hosts_by_key, alarms_by_name;
    struct list dirty_jobs, dirty_executions;
    uint64_t now_ms, boot_ms; /* from here on: of the event that is being worked on */
    struct prng random;
    struct coordinator_actions *out;
    bool changed;       /* the deciding functions must look again */
    bool sources_stale; /* a source may have to start an execution */
    bool prune;         /* an execution has ended */
    uint64_t wake_boot_ms;
};

/* True when the text is another one now. */
bool model_text(const char **field, const char *text);
bool model_format(const char **field, const char *format, ...) PRINTF_LIKE(2, 3);
void model_text_free(const char **field);
void model_ref(struct artifact_ref *field, const struct artifact_ref *from);
void model_revision(struct revision *field, const struct revision *from);
void model_ref_free(struct artifact_ref *field);
void model_revision_free(struct revision *field);

struct model_pipeline *model_pipeline_find(const struct coordinator *c, const char *name);
struct model_pipeline *model_pipeline_make(struct coordinator *c, const char *name);
struct model_definition *model_definition_current(const struct model_pipeline *p);
struct model_definition *model_definition_find(const struct model_pipeline *p, uint32_t version);
/* Takes `parsed`. */
struct model_definition *model_definition_add(struct model_pipeline *p,
                                              const struct definition *from,
                                              struct pipeline *parsed);
struct model_worker *model_worker_find(const struct coordinator *c, const char *name);
struct model_worker *model_worker_make(struct coordinator *c, const char *name);

struct model_submission *model_submission_add(struct coordinator *c, const struct submission *from);
void model_submission_free(struct coordinator *c, struct model_submission *submission);

/* Forgets ended executions beyond history_max and definitions that nothing uses. */
void model_prune(struct coordinator *c);
void model_deinit(struct coordinator *c);

#include "core/model_door.h"
#include "core/model_execution.h"
#include "core/model_rollout.h"
