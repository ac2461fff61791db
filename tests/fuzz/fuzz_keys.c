/* fuzz_keys - registry.yml, which people edit by hand: it is refused, or understood so well that
 * what `meridian keys` would write back says the same. */
#include "io/keys_internal.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const struct keys_principal *a, const struct keys_principal *b)
{
    assert(a->kind == b->kind);
    assert(a->role == b->role);
    assert(text_equal(a->name, b->name));
    assert(text_equal(a->region, b->region));
    assert(text_equal(a->key_z85, b->key_z85));
    assert(memcmp(a->key, b->key, KEYS_RAW_SIZE) == 0);
    assert(a->tag_count == b->tag_count);
    for (size_t i = 0; i < a->tag_count; i++) {
        assert(text_equal(a->tags[i].key, b->tags[i].key));
        assert(text_equal(a->tags[i].value, b->tags[i].value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = { 0 };
    AUTO(keys_registry_free) struct keys_registry *r = NULL, *again = NULL;
    AUTO(buf_deinit) struct buf text;
    buf_init(&text, (size_t)8 * KEYS_REGISTRY_MAX);
    if (!keys_registry_parse(bytes_of(data, size), &r, &err)) {
        assert(err.code == ERR_INVALID);
        return 0;
    }
    bool written = keys_registry_format(r, NULL, NULL, &text, &err);
    assert(written);
    bool read = keys_registry_parse(buf_bytes(&text), &again, &err);
    assert(read);
    assert(keys_registry_count(r) == keys_registry_count(again));
    for (size_t i = 0; i < keys_registry_count(r); i++) {
        const struct keys_principal *p = keys_registry_at(r, i);
        same(p, keys_registry_at(again, i));
        assert(keys_registry_by_key(r, p->kind, p->key) == p);
        assert(keys_registry_by_name(r, p->kind, p->name) == p);
    }
    return 0;
}
