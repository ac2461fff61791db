/* documents.h - a file with several YAML documents, read one by one.
 *
 * Documents are told apart by lines that begin with `---`, as YAML has it: there it ends even a
 * block text. A JSON file is one document. What holds only blanks, comments and directives is
 * none. Each comes out with as many empty lines before it as stand above it in the file, so
 * that the places in complaints are those of the file.
 *
 *     struct documents documents = documents_of(text);
 *     while (documents_next(&documents, &one)) ...
 */
#pragma once
#include "base/bytes.h"

struct documents {
    struct bytes text; /* borrowed */
    size_t at;
};

struct documents documents_of(struct bytes text);
/* False behind the last one. A file with none at all is one document: whoever reads it says what
 * is missing. `out` is cleared first; its limit must hold the text and its lines. */
bool documents_next(struct documents *documents, struct buf *out);
size_t documents_count(struct bytes text);
