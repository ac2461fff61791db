/* Any bytes are a document or an error, and every node of a document can be asked anything. */
#include "io/doc.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t visit(const struct doc_node *node)
{
    static const char *const known[] = { "name", "version", NULL };
    char path[ERROR_TEXT_SIZE];
    struct error err;
    const char *text;
    uint64_t number;
    bool truth;
    size_t count = 1, index = 0;
    doc_path(node, path, sizeof path);
    assert(strlen(path) < sizeof path);
    assert(node->line > 0);
    assert(node->column > 0);
    (void)!doc_text(node, &text, &err);
    (void)!doc_bool(node, &truth, &err);
    if (doc_unsigned(node, 3, 1000, &number, &err)) {
        assert(number >= 3);
        assert(number <= 1000);
    }
    (void)!doc_only(node, known, &err);
    (void)!doc_get_text(node, "name", DOC_REQUIRED, &text, &err);
    doc_for_each (child, node) {
        assert(child->parent == node);
        assert(child->index == index);
        index++;
        assert((child->key != NULL) == (node->kind == DOC_MAPPING));
        if (child->key) assert(doc_get(node, child->key) == child);
        count += visit(child);
    }
    assert(index == node->count);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct doc_limits limits = {
        .bytes_max = 1 << 16, .nodes_max = 2000, .depth_max = 30, .expanded_max = 500
    };
    struct doc *doc = NULL;
    struct error err = { 0 };
    if (!doc_parse("fuzz", bytes_of(data, size), &limits, &doc, &err)) {
        assert(err.code == ERR_INVALID);
        assert(strncmp(err.text, "fuzz:", 5) == 0);
        return 0;
    }
    size_t count = 0;
    assert(doc_count(doc) > 0);
    for (size_t i = 0; i < doc_count(doc); i++) count += visit(doc_root(doc, i));
    assert(count <= limits.nodes_max);
    for (size_t i = 0; i < doc_duplicate_count(doc); i++) assert(doc_duplicate(doc, i)->line > 0);
    assert(doc_no_duplicates(doc, &err) == (doc_duplicate_count(doc) == 0));
    doc_free(doc);
    return 0;
}
