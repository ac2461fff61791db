#include "core/way.h"

#include "core/replication.h"

enum { GIB_LOG = 30 };

static bool price_fits(const char *of, const char *region)
{
    return text_equal(of, "*") || text_equal(of, region);
}

/* In two parts, so that nothing overflows below 16 EiB for less than 16 dollars a GiB. */
static uint64_t nano_of(uint64_t bytes, uint64_t nano_per_gib)
{
    uint64_t whole = bytes >> GIB_LOG, rest = bytes & ((UINT64_C(1) << GIB_LOG) - 1);
    return whole * nano_per_gib + ((rest * nano_per_gib) >> GIB_LOG);
}

bool way_price(const struct coordinator *c, const char *from, const char *to, uint64_t bytes,
               uint64_t *nano)
{
    *nano = 0;
    if (text_equal(from, to)) return c->config.price_count > 0;
    for (size_t i = 0; i < c->config.price_count; i++) {
        const struct copy_price *price = &c->config.prices[i];
        if (!price_fits(price->from, from) || !price_fits(price->to, to)) continue;
        *nano = nano_of(bytes, price->nano);
        return true;
    }
    return false;
}

void way_clear(struct copy_state *copy)
{
    copy->way = COPY_WAY_UNKNOWN;
    copy->delta = 0;
    copy->bytes = copy->saved = copy->cost = copy->cost_saved = 0;
    copy->priced = false;
    model_text(&copy->base_revision, "");
    model_text(&copy->note, "");
}

void way_carry(struct copy_state *copy)
{
    copy->cost_saved += copy->cost;
    copy->cost = 0;
    copy->bytes = 0;
    copy->delta = 0;
    copy->base_revision = copy->note = "";
    if (copy->way == COPY_WAY_UNKNOWN) return; /* nobody has moved it */
    copy->way = COPY_WAY_THERE;
    copy->saved = copy->ref.size;
}

void way_settle(struct coordinator *c, const struct model_execution *e, struct copy_state *copy,
                enum copy_way way, const char *note)
{
    const char *from = replication_region(e, copy->artifact);
    copy->way = way;
    copy->saved = copy->ref.size > copy->bytes ? copy->ref.size - copy->bytes : 0;
    if (note[0] || way == COPY_WAY_THERE || way == COPY_WAY_DELTA) model_text(&copy->note, note);
    if (way != COPY_WAY_DELTA) model_text(&copy->base_revision, "");
    if (way == COPY_WAY_UNKNOWN) copy->saved = 0;
    copy->priced = from && way_price(c, from, copy->region, copy->bytes, &copy->cost) &&
                   way_price(c, from, copy->region, copy->saved, &copy->cost_saved);
}
