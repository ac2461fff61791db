#include "core/reference.h"

#include <string.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@-_";

bool reference_in(const char *text)
{
    return strstr(text, "#{");
}

/* A word that fits into `out`; behind it, or NULL. */
static const char *word_take(const char *at, char *out, size_t size)
{
    size_t len = strspn(at, letters);
    if (len == 0 || len >= size) return NULL;
    memcpy(out, at, len);
    out[len] = '\0';
    return at + len;
}

static const char *body_take(const char *at, struct reference *out)
{
    at = word_take(at, out->scope, sizeof out->scope);
    if (!at || *at != '.') return NULL;
    at = word_take(at + 1, out->name, sizeof out->name);
    return at && *at == '}' ? at + 1 : NULL;
}

enum reference_found reference_next(const char *text, struct reference *at)
{
    const char *begin = strstr(text + at->end, "#{");
    if (!begin) return REFERENCE_NONE;
    const char *behind = body_take(begin + 2, at);
    at->begin = (size_t)(begin - text);
    if (behind) {
        at->end = (size_t)(behind - text);
        return REFERENCE_GOOD;
    }
    const char *brace = strchr(begin, '}');
    at->end = (size_t)((brace ? brace + 1 : begin + 2) - text);
    at->scope[0] = at->name[0] = '\0';
    return REFERENCE_MALFORMED;
}
