#include "steps/build/redact.h"

#include "io/digest.h"

#include <stdlib.h>
#include <string.h>

static const char mask[] = "***";
enum { MASK_LEN = sizeof mask - 1 };

static void add_line(struct redact *redact, const char *line, size_t len)
{
    uint8_t *copy = xcalloc(len, 1);
    memcpy(copy, line, len);
    redact->values[redact->count++] = bytes_of(copy, len);
    if (len > redact->longest) redact->longest = len;
}

bool redact_add(struct redact *redact, const char *name, const char *value, struct error *err)
{
    size_t len = strlen(value), before = redact->count;
    if (len < REDACT_MIN || len > REDACT_MAX)
        return error_set(err, ERR_INVALID,
                         "the secret '%.100s' has %zu bytes: %d to %d can be "
                         "hidden in logs",
                         name, len, REDACT_MIN, REDACT_MAX);
    while (*value) {
        size_t line = strcspn(value, "\r\n");
        if (line >= REDACT_MIN && redact->count == REDACT_VALUES_MAX)
            return error_set(err, ERR_INVALID, "more than %d lines of secrets", REDACT_VALUES_MAX);
        if (line >= REDACT_MIN) add_line(redact, value, line);
        value += line + (value[line] ? 1 : 0);
    }
    if (redact->count > before) return true;
    return error_set(err, ERR_INVALID, "the secret '%.100s' has no line of %d bytes", name,
                     REDACT_MIN);
}

/* The longest value that begins here; 0 when none does. */
static size_t value_at(const struct redact *redact, const uint8_t *data, size_t len)
{
    size_t longest = 0;
    for (size_t i = 0; i < redact->count; i++) {
        const struct bytes *value = &redact->values[i];
        if (value->len > longest && value->len <= len && data[0] == value->data[0] &&
            memcmp(data, value->data, value->len) == 0)
            longest = value->len;
    }
    return longest;
}

size_t redact_apply(const struct redact *redact, uint8_t *data, size_t len)
{
    size_t to = 0;
    if (redact->count == 0) return len;
    for (size_t from = 0; from < len;) {
        size_t hidden = value_at(redact, data + from, len - from);
        if (hidden == 0) {
            data[to++] = data[from++];
            continue;
        }
        memcpy(data + to, mask, MASK_LEN);
        to += MASK_LEN;
        from += hidden;
    }
    return to;
}

void redact_deinit(struct redact *redact)
{
    for (size_t i = 0; i < redact->count; i++) {
        digest_cleanse((void *)redact->values[i].data, redact->values[i].len);
        free((void *)redact->values[i].data);
    }
    *redact = (struct redact){ .count = 0 };
}
