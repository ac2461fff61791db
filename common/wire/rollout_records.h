/* rollout_records.h - what deployments to groups of hosts remember: CodeDeploy's resources as they
 * were applied, how each host stands, and alarms.
 * Included through wire/messages.h only.
 */
#pragma once
#include "wire/execution.h"

#define RESOURCE_KINDS(X)                                                                          \
    X(APPLICATION, "application")                                                                  \
    X(GROUP, "deploymentGroup")                                                                    \
    X(CONFIG, "deploymentConfig")                                                                  \
    X(ACTION_TYPE, "customActionType")

enum resource_kind {
#define X(name, text) RESOURCE_##name,
    RESOURCE_KINDS(X)
#undef X
};
#define RESOURCE_KIND_COUNT (RESOURCE_ACTION_TYPE + 1)
const char *resource_kind_name(enum resource_kind kind);

/* "resource/KIND/NAME": the name of a group is "APPLICATION/GROUP", of an action type
 * "CATEGORY/PROVIDER/VERSION". */
struct resource_record {
    enum resource_kind kind;
    const char *name;
    uint32_t version;
    uint64_t created_ms;
    const char *updated_by;
    struct bytes text;                    /* the document, JSON or YAML */
    const struct deploy_resource *parsed; /* not stored: made from text by the shell */
};

/* "host/TARGET/WORKER": the last deployment of a target that ended there, and what is there. */
struct host_record {
    const char *target, *worker;
    enum status status;
    struct id deployment;
    const char *revision;        /* of the last one that succeeded; "" none has */
    uint8_t sha256[SHA256_SIZE]; /* its bundle's */
    uint64_t ended_ms;
};

/* "alarm/NAME": none is as good as one that is not raised. */
struct alarm_record {
    const char *name;
    bool raised;
    const char *reason, *changed_by;
    uint64_t changed_ms;
};
