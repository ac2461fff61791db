/* number.h - decimal numbers from outside, strictly.
 *
 * Digits only: no sign, no space, no base prefix, no leading zero beside "0" itself.
 */
#pragma once
#include "base/bytes.h"

/* False unless text is a number from 0 to max; *out is untouched then. */
NODISCARD bool number_parse(const char *text, uint64_t max, uint64_t *out);
NODISCARD bool number_parse_bytes(struct bytes text, uint64_t max, uint64_t *out);
