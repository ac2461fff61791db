#include "shell/definition_meaning.h"

#include <stdlib.h>
#include <string.h>

static int by_key(const void *a, const void *b)
{
    const struct doc_node *const *first = a, *const *second = b;
    return strcmp((*first)->key, (*second)->key);
}

/* With its NUL, so that no two lists of texts look alike. */
static void add(struct digest *d, const char *mark, const char *text)
{
    digest_update(d, bytes_of_text(mark));
    digest_update(d, bytes_of(text, strlen(text) + 1));
}

static void add_node(struct digest *d, const struct doc_node *node);

static void add_mapping(struct digest *d, const struct doc_node *map, const char *but)
{
    const struct doc_node **sorted = xcalloc(map->count + 1, sizeof *sorted);
    size_t count = 0;
    doc_for_each (item, map)
        if (!doc_is_null(item) && !(but && text_equal(item->key, but))) sorted[count++] = item;
    qsort((void *)sorted, count, sizeof *sorted, by_key);
    add(d, "{", "");
    for (size_t i = 0; i < count; i++) {
        add(d, "k", sorted[i]->key);
        add_node(d, sorted[i]);
    }
    add(d, "}", "");
    free((void *)sorted);
}

static void add_node(struct digest *d, const struct doc_node *node)
{
    switch (node->kind) {
    case DOC_NULL: add(d, "n", ""); break;
    case DOC_SCALAR: add(d, "s", node->text); break;
    case DOC_MAPPING: add_mapping(d, node, NULL); break;
    case DOC_SEQUENCE:
        add(d, "[", "");
        doc_for_each (item, node) add_node(d, item);
        add(d, "]", "");
        break;
    }
}

void definition_meaning(const struct doc_node *body, const char *but, uint8_t out[DIGEST_SIZE])
{
    struct digest d AUTO(digest_deinit);
    digest_init(&d);
    if (body->kind == DOC_MAPPING)
        add_mapping(&d, body, but);
    else
        add_node(&d, body);
    digest_end(&d, out);
}
