#include "client/settings.h"

#include "io/config.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

struct file_settings {
    const char *coordinator, *coordinator_key, *key;
};

NODISCARD static bool set(char *out, size_t size, const char *name, const char *value,
                          struct error *err)
{
    if (!value || !value[0]) return true;
    return text_copy(out, size, value) || error_set(err, ERR_INVALID, "%s is too long", name);
}

NODISCARD static bool set_all(struct settings *out, const char *coordinator,
                              const char *coordinator_key, const char *key, struct error *err)
{
    return set(out->coordinator, sizeof out->coordinator, "coordinator", coordinator, err) &&
           set(out->coordinator_key, sizeof out->coordinator_key, "coordinatorKey", coordinator_key,
               err) &&
           set(out->key, sizeof out->key, "key", key, err);
}

NODISCARD static bool read_file(const char *path, bool required, struct settings *out,
                                struct error *err)
{
    static const struct config_field fields[] = {
        { "coordinator", CONFIG_TEXT, offsetof(struct file_settings, coordinator),
          .required = false },
        { "coordinatorKey", CONFIG_PATH, offsetof(struct file_settings, coordinator_key),
          .required = false },
        { "key", CONFIG_PATH, offsetof(struct file_settings, key), .required = false },
        { .name = NULL }
    };
    if (!required && !fs_exists(path)) return true;
    struct file_settings file = { NULL, NULL, NULL };
    AUTO(auto_config_close) struct config *config = NULL;
    return config_load(path, fields, &file, &config, err) &&
           set_all(out, file.coordinator, file.coordinator_key, file.key, err);
}

/* $VARIABLE/meridian/name or $HOME/fallback/meridian/name; an empty out when neither is set. */
NODISCARD static bool home_path(const char *variable, const char *fallback, const char *name,
                                char out[FS_PATH_MAX], struct error *err)
{
    const char *base = getenv(variable), *home = getenv("HOME");
    int len = 0;
    out[0] = '\0';
    /* The XDG specification: a relative value is as good as none. */
    if (base && base[0] == '/')
        len = snprintf(out, FS_PATH_MAX, "%s/meridian/%s", base, name);
    else if (home && home[0])
        len = snprintf(out, FS_PATH_MAX, "%s/%s/meridian/%s", home, fallback, name);
    if (len < FS_PATH_MAX) return true;
    return error_set(err, ERR_INVALID, "$%s is too long", base ? variable : "HOME");
}

bool settings_state_folder(const char *name, char out[FS_PATH_MAX], struct error *err)
{
    if (!home_path("XDG_STATE_HOME", ".local/state", name, out, err)) return false;
    return out[0] ||
           error_set(err, ERR_INVALID, "neither $XDG_STATE_HOME nor $HOME says where to write");
}

NODISCARD static bool read_files(const struct options *options, struct settings *out,
                                 struct error *err)
{
    const char *named = options->text[OPTION_CONFIG];
    char path[FS_PATH_MAX];
    if (!named) named = getenv("MERIDIAN_CONFIG");
    if (named && named[0]) return read_file(named, true, out, err);
    if (!read_file("/etc/meridian/client.yml", false, out, err)) return false;
    if (!home_path("XDG_CONFIG_HOME", ".config", "config.yml", path, err)) return false;
    return !path[0] || read_file(path, false, out, err);
}

bool settings_load(const struct options *options, struct settings *out, struct error *err)
{
    struct settings settings = { .coordinator = "" };
    if (!read_files(options, &settings, err)) return false;
    if (!set_all(&settings, getenv("MERIDIAN_COORDINATOR"), getenv("MERIDIAN_COORDINATOR_KEY"),
                 getenv("MERIDIAN_KEY"), err))
        return error_wrap(err, "environment");
    if (!set_all(&settings, options->text[OPTION_COORDINATOR],
                 options->text[OPTION_COORDINATOR_KEY], options->text[OPTION_KEY], err))
        return false;
    const char *missing = NULL;
    if (!settings.coordinator[0])
        missing = "coordinator (tcp://HOST:PORT)";
    else if (!settings.coordinator_key[0])
        missing = "coordinatorKey (the file coordinator.pub)";
    else if (!settings.key[0])
        missing = "key (the file client-NAME.key)";
    if (missing) return error_set(err, ERR_INVALID, "nothing sets %s", missing);
    *out = settings;
    return true;
}
