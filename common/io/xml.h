/* xml.h - single texts of the small XML answers of AWS's services.
 *
 * Not a reader of XML: elements, their nesting and the five entities, which is all that S3's
 * <Error> and <VersioningConfiguration> and the keys of STS are made of. Comments, declarations
 * and attributes are passed over. Pure; reads nothing beyond `xml`.
 */
#pragma once
#include "base/bytes.h"

/* Each element inside the root, in order, with its own tags: xml_text(element, name, 1, ...) reads
 * what is in it. False when the text is cut, or when `fn` has returned false. */
typedef bool (*xml_each_fn)(void *owner, const char *name, struct bytes element);
enum { XML_NAME_SIZE = 64 };
NODISCARD bool xml_each(struct bytes xml, xml_each_fn fn, void *owner);

/* The text of the first element of that name inside exactly `depth` others, entities decoded, with
 * its NUL in `size` bytes. False, with `out` as it was, when there is none before the root's end,
 * or it does not fit or holds control characters. */
NODISCARD bool xml_text(struct bytes xml, const char *name, unsigned depth, char *out, size_t size);
