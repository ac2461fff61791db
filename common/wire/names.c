#include "wire/names.h"
#include "wire/messages.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

const char *status_name(enum status status)
{
    static const char *const names[] = {
#define X(name, text) [STATUS_##name] = (text),
        STATUSES(X)
#undef X
    };
    assert(status < STATUS_COUNT);
    return names[status];
}

bool status_ended(enum status status)
{
    assert(status < STATUS_COUNT);
    return status != STATUS_PENDING && status != STATUS_IN_PROGRESS && status != STATUS_STOPPING;
}

static const char *const lifecycle_names[] = {
#define X(name, text) [EVENT_##name] = (text),
    LIFECYCLE_EVENTS(X)
#undef X
};

const char *lifecycle_event_name(enum lifecycle_event event)
{
    assert(event < LIFECYCLE_EVENT_COUNT);
    return lifecycle_names[event];
}

bool lifecycle_event_parse(const char *name, enum lifecycle_event *out)
{
    for (size_t i = 0; i < LIFECYCLE_EVENT_COUNT; i++) {
        if (strcmp(lifecycle_names[i], name) != 0) continue;
        *out = (enum lifecycle_event)i;
        return true;
    }
    return false;
}

const char *lifecycle_error_name(enum lifecycle_error error)
{
    static const char *const names[] = {
#define X(name, text) [LIFECYCLE_##name] = (text),
        LIFECYCLE_ERRORS(X)
#undef X
    };
    assert(error < LIFECYCLE_ERROR_COUNT);
    return names[error];
}

const char *copy_way_name(enum copy_way way)
{
    static const char *const names[] = {
#define X(name, text) text,
        COPY_WAYS(X)
#undef X
    };
    assert(way < COPY_WAY_COUNT);
    return names[way];
}

const char *step_kind_name(enum step_kind kind)
{
    static const char *const names[] = {
#define X(name, text) text,
        STEP_KINDS(X)
#undef X
    };
    assert(kind < STEP_KIND_COUNT);
    return names[kind];
}

bool job_kind_moves(enum job_kind kind)
{
    return kind == JOB_REPLICATE || kind == JOB_DELTA;
}

const char *file_exists_name(enum file_exists behavior)
{
    switch (behavior) {
    case FILE_EXISTS_DISALLOW: return "DISALLOW";
    case FILE_EXISTS_OVERWRITE: return "OVERWRITE";
    case FILE_EXISTS_RETAIN: return "RETAIN";
    }
    assert(false);
    return "";
}

const char *on_failure_name(enum on_failure on_failure)
{
    switch (on_failure) {
    case ON_FAILURE_LEAVE: return "leave";
    case ON_FAILURE_RESTORE: return "restore";
    }
    assert(false);
    return "";
}

const char *reason_code_name(enum reason_code code)
{
    static const char *const names[] = {
#define X(name, text) [REASON_##name] = (text),
        REASONS(X)
#undef X
    };
    return names[code];
}

const char *preview_op_name(enum preview_op op)
{
    static const char *const names[] = {
#define X(name, text) [PREVIEW_##name] = (text),
        PREVIEW_OPS(X)
#undef X
    };
    return names[op];
}

const char *finding_level_name(enum finding_level level)
{
    static const char *const names[] = {
#define X(name, text) [FINDING_##name] = (text),
        FINDING_LEVELS(X)
#undef X
    };
    return names[level];
}

const char *artifacts_verb_name(enum artifacts_verb verb)
{
    static const char *const names[] = {
#define X(name, text) [ARTIFACTS_##name] = (text),
        ARTIFACTS_VERBS(X)
#undef X
    };
    return names[verb];
}

const char *nack_reason_name(enum nack_reason reason)
{
    static const char *const names[] = {
#define X(name, text) [NACK_##name] = (text),
        NACK_REASONS(X)
#undef X
    };
    assert(reason < NACK_REASON_COUNT);
    return names[reason];
}

const char *resume_verb_name(enum resume_verb verb)
{
    switch (verb) {
    case RESUME_NONE: return "";
    case RESUME_RERUN: return "rerun-step";
    case RESUME_SKIP: return "skip-step";
    case RESUME_GO_ON: return "go-on";
    }
    assert(false);
    return "";
}

const char *trigger_name(enum trigger trigger)
{
    static const char *const names[] = {
#define X(name, text) [TRIGGER_##name] = (text),
        TRIGGERS(X)
#undef X
    };
    assert(trigger < TRIGGER_COUNT);
    return names[trigger];
}

const char *execution_mode_name(enum execution_mode mode)
{
    static const char *const names[] = {
#define X(name, text) [MODE_##name] = (text),
        EXECUTION_MODES(X)
#undef X
    };
    assert(mode < EXECUTION_MODE_COUNT);
    return names[mode];
}

const char *execution_type_name(enum execution_type type)
{
    static const char *const names[] = {
#define X(name, text) [TYPE_##name] = (text),
        EXECUTION_TYPES(X)
#undef X
    };
    assert(type < EXECUTION_TYPE_COUNT);
    return names[type];
}

const char *retry_mode_name(enum retry_mode mode)
{
    static const char *const names[] = {
#define X(name, text) [RETRY_##name] = (text),
        RETRY_MODES(X)
#undef X
    };
    assert(mode < RETRY_MODE_COUNT);
    return names[mode];
}

const char *condition_type_name(enum condition_type type)
{
    static const char *const names[] = {
#define X(name, text, key) [CONDITION_##name] = (text),
        CONDITION_TYPES(X)
#undef X
    };
    assert(type < CONDITION_TYPE_COUNT);
    return names[type];
}

const char *condition_key(enum condition_type type)
{
    static const char *const keys[] = {
#define X(name, text, key) [CONDITION_##name] = (key),
        CONDITION_TYPES(X)
#undef X
    };
    assert(type < CONDITION_TYPE_COUNT);
    return keys[type];
}

enum condition_type stage_rule_type(const struct stage_state *stage, size_t rule)
{
    if (rule < stage->entry_rules) return CONDITION_BEFORE_ENTRY;
    rule -= stage->entry_rules;
    return rule < stage->success_rules ? CONDITION_ON_SUCCESS : CONDITION_ON_FAILURE;
}

const char *custom_status_name(enum custom_status status)
{
    static const char *const names[] = {
#define X(name, text) text,
        CUSTOM_STATUSES(X)
#undef X
    };
    assert(status < CUSTOM_STATUS_COUNT);
    return names[status];
}

const char *resource_kind_name(enum resource_kind kind)
{
    static const char *const names[] = {
#define X(name, text) [RESOURCE_##name] = (text),
        RESOURCE_KINDS(X)
#undef X
    };
    assert(kind < RESOURCE_KIND_COUNT);
    return names[kind];
}

const char *message_type_name(enum message_type type)
{
    static const char *const names[] = {
#define X(name, type, member) [MESSAGE_##name] = #member,
        MESSAGES(X)
#undef X
    };
    assert(type < MESSAGE_TYPE_COUNT);
    return names[type];
}

int fence_compare(struct fence a, struct fence b)
{
    if (a.epoch != b.epoch) return a.epoch < b.epoch ? -1 : 1;
    if (a.seq != b.seq) return a.seq < b.seq ? -1 : 1;
    return 0;
}

void record_key(const struct record *record, char out[RECORD_KEY_SIZE])
{
    int len = 0;
    switch (record->kind) {
    case RECORD_EPOCH: len = snprintf(out, RECORD_KEY_SIZE, "epoch"); break;
    case RECORD_DEFINITION:
        len = snprintf(out, RECORD_KEY_SIZE, "definition/%s/%010u", record->definition.name,
                       (unsigned)record->definition.version);
        break;
    case RECORD_EXECUTION:
        len = snprintf(out, RECORD_KEY_SIZE, "execution/%s/%016llx/%s", record->execution.pipeline,
                       (unsigned long long)record->execution.started_ms, record->execution.id.text);
        break;
    case RECORD_JOB:
        len = snprintf(out, RECORD_KEY_SIZE, "job/%s/%s", record->job.execution.text,
                       record->job.id.text);
        break;
    case RECORD_SOURCE:
        len = snprintf(out, RECORD_KEY_SIZE, "source/%s/%s", record->source.pipeline,
                       record->source.action);
        break;
    case RECORD_SUBMISSION:
        len = snprintf(out, RECORD_KEY_SIZE, "submission/%s/%s", record->submission.client,
                       record->submission.id.text);
        break;
    case RECORD_EVENT:
        len =
            snprintf(out, RECORD_KEY_SIZE, "event/%016llx", (unsigned long long)record->event.seq);
        break;
    case RECORD_WORKER:
        len = snprintf(out, RECORD_KEY_SIZE, "worker/%s", record->worker.name);
        break;
    case RECORD_SELF: len = snprintf(out, RECORD_KEY_SIZE, "self"); break;
    case RECORD_ROW:
        len = snprintf(out, RECORD_KEY_SIZE, "row/%s/%u", record->row.row.job.text,
                       (unsigned)record->row.row.attempt);
        break;
    case RECORD_TARGET:
        len = snprintf(out, RECORD_KEY_SIZE, "target/%s", record->target.target);
        break;
    case RECORD_TRANSITION:
        len = snprintf(out, RECORD_KEY_SIZE, "transition/%s/%s", record->transition.pipeline,
                       record->transition.stage);
        break;
    case RECORD_RESOURCE:
        len = snprintf(out, RECORD_KEY_SIZE, "resource/%s/%s",
                       resource_kind_name(record->resource.kind), record->resource.name);
        break;
    case RECORD_HOST:
        len =
            snprintf(out, RECORD_KEY_SIZE, "host/%s/%s", record->host.target, record->host.worker);
        break;
    case RECORD_ALARM: len = snprintf(out, RECORD_KEY_SIZE, "alarm/%s", record->alarm.name); break;
    case RECORD_TURN:
        len = snprintf(out, RECORD_KEY_SIZE, "turn/%s/%016llx", record->turn.execution.text,
                       (unsigned long long)record->turn.seq);
        break;
    }
    assert(len > 0);
    assert(len < RECORD_KEY_SIZE);
}
