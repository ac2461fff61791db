#include "steps/sealed.h"

#include "io/digest.h"
#include "io/fs.h"

#include <string.h>

/* The body's length stands behind the magic, so that marks may follow the seal. */
enum { NUMBER_SIZE = 8, MARKS_MAX = 64 };

static void number_format(uint64_t number, uint8_t out[NUMBER_SIZE])
{
    for (size_t i = 0; i < NUMBER_SIZE; i++) out[i] = (uint8_t)(number >> (8 * i));
}

static uint64_t number_parse(const uint8_t from[NUMBER_SIZE])
{
    uint64_t number = 0;
    for (size_t i = NUMBER_SIZE; i-- > 0;) number = number << 8 | from[i];
    return number;
}

static void append(struct sealed_writer *w, const void *data, size_t len)
{
    struct error ignored;
    if (!w->full && !buf_append(&w->body, data, len, &ignored)) w->full = true;
}

void sealed_init(struct sealed_writer *w, const char *magic, size_t max)
{
    *w = (struct sealed_writer){ .full = false };
    buf_init(&w->body, max);
    append(w, magic, strlen(magic));
    sealed_put(w, 0);
}

void sealed_deinit(struct sealed_writer *w)
{
    buf_deinit(&w->body);
}

void sealed_put(struct sealed_writer *w, uint64_t number)
{
    uint8_t bytes[NUMBER_SIZE];
    number_format(number, bytes);
    append(w, bytes, sizeof bytes);
}

void sealed_put_bytes(struct sealed_writer *w, struct bytes bytes)
{
    sealed_put(w, bytes.len);
    append(w, bytes.data, bytes.len);
}

void sealed_put_text(struct sealed_writer *w, const char *text)
{
    sealed_put_bytes(w, bytes_of_text(text));
}

bool sealed_write(struct sealed_writer *w, const char *path, struct error *err)
{
    /* The magic ends with the file's only guaranteed newline; the length follows it. */
    if (!w->full) {
        const uint8_t *newline = memchr(w->body.data, '\n', w->body.len);
        number_format(w->body.len, w->body.data + (newline - w->body.data) + 1);
        uint8_t seal[DIGEST_SIZE];
        digest_sha256(buf_bytes(&w->body), seal);
        append(w, seal, sizeof seal);
    }
    if (w->full)
        return error_set(err, ERR_NO_SPACE, "write '%s': more than the limit of %zu bytes", path,
                         w->body.max);
    return fs_write_atomic(path, buf_bytes(&w->body), 0600, err);
}

static bool check_seal(struct sealed_reader *r, const char *magic, bool marks)
{
    size_t magic_len = strlen(magic);
    if (r->file.len < magic_len + NUMBER_SIZE + DIGEST_SIZE) return false;
    if (memcmp(r->file.data, magic, magic_len) != 0) return false;
    uint64_t body_len = number_parse(r->file.data + magic_len);
    if (body_len < magic_len + NUMBER_SIZE) return false;
    if (body_len > r->file.len - DIGEST_SIZE) return false;
    uint8_t seal[DIGEST_SIZE];
    digest_sha256(bytes_of(r->file.data, (size_t)body_len), seal);
    if (memcmp(seal, r->file.data + body_len, DIGEST_SIZE) != 0) return false;
    r->sealed_len = (size_t)body_len + DIGEST_SIZE;
    r->rest = bytes_of(r->file.data + magic_len + NUMBER_SIZE,
                       (size_t)body_len - magic_len - NUMBER_SIZE);
    return r->file.len == r->sealed_len || marks;
}

bool sealed_open(struct sealed_reader *r, const char *path, const char *magic, size_t max,
                 struct bytes *marks, struct error *err)
{
    *r = (struct sealed_reader){ .broken = false };
    buf_init(&r->file, max + MARKS_MAX);
    if (!fs_read_file(path, &r->file, err)) return false;
    if (!check_seal(r, magic, marks != NULL)) {
        sealed_close(r);
        return error_set(err, ERR_CORRUPT, "'%s' is damaged or of another version", path);
    }
    if (marks) *marks = bytes_of(r->file.data + r->sealed_len, r->file.len - r->sealed_len);
    return true;
}

void sealed_close(struct sealed_reader *r)
{
    buf_deinit(&r->file);
    r->rest = bytes_of(NULL, 0);
}

uint64_t sealed_get(struct sealed_reader *r)
{
    if (r->rest.len < NUMBER_SIZE) {
        r->broken = true;
        r->rest.len = 0;
        return 0;
    }
    uint64_t number = number_parse(r->rest.data);
    r->rest = bytes_of(r->rest.data + NUMBER_SIZE, r->rest.len - NUMBER_SIZE);
    return number;
}

struct bytes sealed_get_bytes(struct sealed_reader *r, struct arena *arena)
{
    uint64_t len = sealed_get(r);
    char *copy = NULL;
    if (len <= r->rest.len) copy = arena_take(arena, (size_t)len + 1, 1);
    if (!copy) {
        r->broken = true;
        return bytes_of(NULL, 0);
    }
    if (len > 0) memcpy(copy, r->rest.data, (size_t)len);
    r->rest = bytes_of(r->rest.data + len, r->rest.len - (size_t)len);
    return bytes_of(copy, (size_t)len);
}

const char *sealed_get_text(struct sealed_reader *r, struct arena *arena)
{
    struct bytes bytes = sealed_get_bytes(r, arena);
    if (!bytes.data) return "";
    if (memchr(bytes.data, '\0', bytes.len)) r->broken = true;
    return (const char *)bytes.data;
}
