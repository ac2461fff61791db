#include "io/doc_json.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { PAIR_LENGTH = 12, LONG_ESCAPE_LENGTH = 10 };

/* The number that "\uXXXX" at p stands for, or -1. */
static long escape_value(const uint8_t *p)
{
    if (p[0] != '\\' || p[1] != 'u') return -1;
    long value = 0;
    for (int i = 2; i < 6; i++) {
        const char *digits = "0123456789abcdef";
        int lower = p[i] >= 'A' && p[i] <= 'F' ? p[i] - 'A' + 'a' : p[i];
        const char *digit = lower ? strchr(digits, lower) : NULL;
        if (!digit) return -1;
        value = value * 16 + (digit - digits);
    }
    return value;
}

/* The character of a surrogate pair at p, or 0. */
static unsigned long pair_value(const uint8_t *p, size_t left)
{
    if (left < PAIR_LENGTH) return 0;
    long high = escape_value(p), low = escape_value(p + PAIR_LENGTH / 2);
    if (high < 0xd800 || high > 0xdbff || low < 0xdc00 || low > 0xdfff) return 0;
    return 0x10000UL + (((unsigned long)high - 0xd800UL) << 10) + ((unsigned long)low - 0xdc00UL);
}

static bool begins_as_json(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c != ' ' && c != '\t' && c != '\r' && c != '\n') return c == '{' || c == '[';
    }
    return false;
}

static bool has_pair(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == '\\' && pair_value(text.data + i, text.len - i)) return true;
    return false;
}

struct bytes doc_json_prepare(struct bytes text, struct buf *copy)
{
    if (!begins_as_json(text) || !has_pair(text)) return text;
    *copy = (struct buf){ .data = xcalloc(text.len, 1), .cap = text.len, .max = text.len };
    bool quoted = false;
    for (size_t i = 0; i < text.len;) {
        const uint8_t *p = text.data + i;
        unsigned long character = quoted ? pair_value(p, text.len - i) : 0;
        if (character) {
            char escape[LONG_ESCAPE_LENGTH + 1];
            snprintf(escape, sizeof escape, "\\U%08lx", character & 0xffffffffUL);
            memcpy(copy->data + copy->len, escape, LONG_ESCAPE_LENGTH);
            copy->len += LONG_ESCAPE_LENGTH;
            i += PAIR_LENGTH;
            continue;
        }
        /* An escaped character is copied with its backslash: \" does not end the text. */
        size_t n = quoted && *p == '\\' && i + 1 < text.len ? 2 : 1;
        if (n == 1 && *p == '"') quoted = !quoted;
        memcpy(copy->data + copy->len, p, n);
        copy->len += n;
        i += n;
    }
    assert(copy->len <= copy->cap);
    return buf_bytes(copy);
}
