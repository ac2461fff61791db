/* The permissions of an appspec: what owner, mode, ACL and SELinux context installed files get. */
#include "bundle/appspec_reader.h"

#include <string.h>

enum { MODE_DIGITS_MAX = 4, ACL_FIELDS_MIN = 2, ACL_FIELDS_MAX = 4, CATEGORY_MAX = 1023 };

static bool read_types(struct appspec_reader *r, const struct doc_node *node, unsigned *out)
{
    if (doc_is_null(node)) return true;
    if (node->kind != DOC_SEQUENCE)
        return appspec_complain(r, node,
                                "must be a list: write \"[file]\", \"[directory]\" or "
                                "\"[file, directory]\"");
    unsigned types = 0;
    doc_for_each (item, node) {
        bool is_file = item->kind == DOC_SCALAR && strcmp(item->text, "file") == 0;
        bool is_directory = item->kind == DOC_SCALAR && strcmp(item->text, "directory") == 0;
        if (is_file) types |= APPSPEC_TYPE_FILE;
        if (is_directory) types |= APPSPEC_TYPE_DIRECTORY;
        if (!is_file && !is_directory &&
            !appspec_complain(r, item, "the type must be file or directory"))
            return false;
    }
    *out = types;
    return true;
}

static bool read_mode(struct appspec_reader *r, const struct doc_node *node,
                      struct appspec_permission *out)
{
    const char *text;
    struct error why;
    if (doc_is_null(node)) return true;
    if (!doc_text(node, &text, &why)) return appspec_complain_of(r, &why);
    if (strlen(text) > MODE_DIGITS_MAX)
        return appspec_complain(r, node,
                                "the mode \"%.60s\" is longer than four digits: write "
                                "644 or \"0644\"",
                                text);
    if (strspn(text, "01234567") != strlen(text))
        return appspec_complain(r, node,
                                "the mode \"%s\" must consist of digits from 0 to 7: "
                                "write 644 or \"0644\"",
                                text);
    if (!*text) appspec_warn(r, node, "an empty mode takes every permission away: write 644");
    out->has_mode = true;
    out->mode = 0;
    for (; *text; text++) out->mode = out->mode * 8 + (unsigned)(*text - '0');
    return true;
}

/* Up to ACL_FIELDS_MAX texts between colons; more are counted, not kept. */
static size_t split(struct arena *arena, const char *text, const char *fields[ACL_FIELDS_MAX])
{
    for (size_t count = 0;; count++) {
        size_t len = strcspn(text, ":");
        if (count < ACL_FIELDS_MAX) fields[count] = arena_text_of(arena, text, len);
        if (!text[len]) return count + 1;
        text += len + 1;
    }
}

static bool is_word(const char *text, const char *letter, const char *word)
{
    return strcmp(text, letter) == 0 || strcmp(text, word) == 0;
}

static bool kind_of(const char *word, enum appspec_acl_kind *out)
{
    if (is_word(word, "u", "user"))
        *out = APPSPEC_ACL_USER;
    else if (is_word(word, "g", "group"))
        *out = APPSPEC_ACL_GROUP;
    else if (is_word(word, "m", "mask"))
        *out = APPSPEC_ACL_MASK;
    else if (is_word(word, "o", "other"))
        *out = APPSPEC_ACL_OTHER;
    else
        return false;
    return true;
}

/* "rwx", "r-x" or one octal digit. */
static bool acl_perms(const char *text, unsigned *out)
{
    unsigned perms = 0;
    if (*text >= '0' && *text <= '7' && !text[1]) {
        *out = (unsigned)(*text - '0');
        return true;
    }
    for (; *text; text++) {
        if (*text == 'r')
            perms |= 4;
        else if (*text == 'w')
            perms |= 2;
        else if (*text == 'x')
            perms |= 1;
        else if (*text != '-')
            return false;
    }
    *out = perms;
    return true;
}

/* The words in front of the permissions: [default:][type:]name, where a lone mask or other is a
 * type, and anything else without a type is a user's name. The agent reads "d:u:rw" as the
 * default entry of a user called u, and so do we. */
static bool acl_words(const char *const *fields, size_t count, struct appspec_acl *out)
{
    bool typed = false;
    if (count == ACL_FIELDS_MAX) {
        if (!is_word(fields[0], "d", "default")) return false;
        out->is_default = true;
    }
    if (count >= ACL_FIELDS_MAX - 1) {
        const char *word = fields[count - 3];
        if (!out->is_default && is_word(word, "d", "default"))
            out->is_default = true;
        else if (kind_of(word, &out->kind))
            typed = true;
        else
            return false;
    }
    const char *name = fields[count - 2];
    bool is_mask = is_word(name, "m", "mask"), is_other = is_word(name, "o", "other");
    out->name = name;
    if (is_mask || is_other) {
        out->name = typed ? (is_mask ? "mask" : "other") : "";
        if (!typed) out->kind = is_mask ? APPSPEC_ACL_MASK : APPSPEC_ACL_OTHER;
    } else if (!typed) {
        out->kind = APPSPEC_ACL_USER;
    }
    return true;
}

bool appspec_read_acl(struct appspec_reader *r, const struct doc_node *node,
                      struct appspec_acl *out)
{
    const char *text, *fields[ACL_FIELDS_MAX] = { 0 };
    struct error why;
    *out = (struct appspec_acl){ 0 };
    if (!doc_text(node, &text, &why)) return appspec_complain_of(r, &why);
    size_t count = split(r->arena, text, fields);
    if (count < ACL_FIELDS_MIN || count > ACL_FIELDS_MAX)
        return appspec_complain(r, node,
                                "the ACL entry \"%.100s\" must have two to four fields: "
                                "write \"user:NAME:rw-\" or \"default:user:NAME:rw-\"",
                                text);
    if (!acl_words(fields, count, out))
        return appspec_complain(r, node,
                                "the ACL entry \"%.100s\" must begin with user, group, "
                                "mask, other or default",
                                text);
    bool nameless = out->kind == APPSPEC_ACL_MASK || out->kind == APPSPEC_ACL_OTHER;
    if (nameless && *out->name)
        return appspec_complain(r, node,
                                "the ACL entry \"%.100s\" must not name anybody: mask "
                                "and other have no name",
                                text);
    if (!out->is_default && out->kind != APPSPEC_ACL_MASK && !*out->name)
        return appspec_complain(r, node,
                                "the ACL entry \"%.100s\" names nobody: owner, group and "
                                "other are set by \"mode\"",
                                text);
    if (!acl_perms(fields[count - 1], &out->perms))
        return appspec_complain(r, node,
                                "the ACL entry \"%.100s\" must end in one digit from 0 "
                                "to 7 or in r, w, x and -",
                                text);
    out->text = text;
    return true;
}

static bool read_acls(struct appspec_reader *r, const struct doc_node *node,
                      struct appspec_permission *out)
{
    if (doc_is_null(node)) return true;
    if (node->kind != DOC_SEQUENCE)
        return appspec_complain(r, node,
                                "must be a list: write \"- user:NAME:rw-\" below \"acls:\"");
    struct appspec_acl *acls = arena_calloc(r->arena, node->count, sizeof *acls);
    out->acls = acls;
    doc_for_each (item, node) {
        if (!appspec_read_acl(r, item, &acls[out->acl_count])) return false;
        if (acls[out->acl_count].text) out->acl_count++;
    }
    return true;
}

/* A letter and a number, as in s0 or c1023; the cursor moves behind it. */
static bool level(const char **cursor, char letter, unsigned max, unsigned *out)
{
    const char *t = *cursor;
    unsigned value = 0;
    if (*t++ != letter || *t < '0' || *t > '9') return false;
    for (; *t >= '0' && *t <= '9'; t++) {
        value = value * 10 + (unsigned)(*t - '0');
        if (value > max) return false;
    }
    *cursor = t;
    *out = value;
    return true;
}

/* s#[-s#][:c#[.c#][,c#[.c#]]...], as range_info reads it: ascending, no category twice. */
static bool is_range(const char *t)
{
    enum { SENSITIVITY_MAX = 100000 };
    bool used[CATEGORY_MAX + 1] = { false };
    unsigned low, high;
    if (!level(&t, 's', SENSITIVITY_MAX, &low)) return false;
    high = low;
    if (*t == '-') {
        t++;
        if (!level(&t, 's', SENSITIVITY_MAX, &high)) return false;
    }
    if (high < low) return false;
    if (!*t) return true;
    if (*t != ':') return false;
    do {
        t++;
        if (!level(&t, 'c', CATEGORY_MAX, &low)) return false;
        high = low;
        if (*t == '.') {
            t++;
            if (!level(&t, 'c', CATEGORY_MAX, &high)) return false;
        }
        if (high < low) return false;
        for (unsigned c = low; c <= high; c++) {
            if (used[c]) return false;
            used[c] = true;
        }
    } while (*t == ',');
    return !*t;
}

bool appspec_read_context(struct appspec_reader *r, const struct doc_node *node,
                          struct appspec_context *out)
{
    struct error why;
    if (doc_is_null(node)) return true;
    struct appspec_context c = { .present = true };
    if (node->kind != DOC_MAPPING)
        return appspec_complain(r, node, "must be a mapping with name, type and range");
    if (doc_is_null(doc_get(node, "type")))
        return appspec_complain(r, node, "the SELinux context has no type: write \"type: NAME_t\"");
    if (!doc_get_text(node, "type", DOC_REQUIRED, &c.type, &why) ||
        !doc_get_text(node, "name", DOC_OPTIONAL, &c.user, &why) ||
        !doc_get_text(node, "range", DOC_OPTIONAL, &c.range, &why))
        return appspec_complain_of(r, &why);
    if (c.range && !is_range(c.range))
        return appspec_complain(r, doc_get(node, "range"),
                                "\"%.100s\" is no SELinux range: write it as s0, s0-s3 or "
                                "s0:c1,c3.c5, the lower one first",
                                c.range);
    *out = c;
    return true;
}

static bool read_except(struct appspec_reader *r, const struct doc_node *node,
                        struct appspec_permission *out)
{
    struct error why;
    if (doc_is_null(node)) return true;
    if (node->kind != DOC_SEQUENCE)
        return appspec_complain(r, node, "must be a list: write \"[NAME, ...]\"");
    const char **except = arena_calloc(r->arena, node->count, sizeof *except);
    out->except = except;
    doc_for_each (item, node) {
        if (doc_text(item, &except[out->except_count], &why))
            out->except_count++;
        else if (!appspec_complain_of(r, &why))
            return false;
    }
    return true;
}

static bool read_names(struct appspec_reader *r, const struct doc_node *node,
                       struct appspec_permission *out)
{
    struct error why;
    if (doc_get_text(node, "owner", DOC_OPTIONAL, &out->owner, &why) &&
        doc_get_text(node, "group", DOC_OPTIONAL, &out->group, &why))
        return true;
    return appspec_complain_of(r, &why);
}

static bool read_permission(struct appspec_reader *r, const struct doc_node *node,
                            struct appspec_permission *out)
{
    static const char no_object[] = "no object is given: name the file or folder as installed";
    struct error why;
    *out = (struct appspec_permission){ .pattern = "**",
                                        .types = APPSPEC_TYPE_FILE | APPSPEC_TYPE_DIRECTORY,
                                        .line = node->line,
                                        .column = node->column };
    if (node->kind != DOC_MAPPING)
        return appspec_complain(r, node, "must be a mapping with an object");
    const struct doc_node *object = doc_get(node, "object");
    const char *text = NULL;
    if (doc_is_null(object)) return appspec_complain(r, object ? object : node, "%s", no_object);
    if (!appspec_stripped(r, object, &text)) return false;
    if (!text) return true; /* complained of already */
    if (!*text) return appspec_complain(r, object, "%s", no_object);
    if (!doc_get_text(node, "pattern", DOC_OPTIONAL, &out->pattern, &why) &&
        !appspec_complain_of(r, &why))
        return false;
    if (!read_except(r, doc_get(node, "except"), out) ||
        !read_types(r, doc_get(node, "type"), &out->types) || !read_names(r, node, out) ||
        !read_mode(r, doc_get(node, "mode"), out) || !read_acls(r, doc_get(node, "acls"), out) ||
        !appspec_read_context(r, doc_get(node, "context"), &out->context))
        return false;
    out->object = text;
    return true;
}

bool appspec_read_permissions(struct appspec_reader *r, const struct doc_node *list)
{
    if (doc_is_null(list)) return true;
    if (list->kind != DOC_SEQUENCE)
        return appspec_complain(r, list, "must be a list: write \"- object: ...\" below it");
    struct appspec_permission *all = arena_calloc(r->arena, list->count, sizeof *all);
    r->spec->permissions = all;
    doc_for_each (node, list) {
        if (!read_permission(r, node, &all[r->spec->permission_count])) return false;
        if (all[r->spec->permission_count].object) r->spec->permission_count++;
    }
    return true;
}
