/* group.h - deployment groups and configurations as plain data: which hosts belong, how many at
 * once.
 *
 * The shell reads CodeDeploy's JSON or YAML into these structures (shell/definition_group.c); the
 * rules are those of pipeline.md b2. A worker stands for an instance: its region and its tags come
 * from its enrolment. A group without any filter is every host of the action's region.
 *
 * Ownership: everything a resource points to lies in its own arena; resource_free() ends it.
 */
#pragma once
#include "core/custom_type.h"
#include "wire/messages.h"

enum { GROUP_FILTERS_MAX = 10, GROUP_SETS_MAX = 3, GROUP_ALARMS_MAX = 10 };

struct host_tag {
    const char *key, *value;
};

enum tag_filter_type { FILTER_KEY_AND_VALUE, FILTER_KEY_ONLY, FILTER_VALUE_ONLY };

struct tag_filter {
    enum tag_filter_type type;
    const char *key, *value;
};

/* One of its filters must fit. */
struct tag_set {
    const struct tag_filter *filters;
    size_t count;
};

/* All of its sets must fit; without sets it fits nothing. */
struct tag_selection {
    const struct tag_set *sets;
    size_t count;
};

enum rollback_event {
    ROLLBACK_ON_FAILURE = 1, /* DEPLOYMENT_FAILURE */
    ROLLBACK_ON_ALARM = 2,   /* DEPLOYMENT_STOP_ON_ALARM */
    ROLLBACK_ON_STOP = 4     /* DEPLOYMENT_STOP_ON_REQUEST */
};

struct deployment_group {
    const char *application, *name;
    const char *config; /* a configuration's name */
    struct tag_selection instances, on_premises;
    uint32_t rollback;    /* enum rollback_event, together */
    bool ignore_outdated; /* hosts that join while a deployment runs are left as they are */
    bool traffic_control; /* deploymentOption WITH_TRAFFIC_CONTROL */
    const char *const *alarms;
    size_t alarm_count; /* 0 when they are not enabled */
};

enum healthy_type { HEALTHY_COUNT, HEALTHY_PERCENT };

/* How many hosts must stay healthy, of all or of one zone. */
struct healthy_hosts {
    enum healthy_type type;
    uint32_t value;
};

enum config_rule { CONFIG_ALL_AT_ONCE, CONFIG_HALF_AT_A_TIME, CONFIG_ONE_AT_A_TIME, CONFIG_CUSTOM };

struct deployment_config {
    const char *name;
    enum config_rule rule;
    struct healthy_hosts healthy; /* of CONFIG_CUSTOM */
    bool zonal;                   /* zone after zone, a host's being its tag `zone` */
    struct healthy_hosts zone_healthy;
    uint32_t first_zone_monitor_s, zone_monitor_s;
};

struct application {
    const char *name;
};

struct deploy_resource {
    struct arena arena;
    enum resource_kind kind;
    const char *name;             /* "APPLICATION/GROUP" of a group */
    uint8_t meaning[SHA256_SIZE]; /* equal when two documents say the same */
    union {
        struct application application;
        struct deployment_group group;
        struct deployment_config config;
        struct custom_type custom;
    };
    struct problem config_missing; /* where a group's configuration is named */
};

struct deploy_resource *resource_new(void);
void resource_free(struct deploy_resource *resource);

bool group_fits(const struct deployment_group *group, const struct host_tag *tags, size_t count);
/* "CodeDeployDefault.OneAtATime", ...; NULL when it is none of AWS's own. */
const struct deployment_config *config_builtin(const char *name);
/* Of `hosts`, how many may be out of service at once; false when the configuration leaves none
 * (HEALTH_CONSTRAINTS_INVALID). Percentages are rounded up. */
NODISCARD bool config_spare(const struct deployment_config *config, size_t hosts, size_t *spare);
/* Likewise of one zone: at least 1, or a zone would never be done. */
size_t config_zone_spare(const struct deployment_config *config, size_t hosts);
