#include "core/view.h"

bool coordinator_view_execution(const struct coordinator *coordinator, const char *pipeline,
                                const char *execution, struct arena *arena,
                                struct execution_view *out, struct error *err)
{
    (void)coordinator;
    (void)pipeline;
    (void)arena;
    (void)out;
    return error_set(err, ERR_NOT_FOUND, "no execution '%s'", execution);
}

size_t coordinator_view_pipelines(const struct coordinator *coordinator, struct arena *arena,
                                  const struct pipeline_summary **out)
{
    (void)coordinator;
    (void)arena;
    *out = NULL;
    return 0;
}

size_t coordinator_view_workers(const struct coordinator *coordinator, struct arena *arena,
                                const struct worker_summary **out)
{
    (void)coordinator;
    (void)arena;
    *out = NULL;
    return 0;
}

const struct definition *coordinator_view_definition(const struct coordinator *coordinator,
                                                     const char *pipeline)
{
    (void)coordinator;
    (void)pipeline;
    return NULL;
}

bool coordinator_view_session(const struct coordinator *coordinator, const char *worker,
                              uint64_t *session)
{
    (void)coordinator;
    (void)worker;
    (void)session;
    return false;
}

size_t coordinator_view_sources(const struct coordinator *coordinator, struct arena *arena,
                                const struct source_watch **out)
{
    (void)coordinator;
    (void)arena;
    *out = NULL;
    return 0;
}

uint64_t coordinator_view_epoch(const struct coordinator *coordinator)
{
    (void)coordinator;
    return 0;
}

uint64_t coordinator_view_event_seq(const struct coordinator *coordinator)
{
    (void)coordinator;
    return 0;
}
