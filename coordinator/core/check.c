#include "core/pipeline.h"

size_t pipeline_check(const struct pipeline *pipeline, const char *region, struct arena *arena,
                      const struct problem **out)
{
    (void)region;
    (void)arena;
    *out = pipeline->unsupported;
    return pipeline->unsupported_count;
}
