/* id.h - identifiers, drawn from random bits that the caller brings.
 *
 * Executions, action executions and jobs are UUIDs version 4 (RFC 9562), because AWS clients
 * expect that form; deployments are "d-" and nine upper-case letters or digits, as CodeDeploy's.
 * An id is plain text of bounded size and is compared as text.
 */
#pragma once
#include "base/prng.h"

enum { ID_SIZE = 40 };

struct id {
    char text[ID_SIZE]; /* NUL-terminated; "" is no id */
};

struct id id_new_uuid(struct prng *random);
struct id id_new_deployment(struct prng *random);
/* 32 letters and digits, as S3's version ids. */
struct id id_new_version(struct prng *random);
/* False when the text is empty, too long or holds anything but letters, digits, '-', '_', '.'. */
NODISCARD bool id_parse(const char *text, struct id *out);
bool id_equal(const struct id *a, const struct id *b);
bool id_empty(const struct id *id);
