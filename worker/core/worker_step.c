#include "core/worker.h"

#include <stdlib.h>

struct worker {
    struct worker_config config;
};

struct worker *worker_new(const struct worker_config *config)
{
    struct worker *w = xcalloc(1, sizeof *w);
    w->config = *config;
    return w;
}

void worker_free(struct worker *worker)
{
    free(worker);
}

void worker_step(struct worker *worker, const struct worker_event *event,
                 struct worker_actions *out)
{
    (void)worker;
    (void)event;
    (void)out;
}

uint64_t worker_deadline(const struct worker *worker)
{
    (void)worker;
    return UINT64_MAX;
}

const struct row_record *worker_view_row(const struct worker *worker, const struct id *job)
{
    (void)worker;
    (void)job;
    return NULL;
}
