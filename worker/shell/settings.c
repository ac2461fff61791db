#include "shell/settings.h"

#include "io/keys.h"

#include <stddef.h>

static const struct config_field fields[] = {
    { "name", CONFIG_TEXT, offsetof(struct settings, name), .required = true },
    { "region", CONFIG_TEXT, offsetof(struct settings, region), .required = true },
    { "coordinator", CONFIG_TEXT, offsetof(struct settings, coordinator), .required = true },
    { "coordinatorKey", CONFIG_PATH, offsetof(struct settings, coordinator_key), .required = true },
    { "key", CONFIG_PATH, offsetof(struct settings, key), .required = true },
    { "state", CONFIG_PATH, offsetof(struct settings, state), .required = true },
    { "root", CONFIG_PATH, offsetof(struct settings, root), .required = true },
    { "revisions", CONFIG_UNSIGNED, offsetof(struct settings, revisions_max), .fallback = "5",
      .min = 1, .max = 1000 },
    { "secrets", CONFIG_PATH, offsetof(struct settings, secrets), .required = false },
    { "revisionsSize", CONFIG_SIZE, offsetof(struct settings, revisions_bytes_max),
      .min = 1 << 20 },
    { "buildMemory", CONFIG_SIZE, offsetof(struct settings, build_memory_max), .min = 16 << 20 },
    { "transferRate", CONFIG_SIZE, offsetof(struct settings, transfer_rate_max), .min = 16 << 10 },
    { "deltaMemory", CONFIG_SIZE, offsetof(struct settings, delta_memory_max),
      .fallback = "256 MiB", .min = 128 << 20 },
    { "log", CONFIG_TEXT, offsetof(struct settings, log_level), .fallback = "info" },
    { .name = NULL }
};

NODISCARD static bool check(const char *file, struct settings *settings, struct error *err)
{
    if (!keys_name_valid(settings->name))
        return error_set(err, ERR_INVALID, "%s: name: '%s' is no worker name", file,
                         settings->name);
    if (!keys_region_valid(settings->region))
        return error_set(err, ERR_INVALID, "%s: region: '%s' is no region name", file,
                         settings->region);
    if (!log_level_parse(settings->log_level, &settings->log))
        return error_set(err, ERR_INVALID, "%s: log: must be error, warning, info or debug", file);
    return true;
}

bool settings_load(const char *file, struct settings *out, struct error *err)
{
    struct settings settings = { 0 };
    if (!config_load(file, fields, &settings, &settings.config, err)) return false;
    if (!check(file, &settings, err)) {
        settings_deinit(&settings);
        return false;
    }
    *out = settings;
    return true;
}

void settings_deinit(struct settings *settings)
{
    config_close(settings->config);
    *settings = (struct settings){ 0 };
}
