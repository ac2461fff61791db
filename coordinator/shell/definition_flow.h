/* definition_flow.h - what a definition says about its executions: executionMode, variables and
 * onFailure.
 *
 * All are optional. False with `flaw` filled (constant text, a node of the document) when a value
 * is not one that AWS documents, or is not supported yet.
 */
#pragma once
#include "core/pipeline.h"

struct doc_node;

struct definition_flaw {
    const struct doc_node *node;
    const char *text;
};

/* For all readers of a definition's parts. The first always returns false. */
bool definition_wrong(struct definition_flaw *flaw, const struct doc_node *node, const char *text);
NODISCARD bool definition_known_only(const struct doc_node *map, const char *const *known,
                                     const char *text, struct definition_flaw *flaw);
struct position definition_place(const struct doc_node *node);

NODISCARD bool definition_mode(const struct doc_node *pipeline, struct pipeline *out,
                               struct definition_flaw *flaw);
/* `variables`, with room for WIRE_VARIABLES_MAX. */
NODISCARD bool definition_declared(const struct doc_node *pipeline, struct pipeline *out,
                                   struct definition_flaw *flaw);
NODISCARD bool definition_failure(const struct doc_node *stage, struct pipeline_stage *out,
                                  struct definition_flaw *flaw);
