#include "steps/install/manifest.h"

#include "io/fs.h"
#include "steps/sealed.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char magic[] = "meridian manifest 1\n";

void manifest_init(struct manifest *m)
{
    *m = (struct manifest){ .deployment = "" };
    arena_init(&m->arena, MANIFEST_MEMORY_MAX);
}

void manifest_deinit(struct manifest *m)
{
    if (!m) return;
    free(m->entries);
    arena_deinit(&m->arena);
    *m = (struct manifest){ .deployment = "" };
}

/* The path must live as long as the manifest. */
void manifest_add_kept(struct manifest *m, enum manifest_kind kind, const char *path)
{
    if (m->count == m->cap) {
        m->cap = m->cap ? 2 * m->cap : 64;
        m->entries = xrealloc(m->entries, m->cap * sizeof *m->entries);
    }
    m->entries[m->count++] = (struct manifest_entry){ kind, path };
}

void manifest_add(struct manifest *m, enum manifest_kind kind, const char *path)
{
    manifest_add_kept(m, kind, arena_text(&m->arena, path));
}

bool manifest_write(const struct manifest *m, const char *path, struct error *err)
{
    struct sealed_writer w AUTO(sealed_deinit);
    sealed_init(&w, magic, MANIFEST_BYTES_MAX);
    sealed_put_text(&w, m->deployment);
    sealed_put(&w, m->count);
    for (size_t i = 0; i < m->count; i++) {
        sealed_put(&w, (uint64_t)m->entries[i].kind);
        sealed_put_text(&w, m->entries[i].path);
    }
    return sealed_write(&w, path, err);
}

bool manifest_read(struct manifest *m, const char *path, struct error *err)
{
    struct sealed_reader r AUTO(sealed_close) = { .broken = false };
    struct error why;
    if (!sealed_open(&r, path, magic, MANIFEST_BYTES_MAX, NULL, &why)) {
        if (why.code == ERR_NOT_FOUND) return true;
        return error_set(err, why.code, "%s", why.text);
    }
    m->deployment = sealed_get_text(&r, &m->arena);
    uint64_t count = sealed_get(&r);
    for (uint64_t i = 0; i < count && !r.broken; i++) {
        uint64_t kind = sealed_get(&r);
        const char *name = sealed_get_text(&r, &m->arena);
        if (kind > MANIFEST_CONTEXT || name[0] != '/' || count > MANIFEST_ENTRIES_MAX)
            r.broken = true;
        else
            manifest_add_kept(m, (enum manifest_kind)kind, name);
    }
    if (r.broken || r.rest.len > 0)
        return error_set(err, ERR_CORRUPT, "'%s' is damaged or of another version", path);
    return true;
}

/* One line of the agent's list: a path, or "semanage", NUL, a path. A folder is told from a file
 * by looking at it, as the agent does. */
static void add_line(struct manifest *m, const char *line, size_t len)
{
    static const char semanage[] = "semanage";
    enum manifest_kind kind = MANIFEST_FILE;
    if (len >= sizeof semanage && memcmp(line, semanage, sizeof semanage) == 0) {
        kind = MANIFEST_CONTEXT;
        line += sizeof semanage;
        len -= sizeof semanage;
    }
    while (len > 0 && strchr(" \t\r\n\v\f", line[len - 1])) len--;
    if (len == 0 || line[0] != '/' || memchr(line, '\0', len)) return;
    const char *path = arena_text_of(&m->arena, line, len);
    struct stat info;
    if (kind == MANIFEST_FILE && lstat(path, &info) == 0 && S_ISDIR(info.st_mode))
        kind = MANIFEST_FOLDER;
    manifest_add_kept(m, kind, path);
}

bool manifest_read_agent(struct manifest *m, const char *path, struct error *err)
{
    struct buf text AUTO(buf_deinit) = { .max = 0 };
    buf_init(&text, MANIFEST_BYTES_MAX);
    struct error why;
    if (!fs_read_file(path, &text, &why)) {
        if (why.code == ERR_NOT_FOUND) return true;
        return error_set(err, why.code, "%s", why.text);
    }
    const char *at = (const char *)text.data, *end = at + text.len;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (!newline) break; /* a cut last line names nothing that can be trusted */
        if (m->count < MANIFEST_ENTRIES_MAX) add_line(m, at, (size_t)(newline - at));
        at = newline + 1;
    }
    return true;
}
