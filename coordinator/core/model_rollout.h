/* model_rollout.h - deployment groups and configurations, how hosts stand, alarms, in the model.
 * Included through core/model.h only.
 */
#pragma once
#include "base/list.h"
#include "core/group.h"

enum {
    MODEL_RESOURCES_MAX = 10000,
    MODEL_ALARMS_MAX = 1000,
    MODEL_RESOURCE_KEY_SIZE = WIRE_TARGET_MAX + 32,
    MODEL_HOST_KEY_SIZE = WIRE_TARGET_MAX + WIRE_NAME_MAX + 2
};

struct coordinator;
struct model_worker;

struct model_resource {
    struct list link;                  /* by kind and name */
    char key[MODEL_RESOURCE_KEY_SIZE]; /* "KIND/NAME" */
    struct resource_record state;      /* parsed: owned */
};

struct model_host {
    struct list link;              /* by age */
    char key[MODEL_HOST_KEY_SIZE]; /* "TARGET/WORKER" */
    struct host_record state;
};

struct model_alarm {
    struct list link; /* by age */
    struct alarm_record state;
};

struct model_resource *model_resource_find(const struct coordinator *c, enum resource_kind kind,
                                           const char *name);
/* Copies `from`, takes `parsed`; what had that name is replaced. */
struct model_resource *model_resource_set(struct coordinator *c, const struct resource_record *from,
                                          struct deploy_resource *parsed);
/* NULL when it was not applied. */
const struct deployment_group *model_group(const struct coordinator *c, const char *application,
                                           const char *group);
/* AWS's own and those that were applied; NULL for others. */
const struct deployment_config *model_config(const struct coordinator *c, const char *name);

/* NULL: no deployment of that target has ended there. */
const struct model_host *model_host_find(const struct coordinator *c, const char *target,
                                         const char *worker);
void model_host_set(struct coordinator *c, const struct host_record *from);

const struct model_alarm *model_alarm_find(const struct coordinator *c, const char *name);
void model_alarm_set(struct coordinator *c, const struct alarm_record *from);

/* True when the worker has other tags now. */
bool model_tags(struct model_worker *w, const struct host_tag *tags, size_t count);
void model_tags_free(struct model_worker *w);
/* "" when it has none of that key. */
const char *model_tag(const struct model_worker *w, const char *key);

void model_rollout_deinit(struct coordinator *c);
