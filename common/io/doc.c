#include "io/doc.h"
#include "io/fs.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { PATH_PART_SIZE = 256, NEAREST_DISTANCE = 2, NEAREST_LENGTH_MAX = 63 };

bool doc_load(const char *path, const struct doc_limits *limits, struct doc **out,
              struct error *err)
{
    size_t max = limits ? limits->bytes_max : DOC_BYTES_MAX;
    AUTO(buf_deinit) struct buf text;
    buf_init(&text, max);
    if (!fs_read_file(path, &text, err)) {
        if (err->code == ERR_NO_SPACE) err->code = ERR_INVALID; /* larger than the limit */
        return false;
    }
    return doc_parse(path, buf_bytes(&text), limits, out, err);
}

bool doc_no_duplicates(const struct doc *doc, struct error *err)
{
    if (doc_duplicate_count(doc) == 0) return true;
    const struct doc_duplicate *d = doc_duplicate(doc, 0);
    return doc_error(d->winner, err,
                     "the key \"%s\" stands here and in line %u: remove one of the two",
                     d->winner->key, d->line);
}

const struct doc_node *doc_get(const struct doc_node *map, const char *key)
{
    if (!map || map->kind != DOC_MAPPING) return NULL;
    doc_for_each (child, map)
        if (strcmp(child->key, key) == 0) return child;
    return NULL;
}

bool doc_is_null(const struct doc_node *node)
{
    return !node || node->kind == DOC_NULL;
}

bool doc_is_plain(const struct doc_node *node, const char *text)
{
    return node && node->kind == DOC_SCALAR && !node->quoted && strcmp(node->text, text) == 0;
}

/* What a wrong value is, for "must be ..., not ...". */
static const char *kind_name(const struct doc_node *node)
{
    switch (node->kind) {
    case DOC_NULL: return "empty";
    case DOC_SCALAR: return "a single value";
    case DOC_SEQUENCE: return "a list";
    case DOC_MAPPING: return "a mapping";
    }
    assert(false);
    return "";
}

bool doc_text(const struct doc_node *node, const char **out, struct error *err)
{
    if (node->kind != DOC_SCALAR)
        return doc_error(node, err, "must be a text, not %s", kind_name(node));
    *out = node->text;
    return true;
}

bool doc_bool(const struct doc_node *node, bool *out, struct error *err)
{
    static const char *const words[] = { "true", "yes", "on", "false", "no", "off" };
    if (node->kind != DOC_SCALAR)
        return doc_error(node, err, "must be true or false, not %s", kind_name(node));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(node->text, words[i]) != 0) continue;
        if (node->quoted)
            return doc_error(node, err, "write %s without quotes: \"%s\" is a text",
                             i < 3 ? "true" : "false", node->text);
        *out = i < 3;
        return true;
    }
    return doc_error(node, err, "must be true or false, not \"%.60s\"", node->text);
}

bool doc_unsigned(const struct doc_node *node, uint64_t min, uint64_t max, uint64_t *out,
                  struct error *err)
{
    const char *t = node->text;
    bool digits = node->kind == DOC_SCALAR && !node->quoted && *t;
    uint64_t value = 0;
    for (; digits && *t; t++) {
        if (*t < '0' || *t > '9')
            digits = false;
        else if (value > (UINT64_MAX - 9) / 10)
            digits = false;
        else
            value = value * 10 + (uint64_t)(*t - '0');
    }
    if (digits && value >= min && value <= max) {
        *out = value;
        return true;
    }
    if (node->kind != DOC_SCALAR)
        return doc_error(node, err, "must be a whole number from %llu to %llu, not %s",
                         (unsigned long long)min, (unsigned long long)max, kind_name(node));
    return doc_error(node, err, "must be a whole number from %llu to %llu, not %s%.60s%s",
                     (unsigned long long)min, (unsigned long long)max, node->quoted ? "\"" : "",
                     node->text, node->quoted ? "\" in quotes" : "");
}

/* The child of that name; *out stays NULL when an optional one is absent or null. */
static bool find(const struct doc_node *map, const char *key, enum doc_need need,
                 const struct doc_node **out, struct error *err)
{
    const struct doc_node *child = doc_get(map, key);
    if (!doc_is_null(child)) {
        *out = child;
        return true;
    }
    *out = NULL;
    if (need == DOC_OPTIONAL) return true;
    if (child) return doc_error(child, err, "must not be empty");
    return doc_error(map, err, "the key \"%s\" is missing", key);
}

bool doc_get_text(const struct doc_node *map, const char *key, enum doc_need need, const char **out,
                  struct error *err)
{
    const struct doc_node *child;
    const char *text;
    if (!find(map, key, need, &child, err)) return false;
    if (!child) return true;
    if (!doc_text(child, &text, err)) return false;
    if (need == DOC_REQUIRED && !*text) return doc_error(child, err, "must not be empty");
    *out = text;
    return true;
}

bool doc_get_bool(const struct doc_node *map, const char *key, enum doc_need need, bool *out,
                  struct error *err)
{
    const struct doc_node *child;
    if (!find(map, key, need, &child, err)) return false;
    return !child || doc_bool(child, out, err);
}

bool doc_get_unsigned(const struct doc_node *map, const char *key, enum doc_need need, uint64_t min,
                      uint64_t max, uint64_t *out, struct error *err)
{
    const struct doc_node *child;
    if (!find(map, key, need, &child, err)) return false;
    return !child || doc_unsigned(child, min, max, out, err);
}

bool doc_get_list(const struct doc_node *map, const char *key, enum doc_need need,
                  const struct doc_node **out, struct error *err)
{
    const struct doc_node *child;
    if (!find(map, key, need, &child, err)) return false;
    if (!child) return true;
    if (child->kind != DOC_SEQUENCE)
        return doc_error(child, err, "must be a list, not %s", kind_name(child));
    *out = child;
    return true;
}

bool doc_get_map(const struct doc_node *map, const char *key, enum doc_need need,
                 const struct doc_node **out, struct error *err)
{
    const struct doc_node *child;
    if (!find(map, key, need, &child, err)) return false;
    if (!child) return true;
    if (child->kind != DOC_MAPPING)
        return doc_error(child, err, "must be a mapping, not %s", kind_name(child));
    *out = child;
    return true;
}

static bool is_known(const char *key, const char *const *known)
{
    for (; *known; known++)
        if (strcmp(key, *known) == 0) return true;
    return false;
}

const struct doc_node *doc_first_unknown(const struct doc_node *map, const char *const *known)
{
    if (!map || map->kind != DOC_MAPPING) return NULL;
    if (!map->first || !is_known(map->first->key, known)) return map->first;
    return doc_first_unknown_after(map->first, known);
}

const struct doc_node *doc_first_unknown_after(const struct doc_node *child,
                                               const char *const *known)
{
    for (child = child->next; child; child = child->next)
        if (!is_known(child->key, known)) return child;
    return NULL;
}

/* Levenshtein's distance without regard to case, for short words. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NEAREST_LENGTH_MAX + 1];
    size_t b_len = strlen(b);
    for (size_t j = 0; j <= b_len; j++) row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b_len; j++) {
            bool same = tolower((unsigned char)a[i]) == tolower((unsigned char)b[j]);
            size_t best = diagonal + (same ? 0 : 1);
            diagonal = row[j + 1];
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j + 1] + 1 < best) best = row[j + 1] + 1;
            row[j + 1] = best;
        }
    }
    return row[b_len];
}

const char *doc_nearest(const char *written, const char *const *known)
{
    const char *best = NULL;
    size_t best_distance = NEAREST_DISTANCE + 1;
    if (strlen(written) > NEAREST_LENGTH_MAX) return NULL;
    for (; *known; known++) {
        if (strlen(*known) > NEAREST_LENGTH_MAX) continue;
        size_t d = distance(written, *known);
        if (d < best_distance && d < strlen(*known)) {
            best = *known;
            best_distance = d;
        }
    }
    return best;
}

bool doc_only(const struct doc_node *map, const char *const *known, struct error *err)
{
    if (map->kind != DOC_MAPPING)
        return doc_error(map, err, "must be a mapping, not %s", kind_name(map));
    const struct doc_node *child = doc_first_unknown(map, known);
    if (!child) return true;
    const char *nearest = doc_nearest(child->key, known);
    if (nearest) return doc_error(child, err, "unknown key: did you mean \"%s\"?", nearest);
    char list[ERROR_TEXT_SIZE / 2] = "";
    for (size_t used = 0; *known && used < sizeof list; known++) {
        int n = snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", *known);
        used += n > 0 ? (size_t)n : 0;
    }
    return doc_error(child, err, "unknown key: known are %s", list);
}

#undef doc_error
bool doc_error(const struct doc_node *node, struct error *err, const char *format, ...)
{
    char path[ERROR_TEXT_SIZE / 2], what[ERROR_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    doc_path(node, path, sizeof path);
    return error_set(err, ERR_INVALID, "%s:%u:%u: %s%s%s", doc_name(node->doc), node->line,
                     node->column, path, *path ? ": " : "", what);
}

void doc_path(const struct doc_node *node, char *out, size_t size)
{
    assert(size > 0);
    /* Written from the end: the part nearest to the error is worth most. */
    char whole[ERROR_TEXT_SIZE];
    size_t at = sizeof whole - 1;
    whole[at] = '\0';
    for (; node->parent; node = node->parent) {
        char part[PATH_PART_SIZE];
        if (node->key)
            snprintf(part, sizeof part, "%s%.200s", node->parent->parent ? "." : "", node->key);
        else
            snprintf(part, sizeof part, "[%zu]", node->index);
        size_t len = strlen(part);
        if (len > at) break;
        at -= len;
        memcpy(whole + at, part, len);
    }
    snprintf(out, size, "%s", whole + at);
}
