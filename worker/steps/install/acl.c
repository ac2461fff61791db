#include "steps/install/acl.h"

#include "steps/account.h"

#include <assert.h>
#include <endian.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdlib.h>
#include <string.h>

/* The kernel's ACL_UNDEFINED_ID, which its header writes as a negative number. */
#define NO_ID UINT32_MAX

bool acl_has_default(const struct appspec_acl *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (from[i].is_default) return true;
    }
    return false;
}

void acl_deinit(struct acl *acl)
{
    if (!acl) return;
    free(acl->entries);
    *acl = (struct acl){ .count = 0 };
}

static bool same(const struct acl_entry *a, const struct acl_entry *b)
{
    if (a->is_default != b->is_default || a->kind != b->kind) return false;
    return a->named == b->named && a->id == b->id;
}

static bool resolve_one(const struct appspec_acl *from, struct acl_entry *out, struct error *err)
{
    *out = (struct acl_entry){ .is_default = from->is_default,
                               .kind = from->kind,
                               .named = from->name[0] != '\0',
                               .id = NO_ID,
                               .perms = from->perms };
    if (!out->named) return true;
    if (from->kind == APPSPEC_ACL_USER) return account_user(from->name, true, &out->id, err);
    return account_group(from->name, true, &out->id, err);
}

bool acl_resolve(const struct appspec_acl *from, size_t count, struct acl *out, struct error *err)
{
    if (count > ACL_ENTRIES_MAX)
        return error_set(err, ERR_INVALID, "more than %d acls", ACL_ENTRIES_MAX);
    struct acl acl = { .entries = xcalloc(count ? count : 1, sizeof *acl.entries) };
    for (size_t i = 0; i < count; i++) {
        bool ok = resolve_one(&from[i], &acl.entries[i], err);
        for (size_t k = 0; ok && k < i; k++) {
            if (same(&acl.entries[k], &acl.entries[i]))
                ok = error_set(err, ERR_INVALID, "two acls for the same '%s': remove one",
                               from[i].text);
        }
        if (!ok) {
            acl_deinit(&acl);
            return false;
        }
        acl.count++;
    }
    *out = acl;
    return true;
}

struct row {
    uint16_t tag, perms;
    uint32_t id;
};

struct rows {
    struct row at[ACL_ENTRIES_MAX + 8];
    size_t count;
};

static void add(struct rows *rows, uint16_t tag, unsigned perms, uint32_t id)
{
    assert(rows->count < sizeof rows->at / sizeof rows->at[0]);
    rows->at[rows->count++] = (struct row){ tag, (uint16_t)(perms & 7), id };
}

static const struct row *find(const struct rows *rows, uint16_t tag)
{
    for (size_t i = 0; i < rows->count; i++) {
        if (rows->at[i].tag == tag) return &rows->at[i];
    }
    return NULL;
}

static uint16_t tag_of(const struct acl_entry *entry)
{
    switch (entry->kind) {
    case APPSPEC_ACL_USER: return entry->named ? ACL_USER : ACL_USER_OBJ;
    case APPSPEC_ACL_GROUP: return entry->named ? ACL_GROUP : ACL_GROUP_OBJ;
    case APPSPEC_ACL_MASK: return ACL_MASK;
    case APPSPEC_ACL_OTHER: return ACL_OTHER;
    }
    return ACL_OTHER;
}

static int compare(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->tag != y->tag) return x->tag < y->tag ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static void select_rows(const struct acl *acl, bool is_default, mode_t mode, struct rows *rows)
{
    rows->count = 0;
    for (size_t i = 0; i < acl->count; i++) {
        const struct acl_entry *entry = &acl->entries[i];
        if (entry->is_default == is_default) add(rows, tag_of(entry), entry->perms, entry->id);
    }
    if (is_default && rows->count == 0) return;
    if (!find(rows, ACL_USER_OBJ)) add(rows, ACL_USER_OBJ, mode >> 6, NO_ID);
    if (!find(rows, ACL_GROUP_OBJ)) add(rows, ACL_GROUP_OBJ, mode >> 3, NO_ID);
    if (!find(rows, ACL_OTHER)) add(rows, ACL_OTHER, mode, NO_ID);
    bool named = find(rows, ACL_USER) || find(rows, ACL_GROUP);
    if (named && !find(rows, ACL_MASK)) {
        unsigned mask = is_default ? find(rows, ACL_GROUP_OBJ)->perms : mode >> 3;
        add(rows, ACL_MASK, mask, NO_ID);
    }
    qsort(rows->at, rows->count, sizeof rows->at[0], compare);
}

static size_t write_rows(const struct rows *rows, uint8_t out[ACL_BYTES_MAX])
{
    if (rows->count == 0) return 0;
    struct posix_acl_xattr_header header = { .a_version = htole32(POSIX_ACL_XATTR_VERSION) };
    memcpy(out, &header, sizeof header);
    size_t len = sizeof header;
    for (size_t i = 0; i < rows->count; i++) {
        struct posix_acl_xattr_entry entry = { .e_tag = htole16(rows->at[i].tag),
                                               .e_perm = htole16(rows->at[i].perms),
                                               .e_id = htole32(rows->at[i].id) };
        memcpy(out + len, &entry, sizeof entry);
        len += sizeof entry;
    }
    return len;
}

void acl_format(const struct acl *acl, mode_t mode, uint8_t access[ACL_BYTES_MAX],
                size_t *access_len, uint8_t defaults[ACL_BYTES_MAX], size_t *default_len)
{
    struct rows rows;
    select_rows(acl, false, mode, &rows);
    *access_len = write_rows(&rows, access);
    select_rows(acl, true, mode, &rows);
    *default_len = write_rows(&rows, defaults);
}
