/* doc_json.h - what JSON writes and libyaml does not read, made readable; for doc_build.c only.
 *
 * JSON writes a character beyond U+FFFF as two \u escapes, a surrogate pair (RFC 8259, section 7),
 * which YAML does not know: it becomes the one \U escape that YAML has. Only texts that begin with
 * '{' or '[' are looked at, and only inside their double quotes. Columns behind such a character
 * are two too small on its line.
 */
#pragma once
#include "base/bytes.h"

/* Returns `text` itself, or the changed copy in `copy` (zeroed by the caller, who frees it). */
struct bytes doc_json_prepare(struct bytes text, struct buf *copy);
