/* redact.h - secrets that must not be seen in a log: every occurrence becomes "***".
 *
 * Values of several lines are hidden line by line, because a log is written so. What is derived
 * from a secret (its base64, its parts) is not known here.
 */
#pragma once
#include "base/bytes.h"

enum {
    REDACT_VALUES_MAX = 1000,
    REDACT_MIN = 4, /* bytes: shorter ones would hide half of the log */
    REDACT_MAX = 16 << 10
};

struct redact {
    struct bytes values[REDACT_VALUES_MAX]; /* owned */
    size_t count, longest;
};

/* ERR_INVALID when it is too short or too long to be hidden; `name` stands in the error. */
NODISCARD bool redact_add(struct redact *redact, const char *name, const char *value,
                          struct error *err);
/* In place; returns the new length, which is never greater. */
size_t redact_apply(const struct redact *redact, uint8_t *data, size_t len);
void redact_deinit(struct redact *redact); /* accepts a zeroed one */
