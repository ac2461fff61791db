#include "wire/wire_codec.h"

#include "store.pb-c.h"

#define X(name, text) SAME(FINDING_##name, MERIDIAN__FINDING_LEVEL__FINDING_LEVEL_##name);
FINDING_LEVELS(X)
#undef X
#define X(name, text) SAME(ARTIFACTS_##name, MERIDIAN__ARTIFACTS_VERB__ARTIFACTS_VERB_##name);
ARTIFACTS_VERBS(X)
#undef X

static const struct wire_field finding_fields[] = {
    FIELD(finding, Finding, level, WIRE_ENUM, .max = FINDING_LEVEL_COUNT),
    FIELD(finding, Finding, subject, WIRE_FREE_TEXT, .max = WIRE_TARGET_MAX),
    FIELD(finding, Finding, text, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    FIELD(finding, Finding, fix, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
};
const struct wire_type wire_finding = TYPE(finding, finding);

static const struct wire_field artifacts_request_fields[] = {
    FIELD(artifacts_request, ArtifactsRequest, verb, WIRE_ENUM, .max = ARTIFACTS_VERB_COUNT),
    FIELD(artifacts_request, ArtifactsRequest, store, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(artifacts_request, ArtifactsRequest, key, WIRE_TEXT, .max = WIRE_KEY_MAX),
    FIELD(artifacts_request, ArtifactsRequest, version_id, WIRE_TEXT, .max = WIRE_KEY_MAX),
    FIELD(artifacts_request, ArtifactsRequest, after, WIRE_FREE_TEXT, .max = WIRE_AFTER_MAX),
    FIELD(artifacts_request, ArtifactsRequest, force, WIRE_BOOL),
};
const struct wire_type wire_artifacts_request = TYPE(artifacts_request, artifacts_request);

static const struct wire_field stored_object_fields[] = {
    FIELD(stored_object, StoredObject, key, WIRE_FREE_TEXT, .max = WIRE_KEY_MAX),
    FIELD(stored_object, StoredObject, version_id, WIRE_TEXT, .max = WIRE_KEY_MAX),
    FIELD(stored_object, StoredObject, size, WIRE_U64),
    FIELD(stored_object, StoredObject, modified_ms, WIRE_U64),
    FIELD(stored_object, StoredObject, sha256, WIRE_FIXED, .max = SHA256_SIZE),
    FIELD(stored_object, StoredObject, newest, WIRE_BOOL),
    FIELD(stored_object, StoredObject, marker, WIRE_BOOL),
    FIELD(stored_object, StoredObject, needed, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
};
const struct wire_type wire_stored_object = TYPE(stored_object, stored_object);
