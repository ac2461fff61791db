#include "shell/settings.h"

#include "io/doc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ACTION_TIMEOUT_MINUTES = 60, ACTION_TIMEOUT_MINUTES_MAX = 7200 /* AWS: five days */ };

NODISCARD static bool text_setting(const struct doc_node *map, const char *key, char *out,
                                   size_t size, struct error *err)
{
    const char *text = "";
    if (!doc_get_text(map, key, DOC_REQUIRED, &text, err)) return false;
    if (text_copy(out, size, text)) return true;
    return doc_error(doc_get(map, key), err, "is longer than %zu bytes", size - 1);
}

/* Relative paths are relative to the configuration file's folder. */
NODISCARD static bool path_setting(const char *file, const struct doc_node *map, const char *key,
                                   char out[FS_PATH_MAX], struct error *err)
{
    const char *text = "";
    if (!doc_get_text(map, key, DOC_REQUIRED, &text, err)) return false;
    const char *slash = strrchr(file, '/');
    int folder = text[0] == '/' || !slash ? 0 : (int)(slash - file) + 1;
    int len = snprintf(out, FS_PATH_MAX, "%.*s%s", folder, file, text);
    if (len > 0 && len < FS_PATH_MAX) return true;
    return doc_error(doc_get(map, key), err, "makes a path longer than %d bytes", FS_PATH_MAX - 1);
}

NODISCARD static bool region_setting(const struct doc_node *map, char out[KEYS_REGION_SIZE],
                                     struct error *err)
{
    if (!text_setting(map, "region", out, KEYS_REGION_SIZE, err)) return false;
    if (keys_region_valid(out)) return true;
    return doc_error(doc_get(map, "region"), err, "is no region name (a-z, 0-9, '-')");
}

NODISCARD static bool read_listen(const struct doc_node *root, struct settings *out,
                                  struct error *err)
{
    static const char *const known[] = { "workers", "clients", NULL };
    const struct doc_node *map = NULL;
    return doc_get_map(root, "listen", DOC_REQUIRED, &map, err) && doc_only(map, known, err) &&
           text_setting(map, "workers", out->listen_workers, sizeof out->listen_workers, err) &&
           text_setting(map, "clients", out->listen_clients, sizeof out->listen_clients, err);
}

NODISCARD static bool read_artifacts(const struct doc_node *root, struct settings *out,
                                     struct error *err)
{
    static const char *const known[] = { "listen", "url", NULL };
    const struct doc_node *map = NULL;
    const char *url = NULL;
    char listen[SETTINGS_ADDRESS_SIZE];
    if (!doc_get_map(root, "artifacts", DOC_REQUIRED, &map, err) || !doc_only(map, known, err) ||
        !text_setting(map, "listen", listen, sizeof listen, err) ||
        !doc_get_text(map, "url", DOC_OPTIONAL, &url, err))
        return false;
    char *colon = strrchr(listen, ':'), *end = NULL;
    unsigned long port = colon ? strtoul(colon + 1, &end, 10) : 0;
    if (!colon || colon[1] < '0' || colon[1] > '9' || *end || port == 0 || port > UINT16_MAX)
        return doc_error(doc_get(map, "listen"), err, "must be ADDRESS:PORT, as 127.0.0.1:7780");
    *colon = '\0';
    memcpy(out->artifacts_address, listen, sizeof listen);
    out->artifacts_port = (uint16_t)port;
    if (!url) {
        snprintf(out->artifacts_url, sizeof out->artifacts_url, "https://%s:%lu", listen, port);
        return true;
    }
    if (!text_starts(url, "https://") ||
        !text_copy(out->artifacts_url, sizeof out->artifacts_url, url))
        return doc_error(doc_get(map, "url"), err, "must begin with https://");
    return true;
}

NODISCARD static bool read_store(const char *file, const struct doc_node *node,
                                 struct settings_store *out, struct error *err)
{
    static const char *const known[] = { "name", "region", "path", NULL };
    return doc_only(node, known, err) &&
           text_setting(node, "name", out->name, sizeof out->name, err) &&
           region_setting(node, out->region, err) &&
           path_setting(file, node, "path", out->path, err);
}

NODISCARD static bool read_stores(const char *file, const struct doc_node *root,
                                  struct settings *out, struct error *err)
{
    const struct doc_node *list = NULL;
    if (!doc_get_list(root, "stores", DOC_REQUIRED, &list, err)) return false;
    if (list->count > ARTIFACT_STORES_MAX)
        return doc_error(list, err, "has more than %d stores", ARTIFACT_STORES_MAX);
    out->stores = xcalloc(list->count, sizeof *out->stores);
    doc_for_each(item, list)
    {
        struct settings_store *store = &out->stores[out->store_count];
        if (!read_store(file, item, store, err)) return false;
        for (size_t i = 0; i < out->store_count; i++)
            if (text_equal(out->stores[i].name, store->name))
                return doc_error(item, err, "the store '%s' is defined twice", store->name);
        out->store_count++;
    }
    return true;
}

NODISCARD static bool read_options(const struct doc_node *root, struct settings *out,
                                   struct error *err)
{
    uint64_t minutes = ACTION_TIMEOUT_MINUTES;
    const char *level = "info";
    if (!doc_get_unsigned(root, "actionTimeoutMinutes", DOC_OPTIONAL, 1, ACTION_TIMEOUT_MINUTES_MAX,
                          &minutes, err) ||
        !doc_get_text(root, "log", DOC_OPTIONAL, &level, err))
        return false;
    out->action_timeout_ms = (uint32_t)minutes * 60000;
    if (log_level_parse(level, &out->log)) return true;
    return doc_error(doc_get(root, "log"), err, "must be error, warning, info or debug");
}

bool settings_load(const char *file, struct settings *out, struct error *err)
{
    static const char *const known[] = {
        "region", "state", "keys", "listen", "artifacts", "stores", "actionTimeoutMinutes",
        "log",    NULL
    };
    AUTO(doc_free_at) struct doc *doc = NULL;
    struct settings settings = { 0 };
    if (!doc_load(file, NULL, &doc, err) || !doc_no_duplicates(doc, err)) return false;
    const struct doc_node *root = doc_root(doc, 0);
    if (!doc_only(root, known, err) || !region_setting(root, settings.region, err) ||
        !path_setting(file, root, "state", settings.state, err) ||
        !path_setting(file, root, "keys", settings.keys, err) ||
        !read_listen(root, &settings, err) || !read_artifacts(root, &settings, err) ||
        !read_stores(file, root, &settings, err) || !read_options(root, &settings, err)) {
        settings_deinit(&settings);
        return false;
    }
    *out = settings;
    return true;
}

void settings_deinit(struct settings *settings)
{
    free(settings->stores);
    *settings = (struct settings){ 0 };
}
