#include "io/xml.h"

#include <string.h>

/* The length of what is written up to '<'; `out` NULL: only measured. Negative: none, or not for
 * people. */
static long copy_text(const char *at, const char *end, char *out)
{
    static const struct {
        const char *name;
        char letter;
    } entities[] = {
        { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' }, { "&quot;", '"' }, { "&apos;", '\'' }
    };
    long used = 0;
    while (at < end && *at != '<') {
        char letter = *at;
        size_t taken = 1;
        for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
            size_t len = strlen(entities[i].name);
            if ((size_t)(end - at) < len || memcmp(at, entities[i].name, len) != 0) continue;
            letter = entities[i].letter;
            taken = len;
        }
        if ((unsigned char)letter < ' ') return -1;
        if (out) out[used] = letter;
        used++;
        at += taken;
    }
    return at < end ? used : -1;
}

static bool take_text(const char *at, const char *end, char *out, size_t size)
{
    long len = copy_text(at, end, NULL);
    if (len < 0 || (size_t)len >= size) return false;
    (void)copy_text(at, end, out);
    out[len] = '\0';
    return true;
}

bool xml_text(struct bytes xml, const char *name, unsigned depth, char *out, size_t size)
{
    const char *at = (const char *)xml.data, *end = at + xml.len;
    size_t len = strlen(name), inside = 0;
    while (xml.len > 0 && (at = memchr(at, '<', (size_t)(end - at)))) {
        const char *close = memchr(at, '>', (size_t)(end - at));
        if (!close) return false;
        const char *tag = at + 1;
        at = close + 1;
        if (*tag == '?' || *tag == '!') continue; /* declaration, comment */
        if (*tag == '/') {
            if (inside-- <= 1) return false; /* the root has ended */
            continue;
        }
        size_t tag_len = 0;
        while (tag + tag_len < close && !strchr(" \t\r\n/", tag[tag_len])) tag_len++;
        if (close[-1] == '/') continue; /* empty */
        if (inside == depth && tag_len == len && memcmp(tag, name, len) == 0)
            return take_text(at, end, out, size);
        inside++;
    }
    return false;
}
