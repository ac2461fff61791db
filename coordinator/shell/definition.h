/* definition.h - CodePipeline's JSON (or the same as YAML) into struct pipeline.
 *
 * Takes what `aws codepipeline get-pipeline` prints, with or without its {"pipeline": ...}
 * envelope and `metadata`. Every field of the CodePipeline model 2015-07-09 is known: what this
 * version runs is parsed, what has no meaning outside AWS (roleArn, encryptionKey) is checked for
 * shape and left to the definition's text, and what is known but not run yet becomes a problem
 * "not supported yet" (pipeline->unsupported), never ignored. Unknown fields are refused.
 * The structural rules are pipeline_check()'s.
 *
 * Ownership: *out is the caller's (pipeline_free); problems lie in `arena`.
 */
#pragma once
#include "core/pipeline.h"

/* False when the text cannot be read as a pipeline at all; then *out is NULL and `problems` says
 * why (at least one, all that were found). */
NODISCARD bool definition_parse(const char *file, struct bytes text, struct arena *arena,
                                struct pipeline **out, const struct problem **problems,
                                size_t *problem_count);
