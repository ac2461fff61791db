#include "wire/wire.h"
#include "wire/wire_codec.h"

#include "client.pb-c.h"
#include "record.pb-c.h"

#include <assert.h>

#define X(name, text) SAME(RESOURCE_##name, MERIDIAN__RESOURCE_KIND__RESOURCE_KIND_##name);
RESOURCE_KINDS(X)
#undef X

static const struct wire_field resource_record_fields[] = {
    FIELD(resource_record, ResourceRecord, kind, WIRE_ENUM, .max = RESOURCE_KIND_COUNT),
    FIELD(resource_record, ResourceRecord, name, WIRE_TEXT, .max = WIRE_TARGET_MAX),
    FIELD(resource_record, ResourceRecord, version, WIRE_U32),
    FIELD(resource_record, ResourceRecord, created_ms, WIRE_U64),
    FIELD(resource_record, ResourceRecord, updated_by, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(resource_record, ResourceRecord, text, WIRE_DOCUMENT, .max = WIRE_DOCUMENT_MAX),
};
const struct wire_type wire_resource_record = TYPE(resource_record, resource_record);

static const struct wire_field host_record_fields[] = {
    FIELD(host_record, HostRecord, target, WIRE_TEXT, .max = WIRE_TARGET_MAX),
    FIELD(host_record, HostRecord, worker, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(host_record, HostRecord, status, WIRE_ENUM, .max = STATUS_COUNT),
    FIELD(host_record, HostRecord, deployment, WIRE_ID_OR_NONE),
    FIELD(host_record, HostRecord, revision, WIRE_TEXT, .max = WIRE_KEY_MAX),
    FIELD(host_record, HostRecord, sha256, WIRE_FIXED, .max = SHA256_SIZE),
    FIELD(host_record, HostRecord, ended_ms, WIRE_U64),
};
const struct wire_type wire_host_record = TYPE(host_record, host_record);

static const struct wire_field alarm_record_fields[] = {
    FIELD(alarm_record, AlarmRecord, name, WIRE_TEXT, .max = WIRE_TARGET_MAX),
    FIELD(alarm_record, AlarmRecord, raised, WIRE_BOOL),
    FIELD(alarm_record, AlarmRecord, reason, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
    FIELD(alarm_record, AlarmRecord, changed_by, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(alarm_record, AlarmRecord, changed_ms, WIRE_U64),
};
const struct wire_type wire_alarm_record = TYPE(alarm_record, alarm_record);

static const struct wire_field alarm_request_fields[] = {
    FIELD(alarm_request, AlarmRequest, name, WIRE_TEXT, .max = WIRE_TARGET_MAX),
    FIELD(alarm_request, AlarmRequest, raise, WIRE_BOOL),
    FIELD(alarm_request, AlarmRequest, reason, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
};
const struct wire_type wire_alarm_request = TYPE(alarm_request, alarm_request);
