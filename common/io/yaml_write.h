/* yaml_write.h - a JSON value as YAML, for `-o yaml`. */
#pragma once
#include "base/bytes.h"

#include <jansson.h>

/* One document. Texts that another reader could take for something else (a number, a truth value,
 * a time) stand in quotes; what passes the buffer's limit is cut. `line`: one of several, so that
 * it begins with `---`. */
void yaml_write(struct buf *out, const json_t *value, bool line);
