/* definition_meaning.h - what a document says, whatever it looks like.
 *
 * Two documents have one digest when their trees are equal: the order of keys, quotes, comments,
 * blanks, the envelope and what AWS's get-pipeline adds (metadata, the version in force) make no
 * difference; a key that is absent or null is the same. So `meridian export` applied again changes
 * nothing.
 */
#pragma once
#include "io/digest.h"
#include "io/doc.h"

/* `body` is the resource below its envelope; its own key `but` does not count (NULL: all do). */
void definition_meaning(const struct doc_node *body, const char *but, uint8_t out[DIGEST_SIZE]);
