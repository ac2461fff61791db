/* wire_text.h - UTF-8 without NUL (RFC 3629): what every text of the wire is. */
#pragma once
#include <stddef.h>

/* Bytes of the first of `left` > 0; 0 when it is NUL, not UTF-8 or cut off. */
size_t wire_text_character(const char *text, size_t left);
/* Length of the longest beginning that is UTF-8 without NUL. */
size_t wire_text_valid(const char *text, size_t len);
/* Of valid text that is too long: the length to keep, or the offset of the end to keep. */
size_t wire_text_cut(const char *text, size_t len, size_t max);
size_t wire_text_cut_front(const char *text, size_t len, size_t max);
