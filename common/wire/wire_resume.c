#include "wire/wire.h"
#include "wire/wire_codec.h"

#include "resume.pb-c.h"

#include <assert.h>

SAME(RESUME_NONE, MERIDIAN__RESUME_VERB__RESUME_VERB_NONE);
SAME(RESUME_RERUN, MERIDIAN__RESUME_VERB__RESUME_VERB_RERUN);
SAME(RESUME_SKIP, MERIDIAN__RESUME_VERB__RESUME_VERB_SKIP);
SAME(RESUME_GO_ON, MERIDIAN__RESUME_VERB__RESUME_VERB_GO_ON);

static const struct wire_field step_key_fields[] = {
    FIELD(step_key, StepKey, key, WIRE_MESSAGE, .type = &wire_job_key),
    FIELD(step_key, StepKey, step, WIRE_U32),
    FIELD(step_key, StepKey, run, WIRE_U32),
};
const struct wire_type wire_step_key = TYPE(step_key, step_key);

static const struct wire_field interrupted_fields[] = {
    FIELD(interrupted, Interrupted, at, WIRE_MESSAGE, .type = &wire_step_key),
    FIELD(interrupted, Interrupted, report, WIRE_MESSAGE, .type = &wire_lifecycle_report),
    FIELD(interrupted, Interrupted, diagnostics, WIRE_MESSAGE, .type = &wire_diagnostics,
          .optional = true),
};
const struct wire_type wire_interrupted = TYPE(interrupted, interrupted);

static const struct wire_field resume_fields[] = {
    FIELD(resume, Resume, at, WIRE_MESSAGE, .type = &wire_step_key),
    FIELD(resume, Resume, verb, WIRE_ENUM, .max = RESUME_VERB_COUNT),
    FIELD(resume, Resume, worker, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(resume, Resume, incarnation, WIRE_ID),
    FIELD(resume, Resume, epoch, WIRE_U64),
};
const struct wire_type wire_resume = TYPE(resume, resume);

static const struct wire_field signed_resume_fields[] = {
    FIELD(signed_resume, SignedResume, signed_resume, WIRE_BYTES, .max = WIRE_SIGNED_MAX),
    FIELD(signed_resume, SignedResume, signature, WIRE_FIXED, .max = SIGNATURE_SIZE),
};
const struct wire_type wire_signed_resume = TYPE(signed_resume, signed_resume);

static const struct wire_field interruption_fields[] = {
    FIELD(interruption, Interruption, step, WIRE_U32),
    FIELD(interruption, Interruption, run, WIRE_U32),
    FIELD(interruption, Interruption, verb, WIRE_ENUM, .max = RESUME_VERB_COUNT),
    FIELD(interruption, Interruption, obeyed, WIRE_BOOL),
    FIELD(interruption, Interruption, held, WIRE_BOOL),
};
const struct wire_type wire_interruption = TYPE(interruption, interruption);

static const struct wire_field resume_request_fields[] = {
    FIELD(resume_request, ResumeRequest, submission, WIRE_ID),
    FIELD(resume_request, ResumeRequest, pipeline, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(resume_request, ResumeRequest, execution, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(resume_request, ResumeRequest, action, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(resume_request, ResumeRequest, worker, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(resume_request, ResumeRequest, verb, WIRE_ENUM, .max = RESUME_VERB_COUNT),
};
const struct wire_type wire_resume_request = TYPE(resume_request, resume_request);

void wire_resume_encode(const struct resume *resume, struct buf *out)
{
    bool fits = wire_encode_type(&wire_resume, resume, WIRE_SIGNED_MAX, out);
    assert(fits);
}

bool wire_resume_decode(struct bytes from, struct arena *arena, struct resume *out,
                        struct error *err)
{
    if (!wire_decode_type(&wire_resume, from, arena, out, err)) return false;
    if (out->verb != RESUME_NONE) return true;
    return error_set(err, ERR_INVALID, "resume: it says neither to rerun nor to skip");
}
