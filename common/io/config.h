/* config.h - a settings file read into a struct by a table.
 *
 *     struct settings { const char *listen, *state; uint64_t map_bytes, lease_ms; bool console; };
 *     static const struct config_field fields[] = {
 *         { "listen", CONFIG_TEXT, offsetof(struct settings, listen), .required = true },
 *         { "state", CONFIG_PATH, offsetof(struct settings, state), .fallback = "/var/lib/x" },
 *         { "map", CONFIG_SIZE, offsetof(struct settings, map_bytes), .fallback = "1 GiB" },
 *         { "lease", CONFIG_DURATION, offsetof(struct settings, lease_ms), .fallback = "30s",
 *           .min = 1000, .max = 600000 },
 *         { .name = NULL },
 *     };
 *     if (!config_load(path, fields, &settings, &config, err)) return false;
 *
 * The file is YAML (io/doc.h). Unknown and duplicate keys are refused with file, line, column and
 * the nearest known key. The environment is never asked. An optional key that is absent gets its
 * fallback, which is written as in the file; without one the struct keeps what it had.
 *
 * Ownership: texts and paths belong to the config and live until config_close(); a reload loads
 * into a new struct and closes the old config afterwards. Errors: as doc_load().
 */
#pragma once
#include "io/doc.h"

enum { CONFIG_BYTES_MAX = 1 << 20, CONFIG_FIELDS_MAX = 64 };

enum config_type {
    CONFIG_TEXT,     /* const char *; not empty when required */
    CONFIG_PATH,     /* const char *; relative to the folder of the file */
    CONFIG_UNSIGNED, /* uint64_t */
    CONFIG_BOOL,     /* bool */
    CONFIG_SIZE,     /* uint64_t bytes: "4096", "64 KiB", "1GiB" (B, KiB, MiB, GiB, TiB) */
    CONFIG_DURATION, /* uint64_t milliseconds: "250ms", "30s", "5m", "2h", "1d" */
    CONFIG_SECTION,  /* a nested mapping, read by `section` into the same struct */
    CONFIG_LIST      /* `item` is called for each element in order */
};

struct config; /* owns the document and the texts */

/* `settings` is the struct given to config_load() or config_read(). For an element that is a
 * mapping call config_read() with a table of its own. */
typedef bool (*config_item_fn)(struct config *config, const struct doc_node *item, void *settings,
                               struct error *err);

struct config_field {
    const char *name; /* NULL ends the table */
    enum config_type type;
    uint32_t offset;      /* in the struct */
    bool required;        /* also of a list: not empty. An absent optional section only gets the
                             fallbacks of its fields */
    const char *fallback; /* text as in the file */
    uint64_t min, max;    /* of numbers, bytes and milliseconds; max 0 is no upper bound */
    const struct config_field *section;
    config_item_fn item;
};

NODISCARD bool config_load(const char *path, const struct config_field *fields, void *settings,
                           struct config **out, struct error *err);
void config_close(struct config *config); /* accepts NULL */
void auto_config_close(struct config **config);

/* The rest is for item callbacks. */
NODISCARD bool config_read(struct config *config, const struct doc_node *map,
                           const struct config_field *fields, void *settings, struct error *err);
NODISCARD bool config_path(struct config *config, const struct doc_node *node, const char **out,
                           struct error *err);
NODISCARD bool config_size_parse(const char *text, uint64_t *bytes);
NODISCARD bool config_duration_parse(const char *text, uint64_t *ms);
