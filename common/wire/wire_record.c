#include "wire/wire.h"
#include "wire/wire_codec.h"

#include "record.pb-c.h"

#include <assert.h>
#include <string.h>

#define X(name, text) SAME(TRIGGER_##name, MERIDIAN__TRIGGER__TRIGGER_##name);
TRIGGERS(X)
#undef X
#define X(name, text) SAME(MODE_##name, MERIDIAN__EXECUTION_MODE__EXECUTION_MODE_##name);
EXECUTION_MODES(X)
#undef X
#define X(name, text) SAME(TYPE_##name, MERIDIAN__EXECUTION_TYPE__EXECUTION_TYPE_##name);
EXECUTION_TYPES(X)
#undef X
#define X(name, text) SAME(RETRY_##name, MERIDIAN__RETRY_MODE__RETRY_MODE_##name);
RETRY_MODES(X)
#undef X
#define X(name, text, key) SAME(CONDITION_##name, MERIDIAN__CONDITION_TYPE__CONDITION_TYPE_##name);
CONDITION_TYPES(X)
#undef X
SAME(STEP_NOT_BEGUN, MERIDIAN__STEP_STATE__STEP_STATE_NOT_BEGUN);
SAME(STEP_STARTED, MERIDIAN__STEP_STATE__STEP_STATE_STARTED);
SAME(STEP_DONE, MERIDIAN__STEP_STATE__STEP_STATE_DONE);
SAME(STEP_INTERRUPTED, MERIDIAN__STEP_STATE__STEP_STATE_INTERRUPTED);
SAME(STEP_HELD, MERIDIAN__STEP_STATE__STEP_STATE_HELD);

static const struct wire_field epoch_record_fields[] = {
    FIELD(epoch_record, EpochRecord, epoch, WIRE_U64),
};
static const struct wire_type wire_epoch_record = TYPE(epoch_record, epoch_record);

static const struct wire_field definition_fields[] = {
    FIELD(definition, Definition, name, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(definition, Definition, version, WIRE_U32),
    FIELD(definition, Definition, created_ms, WIRE_U64),
    FIELD(definition, Definition, updated_by, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(definition, Definition, text, WIRE_DOCUMENT, .max = WIRE_DOCUMENT_MAX),
};
static const struct wire_type wire_definition = TYPE(definition, definition);

static const struct wire_field revision_fields[] = {
    FIELD(revision, Revision, action, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(revision, Revision, artifact, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(revision, Revision, revision_id, WIRE_TEXT, .max = WIRE_KEY_MAX),
    FIELD(revision, Revision, summary, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    FIELD(revision, Revision, ref, WIRE_MESSAGE, .type = &wire_artifact_ref),
};
static const struct wire_type wire_revision = TYPE(revision, revision);

static bool has_job(const void *action)
{
    return ((const struct action_state *)action)->custom.status != CUSTOM_NONE;
}

static const struct wire_field action_state_fields[] = {
    FIELD(action_state, ActionState, name, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(action_state, ActionState, region, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(action_state, ActionState, provider, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(action_state, ActionState, id, WIRE_ID_OR_NONE),
    FIELD(action_state, ActionState, status, WIRE_ENUM, .max = STATUS_COUNT),
    FIELD(action_state, ActionState, started_ms, WIRE_U64),
    FIELD(action_state, ActionState, ended_ms, WIRE_U64),
    FIELD(action_state, ActionState, deadline_ms, WIRE_U64),
    FIELD(action_state, ActionState, summary, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    FIELD(action_state, ActionState, error_code, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(action_state, ActionState, error_message, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    FIELD(action_state, ActionState, token, WIRE_ID_OR_NONE),
    FIELD(action_state, ActionState, updated_by, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(action_state, ActionState, deployment, WIRE_ID_OR_NONE),
    FIELD(action_state, ActionState, custom_data, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    FIELD(action_state, ActionState, url, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    FIELD(action_state, ActionState, hosts, WIRE_U32),
    FIELD(action_state, ActionState, spare, WIRE_U32),
    FIELD(action_state, ActionState, config, WIRE_TEXT, .max = WIRE_NAME_MAX),
    COUNTED(action_state, ActionState, variables, variable_count, WIRE_LIST, .type = &wire_variable,
            .max = WIRE_VARIABLES_MAX),
    FIELD(action_state, ActionState, wave, WIRE_U32),
    FIELD(action_state, ActionState, committed_ms, WIRE_U64),
    FIELD(action_state, ActionState, custom, WIRE_MESSAGE, .type = &wire_custom_state,
          .optional = true, .present = has_job),
};
static const struct wire_type wire_action_state = TYPE(action_state, action_state);

static const struct wire_field stage_state_fields[] = {
    FIELD(stage_state, StageState, name, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(stage_state, StageState, status, WIRE_ENUM, .max = STATUS_COUNT),
    FIELD(stage_state, StageState, started_ms, WIRE_U64),
    FIELD(stage_state, StageState, ended_ms, WIRE_U64),
    COUNTED(stage_state, StageState, actions, action_count, WIRE_LIST, .type = &wire_action_state,
            .max = WIRE_ACTIONS_MAX),
    FIELD(stage_state, StageState, auto_retries, WIRE_U32),
    FIELD(stage_state, StageState, manual_retries, WIRE_U32),
    FIELD(stage_state, StageState, bake_wave, WIRE_U32),
    FIELD(stage_state, StageState, bake_ms, WIRE_U64),
    COUNTED(stage_state, StageState, rules, rule_count, WIRE_LIST, .type = &wire_action_state,
            .max = WIRE_RULES_MAX),
    FIELD(stage_state, StageState, entry_rules, WIRE_U32),
    FIELD(stage_state, StageState, success_rules, WIRE_U32),
};
static const struct wire_type wire_stage_state = TYPE(stage_state, stage_state);

static const struct wire_field copy_state_fields[] = {
    FIELD(copy_state, CopyState, artifact, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(copy_state, CopyState, region, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(copy_state, CopyState, ref, WIRE_MESSAGE, .type = &wire_artifact_ref),
    FIELD(copy_state, CopyState, status, WIRE_ENUM, .max = STATUS_COUNT),
    FIELD(copy_state, CopyState, job, WIRE_ID_OR_NONE),
    FIELD(copy_state, CopyState, bytes, WIRE_U64),
    FIELD(copy_state, CopyState, way, WIRE_ENUM, .max = COPY_WAY_COUNT),
    FIELD(copy_state, CopyState, delta, WIRE_U32),
    FIELD(copy_state, CopyState, base_revision, WIRE_TEXT, .max = WIRE_KEY_MAX),
    FIELD(copy_state, CopyState, note, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    FIELD(copy_state, CopyState, saved, WIRE_U64),
    FIELD(copy_state, CopyState, priced, WIRE_BOOL),
    FIELD(copy_state, CopyState, cost, WIRE_U64),
    FIELD(copy_state, CopyState, cost_saved, WIRE_U64),
};
static const struct wire_type wire_copy_state = TYPE(copy_state, copy_state);

static const struct wire_field delta_state_fields[] = {
    FIELD(delta_state, DeltaState, artifact, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(delta_state, DeltaState, region, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(delta_state, DeltaState, base_revision, WIRE_TEXT, .max = WIRE_KEY_MAX),
    FIELD(delta_state, DeltaState, older, WIRE_MESSAGE, .type = &wire_artifact_ref),
    FIELD(delta_state, DeltaState, sha256, WIRE_FIXED, .max = SHA256_SIZE),
    FIELD(delta_state, DeltaState, ref, WIRE_MESSAGE, .type = &wire_artifact_ref),
    FIELD(delta_state, DeltaState, status, WIRE_ENUM, .max = STATUS_COUNT),
    FIELD(delta_state, DeltaState, job, WIRE_ID_OR_NONE),
    FIELD(delta_state, DeltaState, note, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
};
static const struct wire_type wire_delta_state = TYPE(delta_state, delta_state);

static const struct wire_field execution_fields[] = {
    FIELD(execution, Execution, id, WIRE_ID),
    FIELD(execution, Execution, pipeline, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(execution, Execution, pipeline_version, WIRE_U32),
    FIELD(execution, Execution, status, WIRE_ENUM, .max = STATUS_COUNT),
    FIELD(execution, Execution, status_summary, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    FIELD(execution, Execution, trigger, WIRE_ENUM, .max = TRIGGER_COUNT),
    FIELD(execution, Execution, trigger_detail, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    FIELD(execution, Execution, started_ms, WIRE_U64),
    FIELD(execution, Execution, updated_ms, WIRE_U64),
    FIELD(execution, Execution, ended_ms, WIRE_U64),
    FIELD(execution, Execution, stop_requested, WIRE_BOOL),
    FIELD(execution, Execution, stop_abandon, WIRE_BOOL),
    FIELD(execution, Execution, stop_reason, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    COUNTED(execution, Execution, revisions, revision_count, WIRE_LIST, .type = &wire_revision,
            .max = WIRE_ARTIFACTS_MAX),
    COUNTED(execution, Execution, stages, stage_count, WIRE_LIST, .type = &wire_stage_state,
            .max = WIRE_STAGES_MAX),
    COUNTED(execution, Execution, copies, copy_count, WIRE_LIST, .type = &wire_copy_state,
            .max = WIRE_LIST_MAX),
    COUNTED(execution, Execution, deltas, delta_count, WIRE_LIST, .type = &wire_delta_state,
            .max = WIRE_DELTAS_MAX),
    FIELD(execution, Execution, mode, WIRE_ENUM, .max = EXECUTION_MODE_COUNT),
    FIELD(execution, Execution, type, WIRE_ENUM, .max = EXECUTION_TYPE_COUNT),
    FIELD(execution, Execution, rollback_target, WIRE_ID_OR_NONE),
    FIELD(execution, Execution, ignore_application_stop_failures, WIRE_BOOL),
    FIELD(execution, Execution, outdated_only, WIRE_BOOL),
    COUNTED(execution, Execution, variables, variable_count, WIRE_LIST, .type = &wire_variable,
            .max = WIRE_VARIABLES_MAX),
};
const struct wire_type wire_execution = TYPE(execution, execution);

static const struct wire_field job_state_fields[] = {
    FIELD(job_state, JobState, id, WIRE_ID),
    FIELD(job_state, JobState, execution, WIRE_ID),
    FIELD(job_state, JobState, action_execution, WIRE_ID_OR_NONE),
    FIELD(job_state, JobState, deployment, WIRE_ID_OR_NONE),
    FIELD(job_state, JobState, kind, WIRE_ENUM, .max = JOB_KIND_COUNT),
    FIELD(job_state, JobState, worker, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(job_state, JobState, region, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(job_state, JobState, target, WIRE_TEXT, .max = WIRE_TARGET_MAX),
    FIELD(job_state, JobState, artifact, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(job_state, JobState, status, WIRE_ENUM, .max = STATUS_COUNT),
    FIELD(job_state, JobState, attempt, WIRE_U32),
    FIELD(job_state, JobState, fence, WIRE_MESSAGE, .type = &wire_fence),
    FIELD(job_state, JobState, incarnation, WIRE_ID_OR_NONE),
    FIELD(job_state, JobState, cancel, WIRE_BOOL),
    FIELD(job_state, JobState, cause, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    FIELD(job_state, JobState, created_ms, WIRE_U64),
    FIELD(job_state, JobState, assigned_ms, WIRE_U64),
    FIELD(job_state, JobState, ended_ms, WIRE_U64),
    FIELD(job_state, JobState, deadline_ms, WIRE_U64),
    COUNTED(job_state, JobState, events, event_count, WIRE_ARRAY, .type = &wire_lifecycle_report,
            .max = WIRE_EVENTS_MAX),
    FIELD(job_state, JobState, failed_event, WIRE_ENUM, .max = LIFECYCLE_EVENT_COUNT),
    FIELD(job_state, JobState, diagnostics, WIRE_MESSAGE, .type = &wire_diagnostics,
          .optional = true),
    FIELD(job_state, JobState, done, WIRE_U64),
    FIELD(job_state, JobState, total, WIRE_U64),
    FIELD(job_state, JobState, stage_number, WIRE_U32),
    FIELD(job_state, JobState, action_number, WIRE_U32),
    FIELD(job_state, JobState, interruption, WIRE_MESSAGE, .type = &wire_interruption,
          .optional = true),
};
const struct wire_type wire_job_state = TYPE(job_state, job_state);

static const struct wire_field source_state_fields[] = {
    FIELD(source_state, SourceState, pipeline, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(source_state, SourceState, action, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(source_state, SourceState, revision_id, WIRE_TEXT, .max = WIRE_KEY_MAX),
};
static const struct wire_type wire_source_state = TYPE(source_state, source_state);

static const struct wire_field submission_fields[] = {
    FIELD(submission, Submission, client, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(submission, Submission, id, WIRE_ID),
    FIELD(submission, Submission, execution, WIRE_ID_OR_NONE),
    FIELD(submission, Submission, created_ms, WIRE_U64),
};
static const struct wire_type wire_submission = TYPE(submission, submission);

static const struct wire_field event_record_fields[] = {
    FIELD(event_record, EventRecord, seq, WIRE_U64),
    FIELD(event_record, EventRecord, time_ms, WIRE_U64),
    FIELD(event_record, EventRecord, execution, WIRE_ID_OR_NONE),
    FIELD(event_record, EventRecord, pipeline, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(event_record, EventRecord, stage, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(event_record, EventRecord, action, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(event_record, EventRecord, region, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(event_record, EventRecord, worker, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(event_record, EventRecord, what, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(event_record, EventRecord, name, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(event_record, EventRecord, status, WIRE_ENUM, .max = STATUS_COUNT),
    FIELD(event_record, EventRecord, detail, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    FIELD(event_record, EventRecord, version_id, WIRE_TEXT, .max = WIRE_KEY_MAX),
};
const struct wire_type wire_event_record = TYPE(event_record, event_record);

static const struct wire_field worker_record_fields[] = {
    FIELD(worker_record, WorkerRecord, name, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(worker_record, WorkerRecord, incarnation, WIRE_ID_OR_NONE),
    FIELD(worker_record, WorkerRecord, drained, WIRE_BOOL),
    FIELD(worker_record, WorkerRecord, drained_by, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(worker_record, WorkerRecord, drain_reason, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    FIELD(worker_record, WorkerRecord, drained_ms, WIRE_U64),
};
static const struct wire_type wire_worker_record = TYPE(worker_record, worker_record);

static const struct wire_field self_record_fields[] = {
    FIELD(self_record, SelfRecord, incarnation, WIRE_ID),
    FIELD(self_record, SelfRecord, epoch_max, WIRE_U64),
};
static const struct wire_type wire_self_record = TYPE(self_record, self_record);

static bool row_has_result(const void *plain)
{
    const struct row_record *record = plain;
    return record->row.state == ROW_ENDED || record->result.job.text[0] != '\0';
}

static const struct wire_field row_record_fields[] = {
    FIELD(row_record, RowRecord, row, WIRE_MESSAGE, .type = &wire_row),
    FIELD(row_record, RowRecord, signed_job, WIRE_BYTES, .max = WIRE_SIGNED_MAX),
    FIELD(row_record, RowRecord, accepted_boot_ms, WIRE_U64),
    FIELD(row_record, RowRecord, accepted_ms, WIRE_U64),
    FIELD(row_record, RowRecord, boot, WIRE_ID_OR_NONE),
    FIELD(row_record, RowRecord, step, WIRE_U32),
    FIELD(row_record, RowRecord, run, WIRE_U32),
    FIELD(row_record, RowRecord, ordered_run, WIRE_U32),
    FIELD(row_record, RowRecord, free_runs, WIRE_U32),
    FIELD(row_record, RowRecord, step_state, WIRE_ENUM, .max = STEP_STATE_COUNT),
    FIELD(row_record, RowRecord, cancel, WIRE_BOOL),
    COUNTED(row_record, RowRecord, events, event_count, WIRE_ARRAY, .type = &wire_lifecycle_report,
            .max = WIRE_EVENTS_MAX),
    FIELD(row_record, RowRecord, result, WIRE_MESSAGE, .type = &wire_result,
          .present = row_has_result),
    FIELD(row_record, RowRecord, files, WIRE_U64),
    FIELD(row_record, RowRecord, idle_events, WIRE_U64),
    FIELD(row_record, RowRecord, released, WIRE_BOOL),
};
static const struct wire_type wire_row_record = TYPE(row_record, row_record);

static const struct wire_field target_record_fields[] = {
    FIELD(target_record, TargetRecord, target, WIRE_TEXT, .max = WIRE_TARGET_MAX),
    FIELD(target_record, TargetRecord, fence_max, WIRE_MESSAGE, .type = &wire_fence),
    FIELD(target_record, TargetRecord, last_successful, WIRE_ID_OR_NONE),
};
static const struct wire_type wire_target_record = TYPE(target_record, target_record);

static const struct wire_field transition_record_fields[] = {
    FIELD(transition_record, TransitionRecord, pipeline, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(transition_record, TransitionRecord, stage, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(transition_record, TransitionRecord, enabled, WIRE_BOOL),
    FIELD(transition_record, TransitionRecord, reason, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    FIELD(transition_record, TransitionRecord, changed_by, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(transition_record, TransitionRecord, changed_ms, WIRE_U64),
};
const struct wire_type wire_transition_record = TYPE(transition_record, transition_record);

const struct wire_variant wire_record_variants[RECORD_KIND_COUNT] = {
#define X(upper, type, member)                                                                     \
    [RECORD_##upper] = { #member, MERIDIAN__RECORD__BODY_##upper, &wire_##type },
    RECORD_KINDS(X)
#undef X
};

/* What lies in the store. */
struct stored {
    uint32_t schema;
    struct record record;
};

static const struct wire_field stored_fields[] = {
    FIELD(stored, Record, schema, WIRE_U32),
    ONEOF(stored, Record, record.kind, record.epoch, epoch, wire_record_variants),
};
static const struct wire_type wire_stored = TYPE(stored, record);

void wire_record_encode(const struct record *record, struct buf *out)
{
    struct stored stored = { .schema = RECORD_SCHEMA, .record = *record };
    if (record->kind == RECORD_JOB) stored.record.job.done = stored.record.job.total = 0;
    bool fits = wire_encode_type(&wire_stored, &stored, WIRE_FRAME_MAX, out);
    assert(fits);
}

/* What lies under a key must be what the key says: a value under another key is damage. */
static bool record_decode(const char *key, struct bytes value, struct arena *arena,
                          struct stored *out, struct error *err)
{
    AUTO(wire_scratch_deinit) struct wire_scratch scratch;
    wire_scratch_init(&scratch, WIRE_DECODE_MAX);
    const ProtobufCMessage *message = wire_unpack(&wire_stored, value, &scratch, err);
    if (!message) return false;
    uint32_t schema = ((const Meridian__Record *)message)->schema;
    if (schema > RECORD_SCHEMA)
        return error_set(err, ERR_CONFLICT,
                         "written by a newer version (schema %u, this one knows %d): upgrade",
                         (unsigned)schema, (int)RECORD_SCHEMA);
    if (!wire_read(&wire_stored, message, arena, out, err)) return false;
    char own[RECORD_KEY_SIZE];
    record_key(&out->record, own);
    if (!text_equal(own, key)) return error_set(err, ERR_CORRUPT, "holds the record '%s'", own);
    return true;
}

bool wire_record_decode(const char *key, struct bytes value, struct arena *arena,
                        struct record *out, struct error *err)
{
    struct stored stored;
    if (!record_decode(key, value, arena, &stored, err)) {
        if (err->code == ERR_INVALID) err->code = ERR_CORRUPT;
        return error_wrap(err, "record '%s'", key);
    }
    *out = stored.record;
    return true;
}

static bool take_varint(struct bytes *from, uint64_t *number)
{
    *number = 0;
    for (unsigned shift = 0; from->len > 0 && shift < 64; shift += 7) {
        uint8_t byte = from->data[0];
        *from = bytes_of(from->data + 1, from->len - 1);
        *number |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) return true;
    }
    return false;
}

/* The first member of that name; what stands before it is passed over. */
static bool find_member(struct bytes from, const ProtobufCMessageDescriptor *message,
                        const char *name, struct bytes *inside, uint64_t *number)
{
    uint32_t wanted = protobuf_c_message_descriptor_get_field_by_name(message, name)->id;
    uint64_t tag, len;
    while (take_varint(&from, &tag)) {
        *inside = from;
        if ((tag & 7) == 0) {
            if (!take_varint(&from, number)) return false;
        } else {
            if ((tag & 7) != 2 || !take_varint(&from, &len) || len > from.len) return false;
            *inside = bytes_of(from.data, (size_t)len);
            from = bytes_of(from.data + len, from.len - (size_t)len);
        }
        if (tag >> 3 == wanted) return true;
    }
    return false;
}

bool wire_execution_ended(struct bytes value)
{
    struct bytes execution, rest;
    uint64_t schema = 0, status = 0;
    return find_member(value, &meridian__record__descriptor, "execution", &execution, &schema) &&
           schema == RECORD_SCHEMA &&
           find_member(execution, &meridian__execution__descriptor, "status", &rest, &status) &&
           status < STATUS_COUNT && status_ended((enum status)status);
}

void wire_record_print(const struct record *record, struct buf *out)
{
    struct stored stored = { .schema = RECORD_SCHEMA, .record = *record };
    wire_print(&wire_stored, &stored, out);
}

bool wire_record_dump(const char *key, struct bytes value, struct buf *out, struct error *err)
{
    struct record record;
    AUTO(arena_deinit) struct arena arena;
    arena_init(&arena, WIRE_DECODE_MAX);
    if (!buf_append(out, key, strlen(key), err) || !buf_append(out, "\n", 1, err) ||
        !wire_record_decode(key, value, &arena, &record, err))
        return false;
    wire_record_print(&record, out);
    return buf_append(out, "\n", 1, err);
}
