#include "wire/wire_codec.h"

#include "job.pb-c.h"

#define X(name, text) SAME(STATUS_##name, MERIDIAN__STATUS__STATUS_##name);
STATUSES(X)
#undef X
#define X(name, text) SAME(EVENT_##name, MERIDIAN__LIFECYCLE_EVENT__LIFECYCLE_EVENT_##name);
LIFECYCLE_EVENTS(X)
#undef X
#define X(name, text) SAME(LIFECYCLE_##name, MERIDIAN__LIFECYCLE_ERROR__LIFECYCLE_ERROR_##name);
LIFECYCLE_ERRORS(X)
#undef X
SAME(FILE_EXISTS_DISALLOW, MERIDIAN__FILE_EXISTS__FILE_EXISTS_DISALLOW);
SAME(FILE_EXISTS_OVERWRITE, MERIDIAN__FILE_EXISTS__FILE_EXISTS_OVERWRITE);
SAME(FILE_EXISTS_RETAIN, MERIDIAN__FILE_EXISTS__FILE_EXISTS_RETAIN);
SAME(ON_FAILURE_LEAVE, MERIDIAN__ON_FAILURE__ON_FAILURE_LEAVE);
SAME(ON_FAILURE_RESTORE, MERIDIAN__ON_FAILURE__ON_FAILURE_RESTORE);
SAME(JOB_DEPLOY, MERIDIAN__JOB_KIND__JOB_KIND_DEPLOY);
SAME(JOB_REPLICATE, MERIDIAN__JOB_KIND__JOB_KIND_REPLICATE);
SAME(JOB_BUILD, MERIDIAN__JOB_KIND__JOB_KIND_BUILD);
SAME(JOB_DELTA, MERIDIAN__JOB_KIND__JOB_KIND_DELTA);
SAME(STEP_DOWNLOAD, MERIDIAN__STEP_KIND__STEP_KIND_DOWNLOAD);
SAME(STEP_INSTALL, MERIDIAN__STEP_KIND__STEP_KIND_INSTALL);
SAME(STEP_HOOK, MERIDIAN__STEP_KIND__STEP_KIND_HOOK);
SAME(STEP_REPLICATE, MERIDIAN__STEP_KIND__STEP_KIND_REPLICATE);
SAME(STEP_BUILD, MERIDIAN__STEP_KIND__STEP_KIND_BUILD);
SAME(STEP_KEEP_LOG, MERIDIAN__STEP_KIND__STEP_KIND_KEEP_LOG);
SAME(STEP_UNDO, MERIDIAN__STEP_KIND__STEP_KIND_UNDO);
SAME(STEP_DELTA, MERIDIAN__STEP_KIND__STEP_KIND_DELTA);
#define X(name, text) SAME(COPY_WAY_##name, MERIDIAN__COPY_WAY__COPY_WAY_##name);
COPY_WAYS(X)
#undef X

static const struct wire_field fence_fields[] = {
    FIELD(fence, Fence, epoch, WIRE_U64),
    FIELD(fence, Fence, seq, WIRE_U64),
};
const struct wire_type wire_fence = TYPE(fence, fence);

static const struct wire_field artifact_ref_fields[] = {
    FIELD(artifact_ref, ArtifactRef, store, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(artifact_ref, ArtifactRef, key, WIRE_TEXT, .max = WIRE_KEY_MAX),
    FIELD(artifact_ref, ArtifactRef, version_id, WIRE_TEXT, .max = WIRE_KEY_MAX),
    FIELD(artifact_ref, ArtifactRef, etag, WIRE_TEXT, .max = WIRE_KEY_MAX),
    FIELD(artifact_ref, ArtifactRef, size, WIRE_U64),
    FIELD(artifact_ref, ArtifactRef, sha256, WIRE_FIXED, .max = SHA256_SIZE),
    FIELD(artifact_ref, ArtifactRef, removed, WIRE_BOOL),
};
const struct wire_type wire_artifact_ref = TYPE(artifact_ref, artifact_ref);

static const struct wire_field grant_fields[] = {
    FIELD(grant, Grant, url, WIRE_TEXT, .max = WIRE_URL_MAX),
    FIELD(grant, Grant, pin, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(grant, Grant, expires_ms, WIRE_U64),
};
const struct wire_type wire_grant = TYPE(grant, grant);

static const struct wire_field parts_grant_fields[] = {
    FIELD(parts_grant, PartsGrant, url, WIRE_TEXT, .max = WIRE_URL_MAX),
    FIELD(parts_grant, PartsGrant, signatures, WIRE_BYTES, .max = WIRE_PARTS_MAX * SHA256_SIZE),
    FIELD(parts_grant, PartsGrant, part_bytes, WIRE_U64),
    FIELD(parts_grant, PartsGrant, complete, WIRE_TEXT, .max = WIRE_URL_MAX),
    FIELD(parts_grant, PartsGrant, look, WIRE_TEXT, .max = WIRE_URL_MAX),
};
static const struct wire_type wire_parts_grant = TYPE(parts_grant, parts_grant);

static const struct wire_field job_artifact_fields[] = {
    FIELD(job_artifact, JobArtifact, name, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(job_artifact, JobArtifact, ref, WIRE_MESSAGE, .type = &wire_artifact_ref),
    FIELD(job_artifact, JobArtifact, grant, WIRE_MESSAGE, .type = &wire_grant, .optional = true),
};
const struct wire_type wire_job_artifact = TYPE(job_artifact, job_artifact);

static const struct wire_field variable_fields[] = {
    FIELD(variable, Variable, name, WIRE_TEXT, .max = WIRE_VARIABLE_NAME_MAX),
    FIELD(variable, Variable, value, WIRE_TEXT, .max = WIRE_VARIABLE_MAX),
};
const struct wire_type wire_variable = TYPE(variable, variable);

static const struct wire_field job_variable_fields[] = {
    FIELD(job_variable, JobVariable, name, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(job_variable, JobVariable, value, WIRE_TEXT, .max = WIRE_VARIABLE_MAX),
    FIELD(job_variable, JobVariable, secret, WIRE_BOOL),
};
static const struct wire_type wire_job_variable = TYPE(job_variable, job_variable);

static const struct wire_field job_fields[] = {
    FIELD(job, Job, id, WIRE_ID),
    FIELD(job, Job, attempt, WIRE_U32),
    FIELD(job, Job, fence, WIRE_MESSAGE, .type = &wire_fence),
    FIELD(job, Job, kind, WIRE_ENUM, .max = JOB_KIND_COUNT),
    FIELD(job, Job, worker, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(job, Job, incarnation, WIRE_ID_OR_NONE),
    FIELD(job, Job, issued_ms, WIRE_U64),
    FIELD(job, Job, expires_ms, WIRE_U64),
    FIELD(job, Job, timeout_ms, WIRE_U64),
    FIELD(job, Job, target, WIRE_TEXT, .max = WIRE_TARGET_MAX),
    FIELD(job, Job, execution, WIRE_ID_OR_NONE),
    FIELD(job, Job, action_execution, WIRE_ID_OR_NONE),
    FIELD(job, Job, deployment, WIRE_ID_OR_NONE),
    FIELD(job, Job, pipeline, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(job, Job, stage, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(job, Job, action, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(job, Job, region, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(job, Job, application, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(job, Job, deployment_group, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(job, Job, deployment_group_id, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(job, Job, file_exists, WIRE_ENUM, .max = FILE_EXISTS_COUNT),
    FIELD(job, Job, ignore_application_stop_failures, WIRE_BOOL),
    FIELD(job, Job, traffic_control, WIRE_BOOL),
    FIELD(job, Job, on_failure, WIRE_ENUM, .max = ON_FAILURE_COUNT),
    FIELD(job, Job, hold, WIRE_BOOL),
    FIELD(job, Job, bundle_type, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(job, Job, revision, WIRE_TEXT, .max = WIRE_KEY_MAX),
    FIELD(job, Job, input, WIRE_MESSAGE, .type = &wire_artifact_ref),
    FIELD(job, Job, read, WIRE_MESSAGE, .type = &wire_grant, .optional = true),
    FIELD(job, Job, output, WIRE_MESSAGE, .type = &wire_artifact_ref, .optional = true),
    FIELD(job, Job, write, WIRE_MESSAGE, .type = &wire_grant, .optional = true),
    COUNTED(job, Job, parts, parts_count, WIRE_LIST, .type = &wire_parts_grant, .max = 1),
    COUNTED(job, Job, inputs, input_count, WIRE_LIST, .type = &wire_job_artifact,
            .max = WIRE_BUILD_ARTIFACTS_MAX),
    COUNTED(job, Job, outputs, output_count, WIRE_LIST, .type = &wire_job_artifact,
            .max = WIRE_BUILD_ARTIFACTS_MAX),
    COUNTED(job, Job, variables, variable_count, WIRE_LIST, .type = &wire_job_variable,
            .max = WIRE_VARIABLES_MAX),
    FIELD(job, Job, buildspec, WIRE_TEXT, .max = WIRE_BUILDSPEC_MAX),
    FIELD(job, Job, log, WIRE_MESSAGE, .type = &wire_artifact_ref, .optional = true),
    FIELD(job, Job, log_write, WIRE_MESSAGE, .type = &wire_grant, .optional = true),
};
const struct wire_type wire_job = TYPE(job, job);

static const struct wire_field lifecycle_report_fields[] = {
    FIELD(lifecycle_report, LifecycleReport, event, WIRE_ENUM, .max = LIFECYCLE_EVENT_COUNT),
    FIELD(lifecycle_report, LifecycleReport, status, WIRE_ENUM, .max = STATUS_COUNT),
    FIELD(lifecycle_report, LifecycleReport, started_ms, WIRE_U64),
    FIELD(lifecycle_report, LifecycleReport, ended_ms, WIRE_U64),
};
const struct wire_type wire_lifecycle_report = TYPE(lifecycle_report, lifecycle_report);

static const struct wire_field diagnostics_fields[] = {
    FIELD(diagnostics, Diagnostics, code, WIRE_ENUM, .max = LIFECYCLE_ERROR_COUNT),
    FIELD(diagnostics, Diagnostics, script, WIRE_FREE_TEXT, .max = WIRE_PATH_MAX),
    FIELD(diagnostics, Diagnostics, message, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    FIELD(diagnostics, Diagnostics, log_tail, WIRE_TAIL, .max = WIRE_LOG_TAIL_MAX),
};
const struct wire_type wire_diagnostics = TYPE(diagnostics, diagnostics);

static const struct wire_field result_fields[] = {
    FIELD(result, Result, job, WIRE_ID),
    FIELD(result, Result, attempt, WIRE_U32),
    FIELD(result, Result, fence, WIRE_MESSAGE, .type = &wire_fence),
    FIELD(result, Result, status, WIRE_ENUM, .max = STATUS_COUNT),
    COUNTED(result, Result, events, event_count, WIRE_LIST, .type = &wire_lifecycle_report,
            .max = WIRE_EVENTS_MAX),
    FIELD(result, Result, failed_event, WIRE_ENUM, .max = LIFECYCLE_EVENT_COUNT),
    FIELD(result, Result, diagnostics, WIRE_MESSAGE, .type = &wire_diagnostics, .optional = true),
    FIELD(result, Result, version_id, WIRE_TEXT, .max = WIRE_KEY_MAX),
    FIELD(result, Result, bytes, WIRE_U64),
    FIELD(result, Result, ended_ms, WIRE_U64),
    FIELD(result, Result, way, WIRE_ENUM, .max = COPY_WAY_COUNT),
    FIELD(result, Result, note, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    COUNTED(result, Result, outputs, output_count, WIRE_LIST, .type = &wire_job_artifact,
            .max = WIRE_BUILD_ARTIFACTS_MAX),
    COUNTED(result, Result, variables, variable_count, WIRE_LIST, .type = &wire_variable,
            .max = WIRE_VARIABLES_MAX),
};
const struct wire_type wire_result = TYPE(result, result);

static const struct wire_field step_spec_fields[] = {
    FIELD(step_spec, StepSpec, kind, WIRE_ENUM, .max = STEP_KIND_COUNT),
    FIELD(step_spec, StepSpec, event, WIRE_ENUM, .max = LIFECYCLE_EVENT_COUNT),
    FIELD(step_spec, StepSpec, run, WIRE_U32),
    FIELD(step_spec, StepSpec, ordered_run, WIRE_U32),
    FIELD(step_spec, StepSpec, job, WIRE_MESSAGE, .type = &wire_job),
    FIELD(step_spec, StepSpec, root_dir, WIRE_TEXT, .max = WIRE_PATH_MAX),
    FIELD(step_spec, StepSpec, last_successful, WIRE_ID_OR_NONE),
    FIELD(step_spec, StepSpec, revisions_max, WIRE_U32),
    FIELD(step_spec, StepSpec, revisions_bytes_max, WIRE_U64),
    FIELD(step_spec, StepSpec, local_bundle, WIRE_TEXT, .max = WIRE_PATH_MAX),
    FIELD(step_spec, StepSpec, appspec_filename, WIRE_TEXT, .max = WIRE_PATH_MAX),
    FIELD(step_spec, StepSpec, run_root_scripts_from_current, WIRE_BOOL),
    FIELD(step_spec, StepSpec, build_memory_max, WIRE_U64),
    FIELD(step_spec, StepSpec, transfer_rate_max, WIRE_U64),
    FIELD(step_spec, StepSpec, delta_memory_max, WIRE_U64),
    FIELD(step_spec, StepSpec, secrets_dir, WIRE_TEXT, .max = WIRE_PATH_MAX),
};
const struct wire_type wire_step_spec = TYPE(step_spec, step_spec);

static const struct wire_field step_outcome_fields[] = {
    FIELD(step_outcome, StepOutcome, status, WIRE_ENUM, .max = STATUS_COUNT),
    FIELD(step_outcome, StepOutcome, diagnostics, WIRE_MESSAGE, .type = &wire_diagnostics,
          .optional = true),
    FIELD(step_outcome, StepOutcome, noop, WIRE_BOOL),
    FIELD(step_outcome, StepOutcome, interrupted, WIRE_BOOL),
    FIELD(step_outcome, StepOutcome, started_ms, WIRE_U64),
    FIELD(step_outcome, StepOutcome, ended_ms, WIRE_U64),
    FIELD(step_outcome, StepOutcome, version_id, WIRE_TEXT, .max = WIRE_KEY_MAX),
    FIELD(step_outcome, StepOutcome, bytes, WIRE_U64),
    FIELD(step_outcome, StepOutcome, way, WIRE_ENUM, .max = COPY_WAY_COUNT),
    FIELD(step_outcome, StepOutcome, note, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    FIELD(step_outcome, StepOutcome, files, WIRE_U64),
    FIELD(step_outcome, StepOutcome, idle_events, WIRE_U64),
    COUNTED(step_outcome, StepOutcome, phases, phase_count, WIRE_LIST,
            .type = &wire_lifecycle_report, .max = WIRE_EVENTS_MAX),
    COUNTED(step_outcome, StepOutcome, outputs, output_count, WIRE_LIST, .type = &wire_job_artifact,
            .max = WIRE_BUILD_ARTIFACTS_MAX),
    COUNTED(step_outcome, StepOutcome, variables, variable_count, WIRE_LIST, .type = &wire_variable,
            .max = WIRE_VARIABLES_MAX),
};
const struct wire_type wire_step_outcome = TYPE(step_outcome, step_outcome);
