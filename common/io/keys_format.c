#include "io/keys_internal.h"

static bool keys_put(struct buf *out, const char *before, const char *text, const char *after,
                     struct error *err)
{
    /* In single quotes YAML knows one special letter, the quote, which is doubled. */
    if (!buf_append_text(out, before, err) || !buf_append_text(out, "'", err)) return false;
    for (const char *c = text; *c; c++)
        if (!buf_append(out, c, 1, err) || (*c == '\'' && !buf_append(out, c, 1, err)))
            return false;
    return buf_append_text(out, "'", err) && buf_append_text(out, after, err);
}

static bool keys_put_principal(struct buf *out, const struct keys_principal *p, struct error *err)
{
    if (!keys_put(out, "- name: ", p->name, "\n", err)) return false;
    if (p->kind == KEYS_CLIENT && !keys_put(out, "  role: ", keys_role_name(p->role), "\n", err))
        return false;
    if (p->kind == KEYS_WORKER && !keys_put(out, "  region: ", p->region, "\n", err)) return false;
    if (!keys_put(out, "  key: ", p->key_z85, "\n", err)) return false;
    if (p->tag_count > 0 && !buf_append_text(out, "  tags:\n", err)) return false;
    for (size_t i = 0; i < p->tag_count; i++)
        if (!keys_put(out, "    ", p->tags[i].key, ": ", err) ||
            !keys_put(out, "", p->tags[i].value, "\n", err))
            return false;
    return true;
}

static bool keys_put_kind(struct buf *out, enum keys_kind kind, const struct keys_registry *r,
                          const struct keys_principal *without, const struct keys_principal *with,
                          struct error *err)
{
    size_t start = out->len, before = start;
    if (!buf_append_text(out, keys_kind_domain(kind), err)) return false;
    if (!buf_append_text(out, ":\n", err)) return false;
    start = out->len;
    for (size_t i = 0; r && i < keys_registry_count(r); i++) {
        const struct keys_principal *p = keys_registry_at(r, i);
        if (p->kind == kind && p != without && !keys_put_principal(out, p, err)) return false;
    }
    if (with && with->kind == kind && !keys_put_principal(out, with, err)) return false;
    if (out->len > start) return true;
    out->len = before;
    return buf_append_text(out, keys_kind_domain(kind), err) && buf_append_text(out, ": []\n", err);
}

bool keys_registry_format(const struct keys_registry *r, const struct keys_principal *without,
                          const struct keys_principal *with, struct buf *out, struct error *err)
{
    static const char head[] =
        "# Who may connect to this coordinator. Written by `meridian keys`, which keeps no\n"
        "# comments; changes by hand are read by a running coordinator as well.\n";
    if (!buf_append_text(out, head, err)) return false;
    if (!keys_put_kind(out, KEYS_WORKER, r, without, with, err)) return false;
    if (!keys_put_kind(out, KEYS_CLIENT, r, without, with, err)) return false;
    AUTO(keys_registry_free) struct keys_registry *again = NULL;
    return keys_registry_parse(buf_bytes(out), &again, err);
}
