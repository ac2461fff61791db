/* What goes in comes out: every message, record and file, with every member set. */
#include "wire/wire.h"
#include "wire/wire_codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ID(letters)                                                                                \
    {                                                                                              \
        .text = letters                                                                            \
    }
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct job_artifact sample_artifacts[] = {
    { "App", { "store", "key", "v", "e", 1, { 2 }, true }, { "https://host/a", "sha256//a", 3 } },
    { "Docs",
      { "store-2", "key-2", "v2", "e2", 4, { 5 }, true },
      { "https://host/b", "sha256//b", 6 } },
};
static const struct job_variable sample_variables[] = {
    { "KEY", "other-file", true },
    { "TOKEN", "file", true },
};

static const struct variable sample_named[] = { { "A", "1" }, { "B", "two" } };
static const struct source_override sample_overrides[] = { { "Source", "v1", "other.zip" } };

static const struct parts_grant sample_parts[] = { { "https://host/part",
                                                     { (const uint8_t *)"signatures", 10 },
                                                     18,
                                                     "https://host/complete",
                                                     "https://host/look" } };

static const struct job sample_job = {
    .id = ID("job-1"),
    .attempt = 2,
    .fence = { 3, 4 },
    .kind = JOB_REPLICATE,
    .worker = "web-1",
    .incarnation = ID("inc-1"),
    .issued_ms = 5,
    .expires_ms = UINT64_MAX,
    .timeout_ms = 7,
    .target = "deploy:app/group",
    .execution = ID("exec-1"),
    .action_execution = ID("act-1"),
    .deployment = ID("d-ABCDEFGHI"),
    .pipeline = "pipe",
    .stage = "stage",
    .action = "action",
    .region = "region",
    .application = "application",
    .deployment_group = "group",
    .deployment_group_id = "group-id",
    .file_exists = FILE_EXISTS_RETAIN,
    .traffic_control = true,
    .hold = true,
    .on_failure = ON_FAILURE_RESTORE,
    .ignore_application_stop_failures = true,
    .bundle_type = "zip",
    .buildspec = "version: 0.2",
    .revision = "revision",
    .input = { "store", "key/\xc3\xa4", "version", "etag", 8, { 9, 10 }, true },
    .read = { "https://host/read", "sha256//x", 11 },
    .output = { "store-2", "key-2", "version-2", "etag-2", 12, { 13 }, true },
    .write = { "https://host/write", "sha256//y", 14 },
    .parts = sample_parts,
    .parts_count = COUNT(sample_parts),
    .inputs = sample_artifacts,
    .input_count = COUNT(sample_artifacts),
    .outputs = sample_artifacts,
    .output_count = 1,
    .variables = sample_variables,
    .variable_count = COUNT(sample_variables),
    .log = { "store-3", "key-3", "version-3", "etag-3", 15, { 16 }, true },
    .log_write = { "https://host/log", "sha256//z", 17 },
};

static const struct lifecycle_report sample_reports[] = {
    { EVENT_DOWNLOAD_BUNDLE, STATUS_SUCCEEDED, 1, 2 },
    { EVENT_INSTALL, STATUS_FAILED, 3, 4 },
};

#define DIAGNOSTICS                                                                                \
    {                                                                                              \
        LIFECYCLE_SCRIPT_FAILED, "scripts/start.sh", "exit code 1", "[stderr] no such file\n"      \
    }

static const struct row sample_rows[] = {
    { ID("job-1"), 1, { 2, 3 }, ROW_RUNNING },
    { ID("job-2"), 4, { 5, 6 }, ROW_ENDED },
};

static const struct revision sample_revisions[] = {
    { "Source", "App", "rev-1", "a summary", { "store", "key", "v", "e", 1, { 2 }, true } },
};

static const struct action_state sample_actions[] = {
    { "Deploy",
      "region",
      "CodeDeploy",
      ID("act-1"),
      STATUS_FAILED,
      1,
      2,
      3,
      "s",
      "code",
      "text",
      ID("token"),
      "who",
      ID("d-2"),
      "data",
      "https://x",
      4,
      2,
      "CodeDeployDefault.HalfAtATime",
      sample_named,
      COUNT(sample_named),
      1,
      5,
      { CUSTOM_IN_PROGRESS, ID("job"), ID("nonce"), 1, 40, "go on", "ext-1" } },
    { "Again",
      "region-2",
      "S3",
      ID("act-2"),
      STATUS_SKIPPED,
      4,
      5,
      6,
      "s2",
      "code2",
      "text2",
      ID("token2"),
      "who2",
      ID("d-3"),
      "data2",
      "url2",
      6,
      3,
      "mine",
      sample_named,
      1,
      2,
      6,
      { CUSTOM_QUEUED, ID("job-2"), ID("nonce-2"), 2, 50, "go on 2", "ext-2" } },
};

static const struct stage_state sample_stages[] = {
    { "Prod", STATUS_IN_PROGRESS, 1, 2, sample_actions, sample_actions, COUNT(sample_actions), 2, 1,
      1, 3, 4, 1, 2 },
};

static const struct copy_state sample_copies[] = {
    { "App",
      "region",
      { "s", "k", "v", "e", 1, { 2 }, true },
      STATUS_SUCCEEDED,
      ID("job-9"),
      3,
      COPY_WAY_DELTA,
      4,
      "rev-0",
      "note",
      5,
      6,
      7,
      true },
};

static const struct delta_state sample_deltas[] = {
    { "App",
      "region",
      "rev-0",
      { "s", "k0", "v0", "e0", 1, { 2 }, true },
      { 3 },
      { "s", "k", "v", "e", 4, { 5 }, true },
      STATUS_FAILED,
      ID("job-8"),
      "note" },
};

#define EXECUTION                                                                                  \
    {                                                                                              \
        .id = ID("exec-1"), .pipeline = "pipe", .pipeline_version = 1, .status = STATUS_STOPPING,  \
        .status_summary = "summary", .trigger = TRIGGER_CREATE, .trigger_detail = "detail",        \
        .started_ms = 2, .updated_ms = 3, .ended_ms = 4, .stop_requested = true,                   \
        .stop_abandon = true, .stop_reason = "reason", .revisions = sample_revisions,              \
        .revision_count = COUNT(sample_revisions), .stages = sample_stages,                        \
        .stage_count = COUNT(sample_stages), .copies = sample_copies,                              \
        .copy_count = COUNT(sample_copies), .deltas = sample_deltas,                               \
        .delta_count = COUNT(sample_deltas), .mode = MODE_PARALLEL, .type = TYPE_ROLLBACK,         \
        .rollback_target = ID("exec-0"), .ignore_application_stop_failures = true,                 \
        .outdated_only = true, .variables = sample_named, .variable_count = COUNT(sample_named),   \
    }

#define JOB_STATE(done_, total_)                                                                   \
    {                                                                                              \
        .id = ID("job-1"), .execution = ID("exec-1"), .action_execution = ID("act-1"),             \
        .deployment = ID("d-1"), .kind = JOB_REPLICATE, .worker = "w", .region = "r",              \
        .target = "t", .artifact = "a", .status = STATUS_UNKNOWN, .attempt = 1, .fence = { 2, 3 }, \
        .incarnation = ID("inc-1"), .cancel = true, .cause = "cause", .created_ms = 4,             \
        .assigned_ms = 5, .ended_ms = 6, .deadline_ms = 7,                                         \
        .events = { { EVENT_INSTALL, STATUS_FAILED, 8, 9 } }, .event_count = 1,                    \
        .failed_event = EVENT_INSTALL, .diagnostics = DIAGNOSTICS, .done = (done_),                \
        .total = (total_), .stage_number = 5, .action_number = 6,                                  \
        .interruption = { 7, 8, RESUME_SKIP, true, true },                                         \
    }

#define EVENT                                                                                      \
    {                                                                                              \
        1, 2, ID("exec-1"), "pipe", "stage", "action", "region", "worker", "lifecycle", "Install", \
            STATUS_FAILED, "detail", "version"                                                     \
    }

static const struct job_state sample_jobs[] = { JOB_STATE(10, 11) };
static const struct execution_view sample_views[] = {
    { EXECUTION, sample_jobs, COUNT(sample_jobs) },
};
static const struct event_record sample_events[] = { EVENT };
static const struct problem sample_problems[] = { { 1, 2, "a.b[0]", "wrong: write this" } };
static const struct pipeline_summary sample_pipelines[] = {
    { "pipe", 1, 2, ID("exec-1"), STATUS_FAILED, 3, "rev-1" },
};
static const struct worker_summary sample_workers[] = {
    { "web-1", "region", "0.1.0", true, 1, ID("inc-1"), 2, "disk full", true, "ana", "why", 3 },
};

/* Every nonzero byte belongs to a member that travels: a member that was added to a structure
 * and forgotten in its table is found here, as long as its sample sets it. */
static void assert_all_members_travel(const struct wire_type *type, const void *plain)
{
    uint8_t rest[8192];
    assert_true(type->size <= sizeof rest);
    memcpy(rest, plain, type->size);
    for (size_t i = 0; i < type->field_count; i++) {
        const struct wire_field *f = &type->fields[i];
        if (f->kind == WIRE_ONEOF) return;
        bool set = false;
        for (size_t b = 0; b < f->size; b++) set |= rest[f->plain + b] != 0;
        if (!set) fail_msg("the sample of %s does not set %s", type->name, f->name);
        memset(rest + f->plain, 0, f->size);
        if (f->plain_count) memset(rest + f->plain_count, 0, sizeof(size_t));
    }
    for (size_t b = 0; b < type->size; b++)
        if (rest[b] != 0) fail_msg("byte %zu of %s does not travel", b, type->name);
}

static void assert_same(const struct wire_type *type, const uint8_t *a, const uint8_t *b);

static void assert_same_elements(const struct wire_field *f, const uint8_t *a, const uint8_t *b)
{
    size_t count, other;
    memcpy(&count, a + f->plain_count, sizeof count);
    memcpy(&other, b + f->plain_count, sizeof other);
    assert_int_equal(count, other);
    const uint8_t *from = a + f->plain, *to = b + f->plain;
    if (f->kind == WIRE_LIST) {
        from = wire_load_pointer(from);
        to = wire_load_pointer(to);
    }
    for (size_t i = 0; i < count; i++) {
        assert_all_members_travel(f->type, from + i * f->type->size);
        assert_same(f->type, from + i * f->type->size, to + i * f->type->size);
    }
}

static void assert_same(const struct wire_type *type, const uint8_t *a, const uint8_t *b)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct wire_field *f = &type->fields[i];
        const uint8_t *from = a + f->plain, *to = b + f->plain;
        struct bytes x, y;
        switch (f->kind) {
        case WIRE_TEXT:
        case WIRE_FREE_TEXT:
        case WIRE_TAIL: assert_string_equal(wire_load_pointer(from), wire_load_pointer(to)); break;
        case WIRE_BYTES:
        case WIRE_DOCUMENT:
            memcpy(&x, from, sizeof x);
            memcpy(&y, to, sizeof y);
            assert_true(bytes_equal(x, y));
            break;
        case WIRE_MESSAGE:
            assert_all_members_travel(f->type, from);
            assert_same(f->type, from, to);
            break;
        case WIRE_LIST:
        case WIRE_ARRAY: assert_same_elements(f, a, b); break;
        case WIRE_ONEOF: {
            uint32_t kind = wire_load_u32(a + f->plain_count);
            assert_int_equal(kind, wire_load_u32(b + f->plain_count));
            if (f->variants[kind].type->size)
                assert_all_members_travel(f->variants[kind].type, from);
            assert_same(f->variants[kind].type, from, to);
            break;
        }
        case WIRE_U32:
        case WIRE_U64:
        case WIRE_BOOL:
        case WIRE_ENUM:
        case WIRE_ID:
        case WIRE_ID_OR_NONE:
        case WIRE_FIXED: assert_memory_equal(from, to, f->size); break;
        }
    }
}

struct fixture {
    struct buf buf;
    struct arena arena;
    struct error err;
};

static int setup(void **state)
{
    struct fixture *f = *state = xcalloc(1, sizeof *f);
    buf_init(&f->buf, 2 * WIRE_FRAME_MAX);
    arena_init(&f->arena, WIRE_DECODE_MAX);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    buf_deinit(&f->buf);
    arena_deinit(&f->arena);
    free(f);
    return 0;
}

/* Decoded into out; what is wrong fails the test. */
#define ROUND_TRIP(f, name, sample, out)                                                           \
    do {                                                                                           \
        buf_clear(&(f)->buf);                                                                      \
        wire_##name##_encode((sample), &(f)->buf);                                                 \
        if (!wire_##name##_decode(buf_bytes(&(f)->buf), &(f)->arena, (out), &(f)->err))            \
            fail_msg("%s", (f)->err.text);                                                         \
        assert_all_members_travel(&wire_##name, (sample));                                         \
        assert_same(&wire_##name, (const uint8_t *)(sample), (const uint8_t *)(out));              \
    } while (0)

static void a_job_comes_back_as_it_was(void **state)
{
    struct job out;
    ROUND_TRIP((struct fixture *)*state, job, &sample_job, &out);
}

static void a_cancel_comes_back_as_it_was(void **state)
{
    /* Static, so that its padding is zero. */
    static const struct cancel cancel = {
        { ID("job-1"), 1, { 2, 3 } }, "deploy:a/b", "web-1", ID("inc-1"), 4
    };
    struct cancel out;
    ROUND_TRIP((struct fixture *)*state, cancel, &cancel, &out);
}

static void a_resume_comes_back_as_it_was(void **state)
{
    static const struct resume resume = {
        { { ID("job-1"), 1, { 2, 3 } }, 4, 5 }, RESUME_SKIP, "web-1", ID("inc-1"), 6
    };
    struct resume out;
    ROUND_TRIP((struct fixture *)*state, resume, &resume, &out);
}

static void a_resume_without_a_verb_is_refused(void **state)
{
    struct fixture *f = *state;
    static const struct resume resume = {
        { { ID("job-1"), 1, { 2, 3 } }, 4, 5 }, RESUME_NONE, "web-1", ID("inc-1"), 6
    };
    struct resume out;
    wire_resume_encode(&resume, &f->buf);
    assert_false(wire_resume_decode(buf_bytes(&f->buf), &f->arena, &out, &f->err));
    assert_int_equal(f->err.code, ERR_INVALID);
}

static void a_step_spec_comes_back_as_it_was(void **state)
{
    struct step_spec spec, out;
    memset(&spec, 0, sizeof spec);
    spec.kind = STEP_HOOK;
    spec.event = EVENT_INSTALL;
    spec.run = 2;
    spec.ordered_run = 3;
    memcpy(&spec.job, &sample_job, sizeof spec.job);
    spec.root_dir = "/opt/root";
    spec.last_successful = (struct id)ID("d-LAST");
    spec.revisions_max = 5;
    spec.revisions_bytes_max = 7;
    spec.local_bundle = "/tmp/bundle";
    spec.appspec_filename = "appspec.yaml";
    spec.run_root_scripts_from_current = true;
    spec.build_memory_max = 6;
    spec.transfer_rate_max = 8;
    spec.delta_memory_max = 9;
    spec.secrets_dir = "/etc/secrets";
    ROUND_TRIP((struct fixture *)*state, step_spec, &spec, &out);
}

static void a_step_outcome_comes_back_as_it_was(void **state)
{
    static const struct step_outcome outcome = { STATUS_FAILED,
                                                 DIAGNOSTICS,
                                                 true,
                                                 true,
                                                 1,
                                                 2,
                                                 "v",
                                                 3,
                                                 COPY_WAY_DELTA,
                                                 "note",
                                                 4,
                                                 sample_reports,
                                                 COUNT(sample_reports),
                                                 sample_artifacts,
                                                 COUNT(sample_artifacts),
                                                 sample_named,
                                                 COUNT(sample_named),
                                                 5 };
    struct step_outcome out;
    ROUND_TRIP((struct fixture *)*state, step_outcome, &outcome, &out);
}

static void message_round_trip(struct fixture *f, const struct message *message)
{
    struct message out;
    buf_clear(&f->buf);
    wire_encode(message, 77, &f->buf);
    if (!wire_decode(buf_bytes(&f->buf), &f->arena, &out, &f->err))
        fail_msg("%s: %s", message_type_name(message->type), f->err.text);
    assert_int_equal(out.type, message->type);
    const struct wire_type *type = wire_message_variants[out.type].type;
    assert_all_members_travel(type, &message->hello);
    assert_same(type, (const uint8_t *)&message->hello, (const uint8_t *)&out.hello);
}

static void every_worker_message_comes_back_as_it_was(void **state)
{
    static const uint8_t data[] = "signed \0 bytes";
    static const struct message messages[] = {
        { MESSAGE_HELLO, .hello = { "w", "r", ID("inc"), ID("boot"), "v", 1, sample_rows, 2 } },
        { MESSAGE_WELCOME, .welcome = { 1, 2, 3, ID("inc") } },
        { MESSAGE_REFUSAL, .refusal = { "cause" } },
        { MESSAGE_OFFER, .offer = { { data, sizeof data }, { 1, 2 }, NULL } },
        { MESSAGE_ACCEPT, .accept = { { ID("job"), 1, { 2, 3 }, ROW_ENDED } } },
        { MESSAGE_NACK, .nack = { ID("job"), 1, { 2, 3 }, ID("inc"), NACK_FULL } },
        { MESSAGE_HEARTBEAT, .heartbeat = { 1, ID("inc"), sample_rows, 2 } },
        { MESSAGE_LEASE, .lease = { 1, 2, sample_rows, 2 } },
        { MESSAGE_PROGRESS,
          .progress = { ID("job"), 1, { EVENT_INSTALL, STATUS_FAILED, 2, 3 }, 4, 5, "waits" } },
        { MESSAGE_RESULT, .result = { ID("job"),
                                      1,
                                      { 2, 3 },
                                      STATUS_FAILED,
                                      sample_reports,
                                      2,
                                      EVENT_INSTALL,
                                      DIAGNOSTICS,
                                      "version",
                                      4,
                                      COPY_WAY_DELTA,
                                      "note",
                                      5,
                                      sample_artifacts,
                                      COUNT(sample_artifacts),
                                      sample_named,
                                      COUNT(sample_named) } },
        { MESSAGE_RESULT_ACK, .result_ack = { ID("job"), 1, { 2, 3 } } },
        { MESSAGE_DROP, .drop = { ID("job"), 1, { 2, 3 } } },
        { MESSAGE_CANCEL, .cancel = { { data, sizeof data }, { 1, 2 }, NULL } },
        { MESSAGE_CANCEL_ACK, .cancel_ack = { ID("job"), 1, { 2, 3 } } },
        { MESSAGE_LOG_REQUEST, .log_request = { 1, ID("d-1"), "group", 2, 3 } },
        { MESSAGE_LOG_CHUNK, .log_chunk = { 1, 2, { data, sizeof data }, true, "cause" } },
    };
    static const struct message later[] = {
        { MESSAGE_INTERRUPTED, .interrupted = { { { ID("job"), 1, { 2, 3 } }, 4, 5 },
                                                { EVENT_INSTALL, STATUS_UNKNOWN, 6, 7 },
                                                DIAGNOSTICS } },
        { MESSAGE_INTERRUPTED_ACK, .interrupted_ack = { { ID("job"), 1, { 2, 3 } }, 4, 5 } },
        { MESSAGE_RESUME, .resume = { { data, sizeof data }, { 1, 2 }, NULL } },
        { MESSAGE_RESUME_ACK, .resume_ack = { { ID("job"), 1, { 2, 3 } }, 4, 5 } },
    };
    assert_int_equal(COUNT(messages), MESSAGE_REQUEST);
    assert_int_equal(COUNT(messages) + 2 + COUNT(later), MESSAGE_TYPE_COUNT);
    for (size_t i = 0; i < COUNT(later); i++) message_round_trip(*state, &later[i]);
    for (size_t i = 0; i < COUNT(messages); i++) message_round_trip(*state, &messages[i]);
}

static void every_request_comes_back_as_it_was(void **state)
{
    static const uint8_t text[] = "pipeline: {}";
    static const struct request requests[] = {
        { 1, REQUEST_PING, .apply = { ID("") } },
        { 1, REQUEST_APPLY, .apply = { ID("s"), "file", { text, sizeof text }, true, 4 } },
        { 1, REQUEST_RUN,
          .run = { ID("s"), "pipe", "rev", .ignore_application_stop_failures = true,
                   .outdated_only = true, .variables = sample_named,
                   .variable_count = COUNT(sample_named), .overrides = sample_overrides,
                   .override_count = COUNT(sample_overrides) } },
        { 1, REQUEST_RESUME, .resume = { ID("s"), "pipe", "exec", "act", "w", RESUME_SKIP } },
        { 1, REQUEST_STOP, .stop = { ID("s"), "pipe", "exec", true, "reason" } },
        { 1, REQUEST_LIST, .apply = { ID("") } },
        { 1, REQUEST_STATUS, .status = { "pipe", "exec" } },
        { 1, REQUEST_HISTORY, .history = { "pipe", 1, "exec" } },
        { 1, REQUEST_EVENTS, .events = { 1, "pipe", "exec", 2, 3 } },
        { 1, REQUEST_LOGS, .logs = { "pipe", "exec", "action", "worker", 1, 2 } },
        { 1, REQUEST_PUSH, .push = { ID("s"), "store", "key", 1, { 2 }, "summary" } },
        { 1, REQUEST_WORKERS, .apply = { ID("") } },
        { 1, REQUEST_EXPORT, .export = { "pipe", "application/app" } },
        { 1, REQUEST_RESOURCES, .resources = { "application/app" } },
        { 1, REQUEST_TRANSITION, .transition = { ID("s"), "pipe", "stage", true, "reason" } },
        { 1, REQUEST_APPROVAL,
          .approval = { ID("s"), "pipe", "exec", "action", true, "summary", ID("token") } },
        { 1, REQUEST_RETRY, .retry = { ID("s"), "pipe", "exec", "stage", RETRY_ALL_ACTIONS } },
        { 1, REQUEST_ROLLBACK, .rollback = { ID("s"), "pipe", "stage", "exec" } },
        { 1, REQUEST_ALARM, .alarm = { "errors-high", true, "reason" } },
        { 1, REQUEST_WHY, .status = { "pipe", "exec" } },
        { 1, REQUEST_DRAIN, .drain = { ID("s"), "worker", true, "reason" } },
        { 1, REQUEST_OVERRIDE,
          .override = { ID("s"), "pipe", "exec", "stage", CONDITION_ON_SUCCESS, "reason" } },
        { 1, REQUEST_CUSTOM,
          .custom = { ID("s"), CUSTOM_SUCCEED, "Test/Tool/1", 3, ID("job"), ID("nonce"), "go on",
                      "summary", "ext-1", 40, sample_named, COUNT(sample_named) } },
        { 1, REQUEST_CUSTOM_VIEW, .custom_view = { ID("job") } },
        { 1, REQUEST_REGIONS, .apply = { ID("") } },
        { 1, REQUEST_PLAN, .plan = { "file", { text, sizeof text } } },
        { 1, REQUEST_DOCTOR, .apply = { ID("") } },
        { 1, REQUEST_ARTIFACTS,
          .artifacts = { ARTIFACTS_EMPTY, "store", "key", "v", "k\nv", true } },
    };
    assert_int_equal(COUNT(requests), REQUEST_KIND_COUNT);
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT(requests); i++) {
        struct message message = { MESSAGE_REQUEST, .request = requests[i] };
        assert_true(wire_request_check(&requests[i], &f->err));
        message_round_trip(f, &message);
    }
}

static const struct reason sample_reasons[] = {
    { REASON_RUNNING, "stage", "action", "region", "worker", "text", "fix", 1, 2 },
};
static const struct region_summary sample_regions[] = {
    { "region", "store-a, store-b", true, 1, 2, 3, 4, 5, 6, 7, 8 },
};
static const struct turn_change sample_turn_changes[] = {
    { "execution/pipe/0000000000000001/exec", true, true, { (const uint8_t *)"e", 1 }, 1 },
};
static const struct resource_summary sample_resources[] = {
    { RESOURCE_GROUP, "app/group", 1, 2, "who" },
};
static const struct custom_job sample_custom_jobs[] = {
    { ID("job"), ID("nonce"), ID("exec"), CUSTOM_QUEUED, "Test/Tool/1", "pipe", "stage", "action",
      "rev", "go on", "ext-1", "who", 40, 1, sample_named, COUNT(sample_named), sample_artifacts,
      COUNT(sample_artifacts) },
};
static const struct preview_change sample_changes[] = {
    { PREVIEW_CHANGE, "stage", "action", "region", "before", "after" },
};
static const struct preview_step sample_steps[] = {
    { "stage", "action", "region", "CodeDeploy", 1, 2, 3, 4, "note" },
};
static const struct finding sample_findings[] = {
    { FINDING_BAD, "store bucket", "text", "fix" },
};
static const struct stored_object sample_objects[] = {
    { "key", "version", 1, 2, { 3 }, true, true, "execution" },
};
static const struct transition_record sample_transitions[] = {
    { "pipe", "stage", true, "reason", "who", 1 },
    { "pipe", "stage-2", true, "reason-2", "who-2", 2 },
};

static void a_reply_comes_back_as_it_was(void **state)
{
    static const uint8_t text[] = "pipeline: {}";
    static const struct message message = {
        MESSAGE_REPLY,
        .reply = {
            .token = 1,
            .kind = REQUEST_STATUS,
            .failure = { ERR_DENIED, "what", "cause", "fix" },
            .problems = sample_problems,
            .problem_count = COUNT(sample_problems),
            .name = "name",
            .resource = "deploymentGroup",
            .version = 2,
            .changed = true,
            .execution = ID("exec"),
            .seq = 3,
            .pipelines = sample_pipelines,
            .pipeline_count = COUNT(sample_pipelines),
            .workers = sample_workers,
            .worker_count = COUNT(sample_workers),
            .executions = sample_views,
            .execution_count = COUNT(sample_views),
            .events = sample_events,
            .event_count = COUNT(sample_events),
            .log = { 1, 2, { text, 3 }, true, "cause" },
            .grant = { "https://host/", "pin", 4 },
            .document = { text, sizeof text },
            .region = "region",
            .transitions = sample_transitions,
            .transition_count = COUNT(sample_transitions),
            .dropped = 5,
            .reasons = sample_reasons,
            .reason_count = COUNT(sample_reasons),
            .regions = sample_regions,
            .region_count = COUNT(sample_regions),
            .plan_changes = sample_changes,
            .plan_change_count = COUNT(sample_changes),
            .plan_steps = sample_steps,
            .plan_step_count = COUNT(sample_steps),
            .findings = sample_findings,
            .finding_count = COUNT(sample_findings),
            .objects = sample_objects,
            .object_count = COUNT(sample_objects),
            .next = "key\nversion",
            .resources = sample_resources,
            .resource_count = COUNT(sample_resources),
            .jobs = sample_custom_jobs,
            .job_count = COUNT(sample_custom_jobs),
        },
    };
    message_round_trip(*state, &message);
}

static void every_record_comes_back_under_its_key(void **state)
{
    static const uint8_t data[] = "signed \0 bytes";
    static const struct record records[] = {
        { RECORD_EPOCH, .epoch = { 1 } },
        { RECORD_DEFINITION, .definition = { "pipe", 1, 2, "who", { data, sizeof data }, NULL } },
        { RECORD_EXECUTION, .execution = EXECUTION },
        { RECORD_JOB, .job = JOB_STATE(0, 0) },
        { RECORD_SOURCE, .source = { "pipe", "action", "rev" } },
        { RECORD_SUBMISSION, .submission = { "client", ID("s"), ID("exec"), 1 } },
        { RECORD_EVENT, .event = EVENT },
        { RECORD_WORKER, .worker = { "web-1", ID("inc"), true, "ana", "why", 1 } },
        { RECORD_SELF, .self = { ID("inc"), 1 } },
        { RECORD_ROW,
          .row = {
              .row = { ID("job"), 1, { 2, 3 }, ROW_ENDED },
              .signed_job = { data, sizeof data },
              .accepted_boot_ms = 4,
              .accepted_ms = 5,
              .boot = ID("boot"),
              .step = 6,
              .ordered_run = 1,
              .free_runs = 2,
              .run = 7,
              .step_state = STEP_DONE,
              .cancel = true,
              .events = { { EVENT_INSTALL, STATUS_FAILED, 8, 9 } },
              .event_count = 1,
              .files = 10,
              .idle_events = UINT64_C(1) << 40,
              .released = true,
              .result = { ID("job"), 1, { 2, 3 }, STATUS_FAILED, sample_reports, 2, EVENT_INSTALL,
                          DIAGNOSTICS, "version", 4, COPY_WAY_WHOLE, "note", 5, sample_artifacts, 1, sample_named, 1 },
          } },
        { RECORD_TARGET, .target = { "deploy:a/b", { 1, 2 }, ID("d-1") } },
        { RECORD_TRANSITION, .transition = { "pipe", "stage", true, "reason", "who", 1 } },
        { RECORD_RESOURCE,
          .resource = { RESOURCE_GROUP, "app/prod", 2, 3, "who", { data, sizeof data }, NULL } },
        { RECORD_HOST,
          .host = { "deploy:app/prod", "web-1", STATUS_FAILED, ID("d-1"), "v1", { 1, 2 }, 3 } },
        { RECORD_ALARM, .alarm = { "errors-high", true, "reason", "who", 1 } },
        { RECORD_TURN, .turn = { ID("exec"), 1, 2, true, sample_turn_changes, 1 } },
    };
    assert_int_equal(COUNT(records), RECORD_KIND_COUNT);
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT(records); i++) {
        struct record out;
        char key[RECORD_KEY_SIZE];
        record_key(&records[i], key);
        buf_clear(&f->buf);
        wire_record_encode(&records[i], &f->buf);
        if (!wire_record_decode(key, buf_bytes(&f->buf), &f->arena, &out, &f->err))
            fail_msg("%s", f->err.text);
        assert_int_equal(out.kind, records[i].kind);
        const struct wire_type *type = wire_record_variants[out.kind].type;
        if (out.kind != RECORD_JOB) assert_all_members_travel(type, &records[i].epoch);
        assert_same(type, (const uint8_t *)&records[i].epoch, (const uint8_t *)&out.epoch);
    }
}

static void the_end_of_an_execution_is_read_without_decoding(void **state)
{
    struct fixture *f = *state;
    struct record record = { RECORD_EXECUTION, .execution = EXECUTION };
    for (unsigned status = 0; status < STATUS_COUNT; status++) {
        record.execution.status = (enum status)status;
        buf_clear(&f->buf);
        wire_record_encode(&record, &f->buf);
        assert_int_equal(wire_execution_ended(buf_bytes(&f->buf)),
                         status_ended((enum status)status));
    }
    record.execution.status = STATUS_SUCCEEDED;
    buf_clear(&f->buf);
    wire_record_encode(&record, &f->buf);
    size_t ended = 0;
    for (size_t len = 0; len < f->buf.len; len++) /* cut: what cannot be read has not ended */
        ended += wire_execution_ended(bytes_of(f->buf.data, len));
    assert_int_equal(ended, 0);
    for (size_t i = 0; i < f->buf.len; i++) {
        uint8_t was = f->buf.data[i];
        for (unsigned other = 0; other < 256; other++) {
            f->buf.data[i] = (uint8_t)other;
            (void)wire_execution_ended(buf_bytes(&f->buf));
        }
        f->buf.data[i] = was;
    }
    const struct record submission = { RECORD_SUBMISSION,
                                       .submission = { "client", ID("s"), ID("exec"), 1 } };
    buf_clear(&f->buf);
    wire_record_encode(&submission, &f->buf);
    assert_false(wire_execution_ended(buf_bytes(&f->buf)));
}

/* Every list full and every text as long as it may be: an operator's definition cannot break us. */
static void the_largest_job_can_be_signed_and_kept(void **state)
{
    struct fixture *f = *state;
    static char url[WIRE_URL_MAX + 1], key[WIRE_KEY_MAX + 1], name[WIRE_NAME_MAX + 1],
        value[WIRE_VARIABLE_MAX + 1], text[WIRE_BUILDSPEC_MAX + 1];
    memset(url, 'u', WIRE_URL_MAX);
    memset(key, 'k', WIRE_KEY_MAX);
    memset(name, 'n', WIRE_NAME_MAX);
    memset(value, 'v', WIRE_VARIABLE_MAX);
    memset(text, 's', WIRE_BUILDSPEC_MAX);
    const struct grant grant = { url, name, UINT64_MAX };
    const struct artifact_ref ref = { name, key, key, key, UINT64_MAX, { 1 }, true };
    struct job_artifact artifacts[WIRE_BUILD_ARTIFACTS_MAX];
    struct job_variable variables[WIRE_VARIABLES_MAX];
    for (size_t i = 0; i < WIRE_BUILD_ARTIFACTS_MAX; i++)
        artifacts[i] = (struct job_artifact){ name, ref, grant };
    for (size_t i = 0; i < WIRE_VARIABLES_MAX; i++)
        variables[i] = (struct job_variable){ name, value, true };
    struct step_spec spec = { .kind = STEP_BUILD, .run = 1, .job = sample_job }, out;
    spec.job.inputs = spec.job.outputs = artifacts;
    spec.job.input_count = spec.job.output_count = WIRE_BUILD_ARTIFACTS_MAX;
    spec.job.variables = variables;
    spec.job.variable_count = WIRE_VARIABLES_MAX;
    spec.job.input = spec.job.output = spec.job.log = ref;
    spec.job.read = spec.job.write = spec.job.log_write = grant;
    spec.job.buildspec = text;
    const struct parts_grant parts = { url, bytes_of(text, (size_t)WIRE_PARTS_MAX * SHA256_SIZE), 1,
                                       url, url };
    spec.job.parts = &parts;
    spec.job.parts_count = 1;
    wire_job_encode(&spec.job, &f->buf);
    buf_clear(&f->buf);
    wire_step_spec_encode(&spec, &f->buf);
    assert_true(wire_step_spec_decode(buf_bytes(&f->buf), &f->arena, &out, &f->err));
    assert_int_equal(strlen(out.job.buildspec), WIRE_BUILDSPEC_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_job_comes_back_as_it_was),
        TEST(the_largest_job_can_be_signed_and_kept),
        TEST(a_cancel_comes_back_as_it_was),
        TEST(a_resume_comes_back_as_it_was),
        TEST(a_resume_without_a_verb_is_refused),
        TEST(a_step_spec_comes_back_as_it_was),
        TEST(a_step_outcome_comes_back_as_it_was),
        TEST(every_worker_message_comes_back_as_it_was),
        TEST(every_request_comes_back_as_it_was),
        TEST(a_reply_comes_back_as_it_was),
        TEST(every_record_comes_back_under_its_key),
        TEST(the_end_of_an_execution_is_read_without_decoding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
