/* custom_type.h - a custom action type as plain data (AWS: CreateCustomActionType).
 *
 * A resource (group.h) of the name "CATEGORY/PROVIDER/VERSION"; the shell reads it
 * (shell/definition_custom.c). A version is never changed while it is in use: what would break
 * pipelines is applied as another version, as with AWS.
 */
#pragma once
#include "wire/messages.h"

enum { CUSTOM_PROPERTIES_MAX = 10, CUSTOM_ARTIFACTS_MAX = 5 };

struct custom_property {
    const char *name;
    bool required, key, secret, queryable;
};

struct custom_type {
    const char *category, *provider, *version;
    const struct custom_property *properties;
    size_t property_count;
    uint32_t inputs_min, inputs_max;
};
