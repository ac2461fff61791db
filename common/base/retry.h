/* retry.h - when to try again: exponential back-off with full jitter.
 *
 * The n-th delay is drawn evenly from [base / 2, base], base = first_ms * 2^n, at most max_ms.
 */
#pragma once
#include "base/prng.h"

struct retry {
    uint32_t first_ms, max_ms;
    uint32_t tries; /* failures so far */
};

uint32_t retry_next_ms(struct retry *r, struct prng *random);
void retry_reset(struct retry *r);
