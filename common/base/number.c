#include "base/number.h"

bool number_parse_bytes(struct bytes text, uint64_t max, uint64_t *out)
{
    if (text.len == 0 || text.len > 20) return false;
    if (text.len > 1 && text.data[0] == '0') return false;
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return false;
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (value > (UINT64_MAX - digit) / 10) return false;
        value = value * 10 + digit;
    }
    if (value > max) return false;
    *out = value;
    return true;
}

bool number_parse(const char *text, uint64_t max, uint64_t *out)
{
    return number_parse_bytes(bytes_of_text(text), max, out);
}
