#include "base/retry.h"

#include <assert.h>

uint32_t retry_next_ms(struct retry *r, struct prng *random)
{
    assert(r->first_ms >= 1);
    assert(r->first_ms <= r->max_ms);
    uint64_t base = r->first_ms;
    for (uint32_t i = 0; i < r->tries && base < r->max_ms; i++) base *= 2;
    if (base > r->max_ms) base = r->max_ms;
    if (r->tries < UINT32_MAX) r->tries++;
    return (uint32_t)(base / 2 + prng_below(random, base - base / 2 + 1));
}

void retry_reset(struct retry *r)
{
    r->tries = 0;
}
