#include "shell/settings.h"

#include "base/number.h"
#include "io/keys.h"

#include <netdb.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { LISTEN_SIZE = 128 };
#define KEEP_AGE_MAX   (UINT64_C(10) * 365 * 24 * 3600 * 1000)
#define KEEP_EVERY_MAX (UINT64_C(7) * 24 * 3600 * 1000)

NODISCARD static bool store_type_check(const struct doc_node *item,
                                       const struct artifact_store *store, struct error *err)
{
    bool bucket = artifact_store_is_s3(store);
    if (!bucket && !text_equal(store->type, "dir"))
        return doc_error(doc_get(item, "type"), err, "must be dir or s3");
    if (!bucket && !store->path) return doc_error(item, err, "a store of type dir needs a path");
    if (!bucket && store->endpoint)
        return doc_error(doc_get(item, "endpoint"), err, "is only for a store of type s3");
    if (bucket && store->path)
        return doc_error(doc_get(item, "path"), err, "is only for a store of type dir");
    return true;
}

static const struct config_field keep_fields[] = {
    { "count", CONFIG_UNSIGNED, offsetof(struct artifact_store, keep_count), .max = UINT32_MAX },
    { "age", CONFIG_DURATION, offsetof(struct artifact_store, keep_age_ms), .max = KEEP_AGE_MAX },
    { "every", CONFIG_DURATION, offsetof(struct artifact_store, keep_every_ms), .fallback = "1h",
      .min = 1000, .max = KEEP_EVERY_MAX },
    { .name = NULL }
};

NODISCARD static bool read_store(struct config *config, const struct doc_node *item, void *owner,
                                 struct error *err)
{
    static const struct config_field fields[] = {
        { "name", CONFIG_TEXT, offsetof(struct artifact_store, name), .required = true },
        { "region", CONFIG_TEXT, offsetof(struct artifact_store, region), .required = true },
        { "path", CONFIG_PATH, offsetof(struct artifact_store, path), .required = false },
        { "type", CONFIG_TEXT, offsetof(struct artifact_store, type), .fallback = "dir" },
        { "endpoint", CONFIG_TEXT, offsetof(struct artifact_store, endpoint), .required = false },
        { "keep", CONFIG_SECTION, .section = keep_fields },
        { .name = NULL }
    };
    struct settings *settings = owner;
    if (settings->store_count == ARTIFACT_STORES_MAX)
        return doc_error(item, err, "is one store too many: at most %d", ARTIFACT_STORES_MAX);
    struct artifact_store *store = &settings->stores[settings->store_count];
    if (!config_read(config, item, fields, store, err)) return false;
    if (!keys_region_valid(store->region))
        return doc_error(doc_get(item, "region"), err, "is no region name (a-z, 0-9, '-')");
    if (!store_type_check(item, store, err)) return false;
    if (strlen(store->name) > WIRE_NAME_MAX)
        return doc_error(doc_get(item, "name"), err, "is longer than %d bytes", WIRE_NAME_MAX);
    for (size_t i = 0; i < settings->store_count; i++)
        if (text_equal(settings->stores[i].name, store->name))
            return doc_error(item, err, "the store '%s' is defined twice", store->name);
    settings->store_count++;
    return true;
}

/* "0.02" dollars are 20,000,000 nano-dollars. */
NODISCARD static bool nano_parse(const char *text, uint64_t *out)
{
    enum { DOLLARS_MAX = 15 };
    size_t whole = strcspn(text, "."), part = 0;
    uint64_t dollars, nano = 0;
    if (!number_parse_bytes(bytes_of(text, whole), DOLLARS_MAX, &dollars)) return false;
    const char *digits = text[whole] ? text + whole + 1 : "0";
    for (uint64_t worth = 100000000; digits[part] >= '0' && digits[part] <= '9'; worth /= 10)
        nano += worth * (uint64_t)(digits[part++] - '0');
    *out = dollars * 1000000000 + nano;
    return part > 0 && !digits[part];
}

struct price_texts {
    const char *from, *to, *per_gib;
};

NODISCARD static bool read_price(struct config *config, const struct doc_node *item, void *owner,
                                 struct error *err)
{
    static const struct config_field fields[] = {
        { "from", CONFIG_TEXT, offsetof(struct price_texts, from), .fallback = "*" },
        { "to", CONFIG_TEXT, offsetof(struct price_texts, to), .fallback = "*" },
        { "perGiB", CONFIG_TEXT, offsetof(struct price_texts, per_gib), .required = true },
        { .name = NULL }
    };
    struct settings *settings = owner;
    struct price_texts texts;
    if (settings->price_count == SETTINGS_PRICES_MAX)
        return doc_error(item, err, "is one price too many: at most %d", SETTINGS_PRICES_MAX);
    struct copy_price *price = &settings->prices[settings->price_count];
    if (!config_read(config, item, fields, &texts, err)) return false;
    *price = (struct copy_price){ .from = texts.from, .to = texts.to };
    if (!nano_parse(texts.per_gib, &price->nano))
        return doc_error(doc_get(item, "perGiB"), err,
                         "must be dollars below 16, as 0.02, not '%.40s'", texts.per_gib);
    settings->price_count++;
    return true;
}

#define DELTAS_WAIT_MAX (UINT64_C(3600) * 1000)
static const struct config_field delta_fields[] = {
    { "enabled", CONFIG_BOOL, offsetof(struct settings, deltas_enabled), .fallback = "true" },
    { "min", CONFIG_SIZE, offsetof(struct settings, deltas_min), .fallback = "1 MiB" },
    { "max", CONFIG_SIZE, offsetof(struct settings, deltas_max), .fallback = "4 GiB" },
    { "worth", CONFIG_UNSIGNED, offsetof(struct settings, deltas_worth), .fallback = "50", .min = 1,
      .max = 100 },
    { "wait", CONFIG_DURATION, offsetof(struct settings, deltas_wait_ms), .fallback = "2m",
      .min = 1000, .max = DELTAS_WAIT_MAX },
    { .name = NULL }
};

static const struct config_field listen_fields[] = {
    { "workers", CONFIG_TEXT, offsetof(struct settings, listen_workers), .required = true },
    { "clients", CONFIG_TEXT, offsetof(struct settings, listen_clients), .required = true },
    { .name = NULL }
};

static const struct config_field artifacts_fields[] = {
    { "listen", CONFIG_TEXT, offsetof(struct settings, artifacts_listen), .required = true },
    { "url", CONFIG_TEXT, offsetof(struct settings, artifacts_url), .required = false },
    { "events", CONFIG_PATH, offsetof(struct settings, artifacts_events), .required = false },
    { .name = NULL }
};

static const struct config_field fields[] = {
    { "region", CONFIG_TEXT, offsetof(struct settings, region), .required = true },
    { "state", CONFIG_PATH, offsetof(struct settings, state), .required = true },
    { "keys", CONFIG_PATH, offsetof(struct settings, keys), .required = true },
    { "listen", CONFIG_SECTION, .required = true, .section = listen_fields },
    { "artifacts", CONFIG_SECTION, .required = true, .section = artifacts_fields },
    { "stores", CONFIG_LIST, .required = true, .item = read_store },
    { "deltas", CONFIG_SECTION, .section = delta_fields },
    { "prices", CONFIG_LIST, .item = read_price },
    { "actionTimeout", CONFIG_DURATION, offsetof(struct settings, action_timeout_ms), .min = 1000,
      .max = UINT64_C(5) * 24 * 3600 * 1000 /* AWS: five days */ },
    { "log", CONFIG_TEXT, offsetof(struct settings, log_level), .fallback = "info" },
    { .name = NULL }
};

/* "ADDRESS:PORT", numeric; an IPv6 address stands in brackets. */
NODISCARD static bool read_listen(struct settings *settings, struct error *err)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE };
    struct addrinfo *found = NULL;
    char text[LISTEN_SIZE];
    uint64_t port = 0;
    bool fits = text_copy(text, sizeof text, settings->artifacts_listen);
    char *address = text, *colon = fits ? strrchr(text, ':') : NULL;
    if (colon && colon > text + 1 && text[0] == '[' && colon[-1] == ']') {
        address++;
        colon[-1] = '\0';
    } else if (colon && strchr(text, ':') != colon) {
        colon = NULL;
    }
    if (colon) *colon = '\0';
    if (!colon || !*address || !number_parse(colon + 1, UINT16_MAX, &port) || port == 0 ||
        getaddrinfo(address, colon + 1, &hints, &found) != 0)
        return error_set(err, ERR_INVALID,
                         "artifacts.listen: must be a numeric ADDRESS:PORT, as 127.0.0.1:7780 or "
                         "[::1]:7780, not '%s'",
                         settings->artifacts_listen);
    memcpy(&settings->artifacts_address, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    bool any = text_equal(address, "0.0.0.0") || text_equal(address, "::");
    if (any && !settings->artifacts_url)
        return error_set(err, ERR_INVALID,
                         "artifacts.url: is needed when artifacts.listen is '%s': under which "
                         "https://HOST:%s do the workers reach it?",
                         settings->artifacts_listen, colon + 1);
    return true;
}

NODISCARD static bool check(const char *file, struct settings *settings, struct error *err)
{
    if (!keys_region_valid(settings->region))
        return error_set(err, ERR_INVALID, "%s: region: '%s' is no region name", file,
                         settings->region);
    if (!log_level_parse(settings->log_level, &settings->log))
        return error_set(err, ERR_INVALID, "%s: log: must be error, warning, info or debug", file);
    if (settings->artifacts_url && !text_starts(settings->artifacts_url, "https://"))
        return error_set(err, ERR_INVALID, "%s: artifacts.url: must begin with https://", file);
    if (!read_listen(settings, err)) return error_wrap(err, "%s", file);
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
