#include "base/id.h"

#include <stdio.h>
#include <string.h>

static const char alphanumeric[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwxyz";

struct id id_new_uuid(struct prng *random)
{
    uint64_t a = prng_next(random), b = prng_next(random);
    a = (a & ~UINT64_C(0xf000)) | UINT64_C(0x4000);
    b = (b & ~(UINT64_C(3) << 62)) | (UINT64_C(2) << 62);
    struct id id;
    snprintf(id.text, sizeof id.text, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(a >> 32),
             (unsigned)(a >> 16) & 0xffffu, (unsigned)a & 0xffffu, (unsigned)(b >> 48),
             (unsigned long long)(b & UINT64_C(0xffffffffffff)));
    return id;
}

struct id id_new_deployment(struct prng *random)
{
    struct id id = { .text = "d-" };
    for (size_t i = 2; i < 11; i++) id.text[i] = alphanumeric[prng_below(random, 36)];
    return id;
}

struct id id_new_version(struct prng *random)
{
    struct id id = { .text = "" };
    for (size_t i = 0; i < 32; i++) id.text[i] = alphanumeric[prng_below(random, 62)];
    return id;
}

static bool id_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

bool id_parse(const char *text, struct id *out)
{
    size_t len = strlen(text);
    if (len == 0 || len >= ID_SIZE) return false;
    for (size_t i = 0; i < len; i++)
        if (!id_char(text[i])) return false;
    *out = (struct id){ .text = "" };
    memcpy(out->text, text, len);
    return true;
}

bool id_equal(const struct id *a, const struct id *b)
{
    return strcmp(a->text, b->text) == 0;
}

bool id_empty(const struct id *id)
{
    return id->text[0] == '\0';
}
