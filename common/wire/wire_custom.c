#include "wire/wire_codec.h"

#include "client.pb-c.h"

#define X(name, text) SAME(CUSTOM_##name, MERIDIAN__CUSTOM_STATUS__CUSTOM_STATUS_##name);
CUSTOM_STATUSES(X)
#undef X
SAME(CUSTOM_POLL, MERIDIAN__CUSTOM_VERB__CUSTOM_VERB_POLL);
SAME(CUSTOM_ACKNOWLEDGE, MERIDIAN__CUSTOM_VERB__CUSTOM_VERB_ACKNOWLEDGE);
SAME(CUSTOM_SUCCEED, MERIDIAN__CUSTOM_VERB__CUSTOM_VERB_SUCCEED);
SAME(CUSTOM_FAIL, MERIDIAN__CUSTOM_VERB__CUSTOM_VERB_FAIL);

static const struct wire_field custom_state_fields[] = {
    FIELD(custom_state, CustomState, status, WIRE_ENUM, .max = CUSTOM_STATUS_COUNT),
    FIELD(custom_state, CustomState, job, WIRE_ID_OR_NONE),
    FIELD(custom_state, CustomState, nonce, WIRE_ID_OR_NONE),
    FIELD(custom_state, CustomState, dispatched_ms, WIRE_U64),
    FIELD(custom_state, CustomState, percent, WIRE_U32),
    FIELD(custom_state, CustomState, continuation, WIRE_FREE_TEXT, .max = CUSTOM_CONTINUATION_MAX),
    FIELD(custom_state, CustomState, external_id, WIRE_FREE_TEXT, .max = CUSTOM_EXTERNAL_ID_MAX),
};
const struct wire_type wire_custom_state = TYPE(custom_state, custom_state);

static const struct wire_field custom_request_fields[] = {
    FIELD(custom_request, CustomRequest, submission, WIRE_ID),
    FIELD(custom_request, CustomRequest, verb, WIRE_ENUM, .max = CUSTOM_VERB_COUNT),
    FIELD(custom_request, CustomRequest, type, WIRE_TEXT, .max = WIRE_TARGET_MAX),
    FIELD(custom_request, CustomRequest, max, WIRE_U32),
    FIELD(custom_request, CustomRequest, job, WIRE_ID_OR_NONE),
    FIELD(custom_request, CustomRequest, nonce, WIRE_ID_OR_NONE),
    FIELD(custom_request, CustomRequest, continuation, WIRE_TEXT, .max = CUSTOM_CONTINUATION_MAX),
    FIELD(custom_request, CustomRequest, summary, WIRE_FREE_TEXT, .max = CUSTOM_MESSAGE_MAX),
    FIELD(custom_request, CustomRequest, external_id, WIRE_TEXT, .max = CUSTOM_EXTERNAL_ID_MAX),
    FIELD(custom_request, CustomRequest, percent, WIRE_U32),
    COUNTED(custom_request, CustomRequest, pairs, pair_count, WIRE_LIST, .type = &wire_variable,
            .max = WIRE_VARIABLES_MAX),
};
const struct wire_type wire_custom_request = TYPE(custom_request, custom_request);

static const struct wire_field custom_view_request_fields[] = {
    FIELD(custom_view_request, CustomViewRequest, job, WIRE_ID),
};
const struct wire_type wire_custom_view_request = TYPE(custom_view_request, custom_view_request);

static const struct wire_field custom_job_fields[] = {
    FIELD(custom_job, CustomJob, job, WIRE_ID_OR_NONE),
    FIELD(custom_job, CustomJob, nonce, WIRE_ID_OR_NONE),
    FIELD(custom_job, CustomJob, execution, WIRE_ID_OR_NONE),
    FIELD(custom_job, CustomJob, status, WIRE_ENUM, .max = CUSTOM_STATUS_COUNT),
    FIELD(custom_job, CustomJob, type, WIRE_TEXT, .max = WIRE_TARGET_MAX),
    FIELD(custom_job, CustomJob, pipeline, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(custom_job, CustomJob, stage, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(custom_job, CustomJob, action, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(custom_job, CustomJob, revision, WIRE_TEXT, .max = WIRE_KEY_MAX),
    FIELD(custom_job, CustomJob, continuation, WIRE_TEXT, .max = CUSTOM_CONTINUATION_MAX),
    FIELD(custom_job, CustomJob, external_id, WIRE_TEXT, .max = CUSTOM_EXTERNAL_ID_MAX),
    FIELD(custom_job, CustomJob, holder, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(custom_job, CustomJob, percent, WIRE_U32),
    FIELD(custom_job, CustomJob, deadline_ms, WIRE_U64),
    COUNTED(custom_job, CustomJob, settings, setting_count, WIRE_LIST, .type = &wire_variable,
            .max = CUSTOM_SETTINGS_MAX),
    COUNTED(custom_job, CustomJob, inputs, input_count, WIRE_LIST, .type = &wire_job_artifact,
            .max = WIRE_BUILD_ARTIFACTS_MAX),
};
const struct wire_type wire_custom_job = TYPE(custom_job, custom_job);
