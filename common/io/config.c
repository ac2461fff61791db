#include "io/config.h"

#include "base/arena.h"
#include "base/number.h"
#include "io/fs.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS_MAX = 4 << 20 };

struct config {
    struct doc *doc;
    struct arena texts;
    char folder[FS_PATH_MAX]; /* of the file; "" for the working folder */
};

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit sizes[] = {
    { "", 1 },
    { "B", 1 },
    { "KiB", UINT64_C(1) << 10 },
    { "MiB", UINT64_C(1) << 20 },
    { "GiB", UINT64_C(1) << 30 },
    { "TiB", UINT64_C(1) << 40 },
    { NULL, 0 },
};

static const struct unit durations[] = {
    { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 }, { NULL, 0 },
};

/* A whole number, at most one space, and a unit. */
static bool unit_parse(const char *text, const struct unit *units, uint64_t *out)
{
    size_t digits = strspn(text, "0123456789");
    uint64_t value;
    if (!number_parse_bytes(bytes_of(text, digits), UINT64_MAX, &value)) return false;
    const char *name = text + digits;
    if (name[0] == ' ' && name[1] != '\0') name++;
    for (; units->name; units++) {
        if (!text_equal(name, units->name)) continue;
        if (value > UINT64_MAX / units->factor) return false;
        *out = value * units->factor;
        return true;
    }
    return false;
}

bool config_size_parse(const char *text, uint64_t *bytes)
{
    return unit_parse(text, sizes, bytes);
}

bool config_duration_parse(const char *text, uint64_t *ms)
{
    return unit_parse(text, durations, ms);
}

static void *place(const struct config_field *field, void *settings)
{
    return (char *)settings + field->offset;
}

static void set_number(const struct config_field *field, uint64_t value, void *settings)
{
    memcpy(place(field, settings), &value, sizeof value);
}

static void set_text(const struct config_field *field, const char *value, void *settings)
{
    memcpy(place(field, settings), &value, sizeof value);
}

static void set_bool(const struct config_field *field, bool value, void *settings)
{
    memcpy(place(field, settings), &value, sizeof value);
}

static uint64_t max_of(const struct config_field *field)
{
    return field->max ? field->max : UINT64_MAX;
}

static bool in_range(const struct config_field *field, uint64_t value)
{
    return value >= field->min && value <= max_of(field);
}

/* NULL when the joined path is too long. */
static const char *path_of(struct config *config, const char *text)
{
    if (text[0] == '/' || config->folder[0] == '\0') return text;
    char joined[FS_PATH_MAX];
    struct error ignored = { 0 };
    if (!fs_join(joined, config->folder, text, &ignored)) return NULL;
    char *copy = arena_take(&config->texts, strlen(joined) + 1, 1);
    return copy ? memcpy(copy, joined, strlen(joined) + 1) : NULL;
}

bool config_path(struct config *config, const struct doc_node *node, const char **out,
                 struct error *err)
{
    const char *text;
    if (!doc_text(node, &text, err)) return false;
    if (!*text) return doc_error(node, err, "must not be empty");
    const char *path = path_of(config, text);
    if (!path) return doc_error(node, err, "the path is too long");
    *out = path;
    return true;
}

/* Our own table: a fallback that cannot be read is a programming error. */
static void use_fallback(struct config *config, const struct config_field *field, void *settings)
{
    uint64_t number = 0;
    const char *text = field->fallback;
    bool ok = false;
    switch (field->type) {
    case CONFIG_TEXT: set_text(field, text, settings); return;
    case CONFIG_PATH:
        text = path_of(config, text);
        assert(text);
        set_text(field, text, settings);
        return;
    case CONFIG_BOOL:
        assert(text_equal(text, "true") || text_equal(text, "false"));
        set_bool(field, text_equal(text, "true"), settings);
        return;
    case CONFIG_UNSIGNED: ok = number_parse(text, UINT64_MAX, &number); break;
    case CONFIG_SIZE: ok = config_size_parse(text, &number); break;
    case CONFIG_DURATION: ok = config_duration_parse(text, &number); break;
    case CONFIG_SECTION:
    case CONFIG_LIST: break; /* have no fallback of their own */
    }
    assert(ok);
    assert(in_range(field, number));
    set_number(field, number, settings);
}

static bool read_unit(const struct config_field *field, const struct doc_node *node, void *settings,
                      struct error *err)
{
    const char *text;
    uint64_t value;
    bool is_size = field->type == CONFIG_SIZE;
    if (!doc_text(node, &text, err)) return false;
    if (!unit_parse(text, is_size ? sizes : durations, &value))
        return doc_error(node, err, "must be %s, not \"%.60s\"",
                         is_size ? "a size such as 64 KiB, 10 MiB or 2 GiB"
                                 : "a duration such as 250ms, 30s, 5m, 2h or 1d",
                         text);
    if (!in_range(field, value))
        return doc_error(node, err, "must be from %llu to %llu %s", (unsigned long long)field->min,
                         (unsigned long long)max_of(field), is_size ? "bytes" : "milliseconds");
    set_number(field, value, settings);
    return true;
}

static bool read_list(struct config *config, const struct config_field *field,
                      const struct doc_node *node, void *settings, struct error *err)
{
    assert(field->item);
    if (node->kind != DOC_SEQUENCE) return doc_error(node, err, "must be a list");
    if (field->required && node->count == 0) return doc_error(node, err, "must not be empty");
    doc_for_each (item, node)
        if (!field->item(config, item, settings, err)) return false;
    return true;
}

static bool read_value(struct config *config, const struct config_field *field,
                       const struct doc_node *node, void *settings, struct error *err)
{
    const char *text;
    bool truth;
    uint64_t number;
    switch (field->type) {
    case CONFIG_TEXT:
        if (!doc_text(node, &text, err)) return false;
        if (field->required && !*text) return doc_error(node, err, "must not be empty");
        set_text(field, text, settings);
        return true;
    case CONFIG_PATH:
        if (!config_path(config, node, &text, err)) return false;
        set_text(field, text, settings);
        return true;
    case CONFIG_BOOL:
        if (!doc_bool(node, &truth, err)) return false;
        set_bool(field, truth, settings);
        return true;
    case CONFIG_UNSIGNED:
        if (!doc_unsigned(node, field->min, max_of(field), &number, err)) return false;
        set_number(field, number, settings);
        return true;
    case CONFIG_SIZE:
    case CONFIG_DURATION: return read_unit(field, node, settings, err);
    case CONFIG_SECTION: return config_read(config, node, field->section, settings, err);
    case CONFIG_LIST: return read_list(config, field, node, settings, err);
    }
    assert(false);
    return false;
}

static void use_fallbacks(struct config *config, const struct config_field *fields, void *settings)
{
    for (const struct config_field *field = fields; field->name; field++) {
        if (field->type == CONFIG_SECTION)
            use_fallbacks(config, field->section, settings);
        else if (field->fallback)
            use_fallback(config, field, settings);
    }
}

/* An empty section is written as nothing at all, which YAML reads as null. */
static bool known_only(const struct doc_node *map, const struct config_field *fields,
                       struct error *err)
{
    const char *known[CONFIG_FIELDS_MAX + 1] = { NULL };
    size_t count = 0;
    for (const struct config_field *field = fields; field->name; field++) {
        assert(count < CONFIG_FIELDS_MAX);
        known[count++] = field->name;
    }
    return doc_is_null(map) || doc_only(map, known, err);
}

bool config_read(struct config *config, const struct doc_node *map,
                 const struct config_field *fields, void *settings, struct error *err)
{
    if (!known_only(map, fields, err)) return false;
    use_fallbacks(config, fields, settings);
    for (const struct config_field *field = fields; field->name; field++) {
        const struct doc_node *node = doc_get(map, field->name);
        bool absent = doc_is_null(node);
        if (absent && field->required)
            return doc_error(map, err, "the key \"%s\" is missing", field->name);
        if (!absent && !read_value(config, field, node, settings, err)) return false;
    }
    return true;
}

bool config_load(const char *path, const struct config_field *fields, void *settings,
                 struct config **out, struct error *err)
{
    struct config *config = xcalloc(1, sizeof *config);
    static const struct doc_limits limits = { .bytes_max = CONFIG_BYTES_MAX,
                                              .nodes_max = DOC_NODES_MAX,
                                              .depth_max = DOC_DEPTH_MAX,
                                              .expanded_max = DOC_EXPANDED_MAX };
    arena_init(&config->texts, TEXTS_MAX);
    if (!text_copy(config->folder, sizeof config->folder, path)) {
        error_set(err, ERR_INVALID, "path too long: '%.200s...'", path);
        goto fail;
    }
    char *slash = strrchr(config->folder, '/');
    char *end = slash ? slash : config->folder;
    if (end == config->folder && slash) end++; /* "/file" lies in "/" */
    *end = '\0';
    if (!doc_load(path, &limits, &config->doc, err)) goto fail;
    if (!doc_no_duplicates(config->doc, err)) goto fail;
    if (doc_count(config->doc) > 1) {
        doc_error(doc_root(config->doc, 1), err, "a settings file holds one document");
        goto fail;
    }
    if (!config_read(config, doc_root(config->doc, 0), fields, settings, err)) goto fail;
    *out = config;
    return true;
fail:
    config_close(config);
    return false;
}

void config_close(struct config *config)
{
    if (!config) return;
    arena_deinit(&config->texts);
    doc_free(config->doc);
    free(config);
}

void auto_config_close(struct config **config)
{
    config_close(*config);
}
