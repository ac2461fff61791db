#include "check.h"

void check_way(struct world *w, const struct execution *e, const struct copy_state *copy)
{
    bool right = true;
    switch (copy->way) {
    case COPY_WAY_UNKNOWN: right = copy->saved == 0; break; /* a build's own output */
    case COPY_WAY_THERE: right = copy->bytes == 0 && copy->saved == copy->ref.size; break;
    case COPY_WAY_DELTA:
        right = copy->base_revision[0] && copy->delta && copy->delta <= e->delta_count &&
                e->deltas[copy->delta - 1].status == STATUS_SUCCEEDED && copy->bytes == 100;
        break;
    case COPY_WAY_SERVER: right = false; break;
    case COPY_WAY_WHOLE: right = copy->bytes >= copy->ref.size && !copy->base_revision[0]; break;
    }
    if (!right)
        world_fail(w, "WAY", "execution %s: the copy for %s: %s, %llu bytes", e->id.text,
                   copy->region, copy_way_name(copy->way), (unsigned long long)copy->bytes);
}
