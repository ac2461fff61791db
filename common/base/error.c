#include "base/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#undef error_set
#undef error_wrap

bool error_set(struct error *err, enum error_code code, const char *format, ...)
{
    assert(code != ERR_NONE);
    va_list args;
    va_start(args, format);
    err->code = code;
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return false;
}

bool error_wrap(struct error *err, const char *format, ...)
{
    assert(err->code != ERR_NONE);
    char old[ERROR_TEXT_SIZE];
    memcpy(old, err->text, sizeof old);
    va_list args;
    va_start(args, format);
    int used = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    assert(used >= 0);
    if ((size_t)used < sizeof err->text)
        snprintf(err->text + used, sizeof err->text - (size_t)used, ": %s", old);
    return false;
}

const char *error_code_name(enum error_code code)
{
    switch (code) {
    case ERR_NONE: return "none";
    case ERR_RETRY: return "retry";
    case ERR_NOT_FOUND: return "not-found";
    case ERR_INVALID: return "invalid";
    case ERR_CONFLICT: return "conflict";
    case ERR_DENIED: return "denied";
    case ERR_NO_SPACE: return "no-space";
    case ERR_CORRUPT: return "corrupt";
    case ERR_FATAL: return "fatal";
    }
    assert(false);
    return "";
}
