/* xml.h - single texts of the small XML answers of AWS's services.
 *
 * Not a reader of XML: elements, their nesting and the five entities, which is all that S3's
 * <Error> and <VersioningConfiguration> and the keys of STS are made of. Comments, declarations
 * and attributes are passed over. Pure; reads nothing beyond `xml`.
 */
#pragma once
#include "base/bytes.h"

/* The text of the first element of that name inside exactly `depth` others, entities decoded, with
 * its NUL in `size` bytes. False, with `out` as it was, when there is none before the root's end,
 * or it does not fit or holds control characters. */
NODISCARD bool xml_text(struct bytes xml, const char *name, unsigned depth, char *out, size_t size);
