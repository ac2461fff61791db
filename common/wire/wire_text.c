#include "wire/wire_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* RFC 3629: shortest form, no surrogates, at most U+10FFFF. */
size_t wire_text_character(const char *text, size_t left)
{
    const uint8_t *p = (const uint8_t *)text;
    uint8_t first = p[0];
    if (first == 0) return 0;
    if (first < 0x80) return 1;
    if (first < 0xc2 || first > 0xf4) return 0;
    size_t len = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (left < len) return 0;
    uint8_t low = 0x80, high = 0xbf; /* of the second byte */
    if (first == 0xe0) low = 0xa0;
    if (first == 0xed) high = 0x9f;
    if (first == 0xf0) low = 0x90;
    if (first == 0xf4) high = 0x8f;
    if (p[1] < low || p[1] > high) return 0;
    for (size_t i = 2; i < len; i++)
        if (p[i] < 0x80 || p[i] > 0xbf) return 0;
    return len;
}

/* No byte of the eight is NUL or beyond ASCII. */
static bool plain_word(uint64_t word)
{
    uint64_t high = UINT64_C(0x8080808080808080), ones = UINT64_C(0x0101010101010101);
    return ((word | (word - ones)) & high) == 0;
}

size_t wire_text_valid(const char *text, size_t len)
{
    size_t at = 0;
    while (at < len) {
        uint64_t word;
        if (len - at >= sizeof word) {
            memcpy(&word, text + at, sizeof word);
            if (plain_word(word)) {
                at += sizeof word;
                continue;
            }
        }
        size_t step = wire_text_character(text + at, len - at);
        if (step == 0) break;
        at += step;
    }
    return at;
}

static bool continues(char c)
{
    return ((uint8_t)c & 0xc0) == 0x80;
}

size_t wire_text_cut(const char *text, size_t len, size_t max)
{
    if (len <= max) return len;
    while (max > 0 && continues(text[max])) max--;
    return max;
}

size_t wire_text_cut_front(const char *text, size_t len, size_t max)
{
    if (len <= max) return 0;
    size_t from = len - max;
    while (from < len && continues(text[from])) from++;
    return from;
}
