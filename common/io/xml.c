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

/* A tag from '<' to behind '>'. */
struct tag {
    const char *at, *end, *name;
    size_t name_len;
    bool opens, closes; /* an empty element does both; a declaration nothing */
};

static bool tag_next(const char *from, const char *end, struct tag *out)
{
    const char *at = from < end ? memchr(from, '<', (size_t)(end - from)) : NULL;
    const char *close = at ? memchr(at, '>', (size_t)(end - at)) : NULL;
    if (!close) return false;
    *out = (struct tag){ .at = at, .end = close + 1, .name = at + 1 };
    if (*out->name == '?' || *out->name == '!') return true;
    out->closes = *out->name == '/' || close[-1] == '/';
    out->opens = *out->name != '/';
    while (out->name + out->name_len < close && !strchr(" \t\r\n/", out->name[out->name_len]))
        out->name_len++;
    return true;
}

bool xml_each(struct bytes xml, xml_each_fn fn, void *owner)
{
    const char *end = (const char *)xml.data + xml.len, *begin = NULL;
    char name[XML_NAME_SIZE] = "";
    struct tag tag = { .end = (const char *)xml.data };
    size_t inside = 0;
    while (xml.len > 0 && tag_next(tag.end, end, &tag)) {
        if (tag.opens && inside == 1) {
            begin = tag.at;
            if (tag.name_len >= sizeof name) return false;
            memcpy(name, tag.name, tag.name_len);
            name[tag.name_len] = '\0';
        }
        if (tag.opens) inside++;
        if (!tag.closes) continue;
        if (inside == 2 && begin && !fn(owner, name, bytes_of(begin, (size_t)(tag.end - begin))))
            return false;
        if (inside-- <= 1) return true;
    }
    return false;
}
