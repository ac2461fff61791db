/* doc.h - one reader for everything people write: YAML or JSON as a tree that knows its places.
 *
 * Config files, pipeline definitions and appspec.yml are all read here (libyaml reads
 * JSON as well), so that every complaint looks alike:
 *
 *     pipe.json:12:21: pipeline.stages[1].actions[0].runOrder: must be a whole number from 1 to 999
 *
 * Calling sequence: doc_load() or doc_parse(), then doc_root(doc, 0) and the getters, then
 * doc_free(). A stream may hold several documents (`---`); there is always at least one, and an
 * empty file is one DOC_NULL document.
 *
 *     struct doc *doc AUTO(doc_free_at) = NULL;
 *     if (!doc_load(path, NULL, &doc, err)) return false;
 *     const struct doc_node *root = doc_root(doc, 0);
 *     if (!doc_only(root, (const char *const[]){ "name", "port", NULL }, err) ||
 *         !doc_get_text(root, "name", DOC_REQUIRED, &name, err) ||
 *         !doc_get_unsigned(root, "port", DOC_OPTIONAL, 1, 65535, &port, err)) return false;
 *
 * Ownership: the doc owns its nodes and all texts, which live until doc_free(); nodes are never
 * changed. Aliases are copied where they are used, so each node has one parent and one path;
 * `<<: *alias` merges as in YAML 1.1. Texts are UTF-8 without NUL. A UTF-8 byte order mark is
 * skipped. Of duplicate keys the last one stays in the tree, and doc_duplicate() lists them all.
 *
 * Errors: ERR_INVALID (text or value wrong, or larger than a limit), ERR_NOT_FOUND (no such
 * file), ERR_RETRY (the file cannot be read). An absent required key is ERR_INVALID.
 */
#pragma once
#include "base/bytes.h"

enum doc_kind {
    DOC_NULL,     /* absent value, ~ or null, unquoted */
    DOC_SCALAR,   /* a text; a number or a truth value if unquoted and written like one */
    DOC_SEQUENCE, /* children in order */
    DOC_MAPPING   /* children in order, each with its key */
};

struct doc;

struct doc_node {
    enum doc_kind kind;
    bool quoted;           /* in quotes or a block scalar: a text, whatever it looks like */
    const char *text;      /* the scalar as written, without its quotes; "" for the other kinds */
    const char *tag;       /* "!Ref" and the like; NULL if none was written */
    unsigned line, column; /* of the value, from 1 */
    const char *key;       /* in a mapping; NULL elsewhere */
    unsigned key_line, key_column;
    size_t index; /* among its parent's children */
    size_t count; /* of children */
    const struct doc_node *parent, *first, *next;
    const struct doc *doc;
};

/* for (const struct doc_node *item = list->first; item; item = item->next), with a NULL check. */
#define doc_for_each(item, list)                                                                   \
    for (const struct doc_node *item = (list) ? (list)->first : NULL; item; item = item->next)

struct doc_limits {
    size_t bytes_max;    /* of the stream */
    size_t nodes_max;    /* of all documents together, copies made for aliases included */
    size_t depth_max;    /* of nesting */
    size_t expanded_max; /* nodes copied for aliases */
};

enum {
    DOC_BYTES_MAX = 4 << 20,
    DOC_NODES_MAX = 200000,
    DOC_DEPTH_MAX = 64,
    DOC_EXPANDED_MAX = 20000
};

/* `name` stands in front of errors, as a file name does. NULL limits are the constants above. */
NODISCARD bool doc_parse(const char *name, struct bytes text, const struct doc_limits *limits,
                         struct doc **out, struct error *err);
NODISCARD bool doc_load(const char *path, const struct doc_limits *limits, struct doc **out,
                        struct error *err);
void doc_free(struct doc *doc);       /* accepts NULL */
void doc_free_at(struct doc **place); /* for AUTO(doc_free_at) */

const char *doc_name(const struct doc *doc);
size_t doc_count(const struct doc *doc); /* documents in the stream, at least 1 */
const struct doc_node *doc_root(const struct doc *doc, size_t i);

struct doc_duplicate {
    const struct doc_node *winner; /* the last one, which is in the tree */
    unsigned line, column;         /* of an earlier key of the same name, which is not */
};
size_t doc_duplicate_count(const struct doc *doc);
const struct doc_duplicate *doc_duplicate(const struct doc *doc, size_t i);
/* For callers to whom a duplicate key is an error. */
NODISCARD bool doc_no_duplicates(const struct doc *doc, struct error *err);

/* NULL if `map` is no mapping or has no such key; a written null is found as a DOC_NULL node. */
const struct doc_node *doc_get(const struct doc_node *map, const char *key);
bool doc_is_null(const struct doc_node *node); /* NULL or DOC_NULL */
/* False for a quoted scalar: `text` is what stands there without quotes. */
bool doc_is_plain(const struct doc_node *node, const char *text);

/* Values of a node. Bool: unquoted true/false, yes/no, on/off in lower, upper or title case. */
NODISCARD bool doc_text(const struct doc_node *node, const char **out, struct error *err);
NODISCARD bool doc_bool(const struct doc_node *node, bool *out, struct error *err);
NODISCARD bool doc_unsigned(const struct doc_node *node, uint64_t min, uint64_t max, uint64_t *out,
                            struct error *err);

/* Values by key. An optional key that is absent or null leaves *out as it is. A required text
 * may not be empty. Lists and maps come back as nodes for doc_for_each and doc_get. */
enum doc_need { DOC_OPTIONAL, DOC_REQUIRED };
NODISCARD bool doc_get_text(const struct doc_node *map, const char *key, enum doc_need need,
                            const char **out, struct error *err);
NODISCARD bool doc_get_bool(const struct doc_node *map, const char *key, enum doc_need need,
                            bool *out, struct error *err);
NODISCARD bool doc_get_unsigned(const struct doc_node *map, const char *key, enum doc_need need,
                                uint64_t min, uint64_t max, uint64_t *out, struct error *err);
NODISCARD bool doc_get_list(const struct doc_node *map, const char *key, enum doc_need need,
                            const struct doc_node **out, struct error *err);
NODISCARD bool doc_get_map(const struct doc_node *map, const char *key, enum doc_need need,
                           const struct doc_node **out, struct error *err);

/* Refuses the first key that is not in the NULL-terminated list, naming the nearest one that is;
 * also refuses a node that is no mapping. */
NODISCARD bool doc_only(const struct doc_node *map, const char *const *known, struct error *err);
/* The same as a question: the first unknown child, or NULL. `doc_first_unknown(map, known)` then
 * goes on with doc_first_unknown_after(child, known). */
const struct doc_node *doc_first_unknown(const struct doc_node *map, const char *const *known);
const struct doc_node *doc_first_unknown_after(const struct doc_node *child,
                                               const char *const *known);
/* The nearest of `known` to what was written, or NULL: for "did you mean". */
const char *doc_nearest(const char *written, const char *const *known);

/* Sets ERR_INVALID with "FILE:LINE:COL: path: " in front, for rules of the caller's own. */
bool doc_error(const struct doc_node *node, struct error *err, const char *format, ...)
    PRINTF_LIKE(3, 4);
#define doc_error(...) error_false(doc_error(__VA_ARGS__))
/* "pipeline.stages[1].name", "" for a root; cut when it does not fit. */
void doc_path(const struct doc_node *node, char *out, size_t size);
