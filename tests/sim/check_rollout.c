#include "check.h"

/* A deployment group: no more hosts than its configuration spares were touched and are not well. */
static void check_out_of_service(struct world *w, const struct execution *e,
                                 const struct action_state *action)
{
    const struct disk *d = &w->nodes[0].disk;
    size_t out = 0;
    for (size_t i = 0; i < d->count; i++) {
        const struct record *r = &d->at[i]->record;
        if (r->kind == RECORD_JOB && r->job.kind == JOB_DEPLOY && r->job.attempt > 0 &&
            id_equal(&r->job.action_execution, &action->id))
            out += r->job.status != STATUS_SUCCEEDED;
    }
    if (out > action->spare)
        world_fail(w, "HEALTHY",
                   "%zu hosts of action %s of execution %s are out of service, of %u "
                   "no more than %u may be",
                   out, action->name, e->id.text, (unsigned)action->hosts, (unsigned)action->spare);
}

void check_hosts_spared(struct world *w, const struct job_state *job)
{
    const struct execution *e = check_execution(w, &job->execution);
    if (!e || job->kind != JOB_DEPLOY) return;
    for (size_t s = 0; s < e->stage_count; s++)
        for (size_t a = 0; a < e->stages[s].action_count; a++) {
            const struct action_state *action = &e->stages[s].actions[a];
            if (action->hosts && id_equal(&action->id, &job->action_execution))
                check_out_of_service(w, e, action);
        }
}
