/* reference.h - `#{NAMESPACE.NAME}` in a text: where it stands and what it names.
 *
 *     struct reference at = { 0 };
 *     enum reference_found found;
 *     while ((found = reference_next(text, &at)) == REFERENCE_GOOD) ...
 *
 * The shape is AWS's: a namespace and a key separated by a period, letters, digits and @ - _ each.
 * What is not of that shape behind a `#{` is a mistake, never a text of its own.
 * Pure. Ownership: `at` is the caller's.
 */
#pragma once
#include "wire/messages.h"

struct reference {
    size_t begin, end; /* of "#{...}", in bytes; the search goes on at `end` */
    char scope[WIRE_NAME_MAX + 1];
    char name[WIRE_VARIABLE_NAME_MAX + 1];
};

enum reference_found {
    REFERENCE_NONE,
    REFERENCE_GOOD,
    REFERENCE_MALFORMED /* begin and end say where, the names are empty */
};

enum reference_found reference_next(const char *text, struct reference *at);
bool reference_in(const char *text); /* is there any `#{`? */
