#include "fixture_view.h"

#include <string.h>

static const char *const regions[] = { "us-west-2", "us-east-1", "ap-southeast-2" };
static const char *const actions[] = { "Primary", "Second", "Third" };
static const char *const hosts[] = { "web-1", "web-2", "i-0c77" };
static const char version[] = "kTtNtrHIhMt4.cX6YZHZ5lawDVy3R4Aj";

static struct id id_of(const char *text)
{
    struct id id = { .text = "" };
    memcpy(id.text, text, strlen(text));
    return id;
}

static struct artifact_ref ref_of(const char *store, const char *key, const char *version_id)
{
    struct artifact_ref ref = {
        .store = store, .key = key, .version_id = version_id, .etag = "", .size = 12345678
    };
    for (size_t i = 0; i < SHA256_SIZE; i++) ref.sha256[i] = (uint8_t)(0x9f + i);
    return ref;
}

static void make_job(struct view_world *w, size_t i)
{
    char action[] = "action-0";
    action[7] = (char)('0' + i);
    w->prod[i].id = id_of(action);
    w->jobs[i] = (struct job_state){
        .id = id_of(action),
        .execution = w->view.execution.id,
        .action_execution = w->prod[i].id,
        .deployment = id_of("d-ABCDEFGHI"),
        .kind = JOB_DEPLOY,
        .worker = hosts[i],
        .region = regions[i],
        .target = "deploy:app/web",
        .artifact = "App",
        .status = STATUS_IN_PROGRESS,
        .attempt = 1,
        .cause = "",
        .created_ms = 1003000,
        .assigned_ms = 1004000,
        .diagnostics = { .script = "", .message = "", .log_tail = "" },
    };
}

static struct stage_state stage_of(const char *name, enum status status, uint64_t started_ms,
                                   const struct action_state *of, size_t count)
{
    return (struct stage_state){ .name = name,
                                 .status = status,
                                 .started_ms = started_ms,
                                 .actions = of,
                                 .action_count = count };
}

void view_make(struct view_world *w)
{
    *w = (struct view_world){ .source = { .name = "Source",
                                          .region = "us-west-2",
                                          .provider = "S3",
                                          .status = STATUS_SUCCEEDED,
                                          .started_ms = 1000000,
                                          .ended_ms = 1002000,
                                          .summary = "",
                                          .error_code = "",
                                          .error_message = "",
                                          .updated_by = "",
                                          .custom_data = "",
                                          .url = "",
                                          .config = "" } };
    w->revision = (struct revision){ .action = "Source",
                                     .artifact = "App",
                                     .revision_id = version,
                                     .summary = "",
                                     .ref = ref_of("source-bucket", "app.zip", version) };
    w->view.execution = (struct execution){ .id = id_of("0b8a2c1e-1111-4222-8333-444455556666"),
                                            .pipeline = "xr",
                                            .pipeline_version = 3,
                                            .status = STATUS_IN_PROGRESS,
                                            .status_summary = "",
                                            .trigger = TRIGGER_POLL,
                                            .trigger_detail = "Source",
                                            .started_ms = 1000000,
                                            .updated_ms = 1004000,
                                            .stop_reason = "",
                                            .revisions = &w->revision,
                                            .revision_count = 1,
                                            .stages = w->stages,
                                            .stage_count = 2,
                                            .copies = w->copies,
                                            .copy_count = 3 };
    w->stages[0] = stage_of("Source", STATUS_SUCCEEDED, 1000000, &w->source, 1);
    w->stages[0].ended_ms = 1002000;
    w->stages[1] = stage_of("Prod", STATUS_IN_PROGRESS, 1003000, w->prod, 3);
    for (size_t i = 0; i < 3; i++) {
        w->prod[i] = (struct action_state){ .name = actions[i],
                                            .region = regions[i],
                                            .provider = "CodeDeploy",
                                            .status = STATUS_IN_PROGRESS,
                                            .started_ms = 1003000,
                                            .summary = "",
                                            .error_code = "",
                                            .error_message = "",
                                            .updated_by = "",
                                            .custom_data = "",
                                            .url = "",
                                            .config = "" };
        w->copies[i] = (struct copy_state){ .artifact = "App",
                                            .base_revision = "",
                                            .note = "",
                                            .region = regions[i],
                                            .status = STATUS_SUCCEEDED,
                                            .ref = ref_of("store", "xr/App/1", "copy-version") };
        make_job(w, i);
    }
    w->view.jobs = w->jobs;
    w->view.job_count = 3;
}

void view_advance(struct job_state *job, enum lifecycle_event event, enum status status)
{
    job->event_count = 0;
    for (enum lifecycle_event at = EVENT_APPLICATION_STOP; at <= event; at++)
        job->events[job->event_count++] =
            (struct lifecycle_report){ at, at == event ? status : STATUS_SUCCEEDED, 1005000,
                                       at == event && !status_ended(status) ? 0 : 1006000 };
}

void view_end(struct view_world *w, size_t i, enum status status)
{
    w->jobs[i].status = w->prod[i].status = status;
    w->jobs[i].ended_ms = w->prod[i].ended_ms = 1044000;
}

void view_finish(struct view_world *w, enum status status, const char *summary)
{
    w->view.execution.status = w->stages[1].status = status;
    w->view.execution.status_summary = summary;
    w->view.execution.ended_ms = w->stages[1].ended_ms = 1060000;
}

void view_copying(struct view_world *w, size_t i, const char *worker, const char *cause)
{
    struct job_state *job = &w->jobs[w->view.job_count++];
    *job = w->jobs[i];
    job->id = id_of("copy-job");
    job->kind = JOB_REPLICATE;
    job->worker = worker;
    job->cause = cause;
    job->done = 5000000;
    job->total = 12345678;
    w->copies[i].status = STATUS_IN_PROGRESS;
    w->copies[i].job = job->id;
    w->jobs[i].status = STATUS_PENDING;
    w->jobs[i].attempt = 0;
    w->jobs[i].cause = "waits for the copy of artifact App in region us-east-1";
}
