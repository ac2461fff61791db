/* export.h - a definition as `aws codepipeline get-pipeline` would print it.
 *
 * The document as it was applied, JSON or YAML, as JSON in AWS's shape: below {"pipeline": ...},
 * numbers where the model has numbers, texts elsewhere, `version` the one in force, no metadata.
 * What is below a key `meridian` keeps its own types. Applying the result is a new version with the
 * same meaning, as its text differs from what was applied (`--as-written` is that text).
 */
#pragma once
#include "client/print.h"
#include "io/doc.h"

/* `root` is a document with a pipeline, with or without its envelope. */
void export_write(struct print *out, const struct doc_node *root, uint32_t version);
