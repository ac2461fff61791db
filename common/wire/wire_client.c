#include "wire/wire_codec.h"

#include "client.pb-c.h"

#define X(name) SAME(REQUEST_##name, MERIDIAN__REQUEST_KIND__REQUEST_KIND_##name);
REQUESTS(X)
#undef X
SAME(ERR_NONE, MERIDIAN__ERROR_CODE__ERROR_CODE_NONE);
SAME(ERR_RETRY, MERIDIAN__ERROR_CODE__ERROR_CODE_RETRY);
SAME(ERR_NOT_FOUND, MERIDIAN__ERROR_CODE__ERROR_CODE_NOT_FOUND);
SAME(ERR_INVALID, MERIDIAN__ERROR_CODE__ERROR_CODE_INVALID);
SAME(ERR_CONFLICT, MERIDIAN__ERROR_CODE__ERROR_CODE_CONFLICT);
SAME(ERR_DENIED, MERIDIAN__ERROR_CODE__ERROR_CODE_DENIED);
SAME(ERR_NO_SPACE, MERIDIAN__ERROR_CODE__ERROR_CODE_NO_SPACE);
SAME(ERR_CORRUPT, MERIDIAN__ERROR_CODE__ERROR_CODE_CORRUPT);
SAME(ERR_FATAL, MERIDIAN__ERROR_CODE__ERROR_CODE_FATAL);

static const struct wire_field apply_request_fields[] = {
    FIELD(apply_request, ApplyRequest, submission, WIRE_ID_OR_NONE),
    FIELD(apply_request, ApplyRequest, file, WIRE_FREE_TEXT, .max = WIRE_PATH_MAX),
    FIELD(apply_request, ApplyRequest, text, WIRE_DOCUMENT, .max = WIRE_DOCUMENT_MAX),
    FIELD(apply_request, ApplyRequest, dry_run, WIRE_BOOL),
    FIELD(apply_request, ApplyRequest, version, WIRE_U32),
};
static const struct wire_type wire_apply_request = TYPE(apply_request, apply_request);

static const struct wire_field source_override_fields[] = {
    FIELD(source_override, SourceOverride, action, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(source_override, SourceOverride, version_id, WIRE_TEXT, .max = WIRE_KEY_MAX),
    FIELD(source_override, SourceOverride, key, WIRE_TEXT, .max = WIRE_KEY_MAX),
};
static const struct wire_type wire_source_override = TYPE(source_override, source_override);

static const struct wire_field run_request_fields[] = {
    FIELD(run_request, RunRequest, submission, WIRE_ID),
    FIELD(run_request, RunRequest, pipeline, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(run_request, RunRequest, revision, WIRE_TEXT, .max = WIRE_KEY_MAX),
    FIELD(run_request, RunRequest, ignore_application_stop_failures, WIRE_BOOL),
    FIELD(run_request, RunRequest, outdated_only, WIRE_BOOL),
    COUNTED(run_request, RunRequest, variables, variable_count, WIRE_LIST, .type = &wire_variable,
            .max = WIRE_VARIABLES_MAX),
    COUNTED(run_request, RunRequest, overrides, override_count, WIRE_LIST,
            .type = &wire_source_override, .max = WIRE_VARIABLES_MAX),
};
static const struct wire_type wire_run_request = TYPE(run_request, run_request);

static const struct wire_field stop_request_fields[] = {
    FIELD(stop_request, StopRequest, submission, WIRE_ID),
    FIELD(stop_request, StopRequest, pipeline, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(stop_request, StopRequest, execution, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(stop_request, StopRequest, abandon, WIRE_BOOL),
    FIELD(stop_request, StopRequest, reason, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
};
static const struct wire_type wire_stop_request = TYPE(stop_request, stop_request);

static const struct wire_field status_request_fields[] = {
    FIELD(status_request, StatusRequest, pipeline, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(status_request, StatusRequest, execution, WIRE_TEXT, .max = WIRE_NAME_MAX),
};
static const struct wire_type wire_status_request = TYPE(status_request, status_request);

static const struct wire_field history_request_fields[] = {
    FIELD(history_request, HistoryRequest, pipeline, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(history_request, HistoryRequest, max, WIRE_U32),
    FIELD(history_request, HistoryRequest, before, WIRE_TEXT, .max = WIRE_NAME_MAX),
};
static const struct wire_type wire_history_request = TYPE(history_request, history_request);

static const struct wire_field events_request_fields[] = {
    FIELD(events_request, EventsRequest, after, WIRE_U64),
    FIELD(events_request, EventsRequest, pipeline, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(events_request, EventsRequest, execution, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(events_request, EventsRequest, wait_ms, WIRE_U32),
    FIELD(events_request, EventsRequest, max, WIRE_U32),
};
static const struct wire_type wire_events_request = TYPE(events_request, events_request);

static const struct wire_field logs_request_fields[] = {
    FIELD(logs_request, LogsRequest, pipeline, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(logs_request, LogsRequest, execution, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(logs_request, LogsRequest, action, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(logs_request, LogsRequest, worker, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(logs_request, LogsRequest, offset, WIRE_U64),
    FIELD(logs_request, LogsRequest, max, WIRE_U32),
};
static const struct wire_type wire_logs_request = TYPE(logs_request, logs_request);

static const struct wire_field push_request_fields[] = {
    FIELD(push_request, PushRequest, submission, WIRE_ID),
    FIELD(push_request, PushRequest, store, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(push_request, PushRequest, key, WIRE_TEXT, .max = WIRE_KEY_MAX),
    FIELD(push_request, PushRequest, size, WIRE_U64),
    FIELD(push_request, PushRequest, sha256, WIRE_FIXED, .max = SHA256_SIZE),
    FIELD(push_request, PushRequest, summary, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
};
static const struct wire_type wire_push_request = TYPE(push_request, push_request);

static const struct wire_field transition_request_fields[] = {
    FIELD(transition_request, TransitionRequest, submission, WIRE_ID),
    FIELD(transition_request, TransitionRequest, pipeline, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(transition_request, TransitionRequest, stage, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(transition_request, TransitionRequest, enable, WIRE_BOOL),
    FIELD(transition_request, TransitionRequest, reason, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
};
static const struct wire_type wire_transition_request =
    TYPE(transition_request, transition_request);

static const struct wire_field approval_request_fields[] = {
    FIELD(approval_request, ApprovalRequest, submission, WIRE_ID),
    FIELD(approval_request, ApprovalRequest, pipeline, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(approval_request, ApprovalRequest, execution, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(approval_request, ApprovalRequest, action, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(approval_request, ApprovalRequest, approve, WIRE_BOOL),
    FIELD(approval_request, ApprovalRequest, summary, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    FIELD(approval_request, ApprovalRequest, token, WIRE_ID_OR_NONE),
};
static const struct wire_type wire_approval_request = TYPE(approval_request, approval_request);

static const struct wire_field retry_request_fields[] = {
    FIELD(retry_request, RetryRequest, submission, WIRE_ID),
    FIELD(retry_request, RetryRequest, pipeline, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(retry_request, RetryRequest, execution, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(retry_request, RetryRequest, stage, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(retry_request, RetryRequest, mode, WIRE_ENUM, .max = RETRY_MODE_COUNT),
};
static const struct wire_type wire_retry_request = TYPE(retry_request, retry_request);

static const struct wire_field rollback_request_fields[] = {
    FIELD(rollback_request, RollbackRequest, submission, WIRE_ID),
    FIELD(rollback_request, RollbackRequest, pipeline, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(rollback_request, RollbackRequest, stage, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(rollback_request, RollbackRequest, target, WIRE_TEXT, .max = WIRE_NAME_MAX),
};
static const struct wire_type wire_rollback_request = TYPE(rollback_request, rollback_request);

static const struct wire_field override_request_fields[] = {
    FIELD(override_request, OverrideRequest, submission, WIRE_ID),
    FIELD(override_request, OverrideRequest, pipeline, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(override_request, OverrideRequest, execution, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(override_request, OverrideRequest, stage, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(override_request, OverrideRequest, condition, WIRE_ENUM, .max = CONDITION_TYPE_COUNT),
    FIELD(override_request, OverrideRequest, reason, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
};
static const struct wire_type wire_override_request = TYPE(override_request, override_request);

static const struct wire_field export_request_fields[] = {
    FIELD(export_request, ExportRequest, pipeline, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(export_request, ExportRequest, resource, WIRE_TEXT, .max = WIRE_KEY_MAX),
};
static const struct wire_type wire_export_request = TYPE(export_request, export_request);

static const struct wire_field resources_request_fields[] = {
    FIELD(resources_request, ResourcesRequest, after, WIRE_TEXT, .max = WIRE_KEY_MAX),
};
static const struct wire_type wire_resources_request = TYPE(resources_request, resources_request);

static const struct wire_type wire_no_arguments = {
    .name = "no_arguments", .descriptor = &meridian__no_arguments__descriptor, .size = 0
};

static const struct wire_variant request_variants[REQUEST_KIND_COUNT] = {
    [REQUEST_PING] = { "ping", MERIDIAN__REQUEST__BODY_PING, &wire_no_arguments },
    [REQUEST_APPLY] = { "apply", MERIDIAN__REQUEST__BODY_APPLY, &wire_apply_request },
    [REQUEST_RUN] = { "run", MERIDIAN__REQUEST__BODY_RUN, &wire_run_request },
    [REQUEST_STOP] = { "stop", MERIDIAN__REQUEST__BODY_STOP, &wire_stop_request },
    [REQUEST_LIST] = { "list", MERIDIAN__REQUEST__BODY_LIST, &wire_no_arguments },
    [REQUEST_STATUS] = { "status", MERIDIAN__REQUEST__BODY_STATUS, &wire_status_request },
    [REQUEST_HISTORY] = { "history", MERIDIAN__REQUEST__BODY_HISTORY, &wire_history_request },
    [REQUEST_EVENTS] = { "events", MERIDIAN__REQUEST__BODY_EVENTS, &wire_events_request },
    [REQUEST_LOGS] = { "logs", MERIDIAN__REQUEST__BODY_LOGS, &wire_logs_request },
    [REQUEST_PUSH] = { "push", MERIDIAN__REQUEST__BODY_PUSH, &wire_push_request },
    [REQUEST_WORKERS] = { "workers", MERIDIAN__REQUEST__BODY_WORKERS, &wire_no_arguments },
    [REQUEST_EXPORT] = { "export", MERIDIAN__REQUEST__BODY_EXPORT, &wire_export_request },
    [REQUEST_TRANSITION] = { "transition", MERIDIAN__REQUEST__BODY_TRANSITION,
                             &wire_transition_request },
    [REQUEST_APPROVAL] = { "approval", MERIDIAN__REQUEST__BODY_APPROVAL, &wire_approval_request },
    [REQUEST_RETRY] = { "retry", MERIDIAN__REQUEST__BODY_RETRY, &wire_retry_request },
    [REQUEST_ROLLBACK] = { "rollback", MERIDIAN__REQUEST__BODY_ROLLBACK, &wire_rollback_request },
    [REQUEST_RESUME] = { "resume", MERIDIAN__REQUEST__BODY_RESUME, &wire_resume_request },
    [REQUEST_ALARM] = { "alarm", MERIDIAN__REQUEST__BODY_ALARM, &wire_alarm_request },
    [REQUEST_WHY] = { "why", MERIDIAN__REQUEST__BODY_WHY, &wire_status_request },
    [REQUEST_DRAIN] = { "drain", MERIDIAN__REQUEST__BODY_DRAIN, &wire_drain_request },
    [REQUEST_REGIONS] = { "regions", MERIDIAN__REQUEST__BODY_REGIONS, &wire_no_arguments },
    [REQUEST_PLAN] = { "plan", MERIDIAN__REQUEST__BODY_PLAN, &wire_preview_request },
    [REQUEST_DOCTOR] = { "doctor", MERIDIAN__REQUEST__BODY_DOCTOR, &wire_no_arguments },
    [REQUEST_ARTIFACTS] = { "artifacts", MERIDIAN__REQUEST__BODY_ARTIFACTS,
                            &wire_artifacts_request },
    [REQUEST_RESOURCES] = { "resources", MERIDIAN__REQUEST__BODY_RESOURCES,
                            &wire_resources_request },
    [REQUEST_OVERRIDE] = { "override", MERIDIAN__REQUEST__BODY_OVERRIDE, &wire_override_request },
    [REQUEST_CUSTOM] = { "custom", MERIDIAN__REQUEST__BODY_CUSTOM, &wire_custom_request },
    [REQUEST_CUSTOM_VIEW] = { "custom_view", MERIDIAN__REQUEST__BODY_CUSTOM_VIEW,
                              &wire_custom_view_request },
};

static const struct wire_field request_fields[] = {
    FIELD(request, Request, token, WIRE_U64),
    ONEOF(request, Request, kind, apply, apply, request_variants),
};
const struct wire_type wire_request = TYPE(request, request);

static const struct wire_field problem_fields[] = {
    FIELD(problem, Problem, line, WIRE_U32),
    FIELD(problem, Problem, column, WIRE_U32),
    FIELD(problem, Problem, path, WIRE_FREE_TEXT, .max = WIRE_KEY_MAX),
    FIELD(problem, Problem, text, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
};
static const struct wire_type wire_problem = TYPE(problem, problem);

static const struct wire_field pipeline_summary_fields[] = {
    FIELD(pipeline_summary, PipelineSummary, name, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(pipeline_summary, PipelineSummary, version, WIRE_U32),
    FIELD(pipeline_summary, PipelineSummary, updated_ms, WIRE_U64),
    FIELD(pipeline_summary, PipelineSummary, execution, WIRE_ID_OR_NONE),
    FIELD(pipeline_summary, PipelineSummary, status, WIRE_ENUM, .max = STATUS_COUNT),
    FIELD(pipeline_summary, PipelineSummary, execution_started_ms, WIRE_U64),
    FIELD(pipeline_summary, PipelineSummary, revision_id, WIRE_TEXT, .max = WIRE_KEY_MAX),
};
static const struct wire_type wire_pipeline_summary = TYPE(pipeline_summary, pipeline_summary);

static const struct wire_field resource_summary_fields[] = {
    FIELD(resource_summary, ResourceSummary, kind, WIRE_ENUM, .max = RESOURCE_KIND_COUNT),
    FIELD(resource_summary, ResourceSummary, name, WIRE_TEXT, .max = WIRE_TARGET_MAX),
    FIELD(resource_summary, ResourceSummary, version, WIRE_U32),
    FIELD(resource_summary, ResourceSummary, updated_ms, WIRE_U64),
    FIELD(resource_summary, ResourceSummary, updated_by, WIRE_TEXT, .max = WIRE_NAME_MAX),
};
static const struct wire_type wire_resource_summary = TYPE(resource_summary, resource_summary);

static const struct wire_field worker_summary_fields[] = {
    FIELD(worker_summary, WorkerSummary, name, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(worker_summary, WorkerSummary, region, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(worker_summary, WorkerSummary, version, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(worker_summary, WorkerSummary, connected, WIRE_BOOL),
    FIELD(worker_summary, WorkerSummary, seen_ms, WIRE_U64),
    FIELD(worker_summary, WorkerSummary, incarnation, WIRE_ID_OR_NONE),
    FIELD(worker_summary, WorkerSummary, jobs, WIRE_U32),
    FIELD(worker_summary, WorkerSummary, alarm, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    FIELD(worker_summary, WorkerSummary, drained, WIRE_BOOL),
    FIELD(worker_summary, WorkerSummary, drained_by, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(worker_summary, WorkerSummary, drain_reason, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    FIELD(worker_summary, WorkerSummary, drained_ms, WIRE_U64),
};
static const struct wire_type wire_worker_summary = TYPE(worker_summary, worker_summary);

static const struct wire_field execution_view_fields[] = {
    FIELD(execution_view, ExecutionView, execution, WIRE_MESSAGE, .type = &wire_execution),
    COUNTED(execution_view, ExecutionView, jobs, job_count, WIRE_LIST, .type = &wire_job_state,
            .max = WIRE_JOBS_MAX),
};
static const struct wire_type wire_execution_view = TYPE(execution_view, execution_view);

static const struct wire_field failure_fields[] = {
    FIELD(failure, Failure, code, WIRE_ENUM, .max = ERR_FATAL + 1),
    FIELD(failure, Failure, what, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    FIELD(failure, Failure, cause, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    FIELD(failure, Failure, fix, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
};
static const struct wire_type wire_failure = TYPE(failure, failure);

static const struct wire_field reply_fields[] = {
    FIELD(reply, Reply, token, WIRE_U64),
    FIELD(reply, Reply, kind, WIRE_ENUM, .max = REQUEST_KIND_COUNT),
    FIELD(reply, Reply, failure, WIRE_MESSAGE, .type = &wire_failure, .optional = true),
    COUNTED(reply, Reply, problems, problem_count, WIRE_LIST, .type = &wire_problem,
            .max = WIRE_LIST_MAX),
    FIELD(reply, Reply, name, WIRE_TEXT, .max = WIRE_TARGET_MAX),
    FIELD(reply, Reply, resource, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(reply, Reply, version, WIRE_U32),
    FIELD(reply, Reply, changed, WIRE_BOOL),
    FIELD(reply, Reply, execution, WIRE_ID_OR_NONE),
    FIELD(reply, Reply, seq, WIRE_U64),
    COUNTED(reply, Reply, pipelines, pipeline_count, WIRE_LIST, .type = &wire_pipeline_summary,
            .max = WIRE_LIST_MAX),
    COUNTED(reply, Reply, workers, worker_count, WIRE_LIST, .type = &wire_worker_summary,
            .max = WIRE_LIST_MAX),
    COUNTED(reply, Reply, executions, execution_count, WIRE_LIST, .type = &wire_execution_view,
            .max = WIRE_LIST_MAX),
    COUNTED(reply, Reply, events, event_count, WIRE_LIST, .type = &wire_event_record,
            .max = WIRE_LIST_MAX),
    FIELD(reply, Reply, log, WIRE_MESSAGE, .type = &wire_log_chunk, .optional = true),
    FIELD(reply, Reply, grant, WIRE_MESSAGE, .type = &wire_grant, .optional = true),
    FIELD(reply, Reply, document, WIRE_DOCUMENT, .max = WIRE_DOCUMENT_MAX),
    FIELD(reply, Reply, region, WIRE_TEXT, .max = WIRE_NAME_MAX),
    COUNTED(reply, Reply, transitions, transition_count, WIRE_LIST, .type = &wire_transition_record,
            .max = WIRE_LIST_MAX),
    FIELD(reply, Reply, dropped, WIRE_U64),
    COUNTED(reply, Reply, reasons, reason_count, WIRE_LIST, .type = &wire_reason,
            .max = WIRE_LIST_MAX),
    COUNTED(reply, Reply, regions, region_count, WIRE_LIST, .type = &wire_region_summary,
            .max = WIRE_LIST_MAX),
    COUNTED(reply, Reply, plan_changes, plan_change_count, WIRE_LIST, .type = &wire_preview_change,
            .max = WIRE_LIST_MAX),
    COUNTED(reply, Reply, plan_steps, plan_step_count, WIRE_LIST, .type = &wire_preview_step,
            .max = WIRE_LIST_MAX),
    COUNTED(reply, Reply, findings, finding_count, WIRE_LIST, .type = &wire_finding,
            .max = WIRE_LIST_MAX),
    COUNTED(reply, Reply, objects, object_count, WIRE_LIST, .type = &wire_stored_object,
            .max = STORED_OBJECTS_MAX),
    FIELD(reply, Reply, next, WIRE_FREE_TEXT, .max = WIRE_AFTER_MAX),
    COUNTED(reply, Reply, resources, resource_count, WIRE_LIST, .type = &wire_resource_summary,
            .max = WIRE_LIST_MAX),
    COUNTED(reply, Reply, jobs, job_count, WIRE_LIST, .type = &wire_custom_job,
            .max = CUSTOM_JOBS_MAX),
};
const struct wire_type wire_reply = TYPE(reply, reply);
