/* facts.h - what an execution's view says about an action, worked out for people.
 *
 * "Verified" is a claim about bytes: the region's copy has the revision's digest, and every host
 * of the action has compared what it fetched with that digest (DownloadBundle succeeded). It is
 * never deduced from version ids.
 * Pure. Pointers are borrowed from the view.
 */
#pragma once
#include "wire/messages.h"

struct action_facts {
    const struct revision *revision; /* of the artifact it deploys; NULL when not known yet */
    size_t total, done, failed;      /* hosts */
    unsigned percent;                /* of the lifecycle, over all hosts */
    bool is_source, is_deploy;
    bool verified;
    const struct job_state *busy;         /* the first host that is at work, or NULL ... */
    const struct lifecycle_report *event; /* ... and what it runs, or NULL */
    const struct job_state *copying;      /* the worker's copying to the region, or NULL */
    const char *cause;                    /* why it waits; "" it does not */
};

struct action_facts facts_of_action(const struct execution_view *view, size_t stage, size_t action);

struct version_facts {
    size_t regions, verified;        /* of deploy actions: all, and those that are verified */
    bool differ;                     /* a copy has another digest than the revision */
    const struct revision *revision; /* when all deploy the same one */
};

struct version_facts facts_of_version(const struct execution_view *view);
/* What the copies between regions took, and what cheaper ways and copies that were there saved. */
struct traffic_facts {
    uint64_t bytes, saved;
    uint64_t cost, cost_saved; /* nano-dollars */
    bool priced;               /* the price of each was known */
};

struct traffic_facts facts_of_traffic(const struct execution *e);
/* Whether the job belongs to that action. */
bool facts_job_of(const struct job_state *job, const struct action_state *action);
/* From its begin to its end, or to `now_ms`; 0 when it has not begun. */
uint64_t facts_duration(uint64_t started_ms, uint64_t ended_ms, uint64_t now_ms);

/* A host has it and has not said yet that it ended. */
bool facts_busy(const struct job_state *job);
/* It waits for the operator: meridian resume. */
bool facts_interrupted(const struct job_state *job);
/* The same, or it has ended otherwise than well. */
bool facts_bad(const struct job_state *job);
