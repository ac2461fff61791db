#include "wire/wire_codec.h"

#include "ask.pb-c.h"

#define X(name, text) SAME(REASON_##name, MERIDIAN__REASON_CODE__REASON_CODE_##name);
REASONS(X)
#undef X
#define X(name, text) SAME(PREVIEW_##name, MERIDIAN__PREVIEW_OP__PREVIEW_OP_##name);
PREVIEW_OPS(X)
#undef X

static const struct wire_field reason_fields[] = {
    FIELD(reason, Reason, code, WIRE_ENUM, .max = REASON_COUNT),
    FIELD(reason, Reason, stage, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(reason, Reason, action, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(reason, Reason, region, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(reason, Reason, worker, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(reason, Reason, text, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    FIELD(reason, Reason, fix, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    FIELD(reason, Reason, since_ms, WIRE_U64),
    FIELD(reason, Reason, deadline_ms, WIRE_U64),
};
const struct wire_type wire_reason = TYPE(reason, reason);

static const struct wire_field drain_request_fields[] = {
    FIELD(drain_request, DrainRequest, submission, WIRE_ID),
    FIELD(drain_request, DrainRequest, worker, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(drain_request, DrainRequest, drain, WIRE_BOOL),
    FIELD(drain_request, DrainRequest, reason, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
};
const struct wire_type wire_drain_request = TYPE(drain_request, drain_request);

static const struct wire_field region_summary_fields[] = {
    FIELD(region_summary, RegionSummary, region, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(region_summary, RegionSummary, stores, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    FIELD(region_summary, RegionSummary, primary, WIRE_BOOL),
    FIELD(region_summary, RegionSummary, workers, WIRE_U32),
    FIELD(region_summary, RegionSummary, connected, WIRE_U32),
    FIELD(region_summary, RegionSummary, drained, WIRE_U32),
    FIELD(region_summary, RegionSummary, jobs, WIRE_U32),
    FIELD(region_summary, RegionSummary, artifacts, WIRE_U32),
    FIELD(region_summary, RegionSummary, copying, WIRE_U32),
    FIELD(region_summary, RegionSummary, artifact_bytes, WIRE_U64),
    FIELD(region_summary, RegionSummary, moved_bytes, WIRE_U64),
};
const struct wire_type wire_region_summary = TYPE(region_summary, region_summary);

static const struct wire_field preview_request_fields[] = {
    FIELD(preview_request, PreviewRequest, file, WIRE_FREE_TEXT, .max = WIRE_PATH_MAX),
    FIELD(preview_request, PreviewRequest, text, WIRE_DOCUMENT, .max = WIRE_DOCUMENT_MAX),
};
const struct wire_type wire_preview_request = TYPE(preview_request, preview_request);

static const struct wire_field preview_change_fields[] = {
    FIELD(preview_change, PreviewChange, op, WIRE_ENUM, .max = PREVIEW_OP_COUNT),
    FIELD(preview_change, PreviewChange, stage, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(preview_change, PreviewChange, action, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(preview_change, PreviewChange, what, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    FIELD(preview_change, PreviewChange, before, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    FIELD(preview_change, PreviewChange, after, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
};
const struct wire_type wire_preview_change = TYPE(preview_change, preview_change);

static const struct wire_field preview_step_fields[] = {
    FIELD(preview_step, PreviewStep, stage, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(preview_step, PreviewStep, action, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(preview_step, PreviewStep, region, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(preview_step, PreviewStep, provider, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(preview_step, PreviewStep, run_order, WIRE_U32),
    FIELD(preview_step, PreviewStep, hosts, WIRE_U32),
    FIELD(preview_step, PreviewStep, away, WIRE_U32),
    FIELD(preview_step, PreviewStep, bytes, WIRE_U64),
    FIELD(preview_step, PreviewStep, note, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
};
const struct wire_type wire_preview_step = TYPE(preview_step, preview_step);
