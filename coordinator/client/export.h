/* export.h - a definition as `aws codepipeline get-pipeline` would print it.
 *
 * The document as it was applied, JSON or YAML, as JSON in AWS's shape: below {"pipeline": ...},
 * numbers where the model has numbers, texts elsewhere, `version` the one in force, no metadata.
 * What is below a key `meridian` keeps its own types. Applying the result changes nothing: it says
 * the same (`--as-written` is the text itself). Deployment groups and their sisters likewise.
 */
#pragma once
#include "client/print.h"
#include "io/doc.h"

/* `root` is a document with one resource of the kind ("" a pipeline), with or without its envelope.
 * Only a pipeline's document has a version in it. */
void export_write(struct print *out, const char *kind, const struct doc_node *root,
                  uint32_t version);
