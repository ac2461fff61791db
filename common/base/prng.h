/* prng.h - pseudo-random numbers from 256 bits that somebody else drew.
 *
 * Cores draw ids and jitter from it; the shell seeds it from getrandom(2) with every event, the
 * simulator from the world's seed. Algorithm: xoshiro256** (Blackman and Vigna, public domain).
 * Not for keys or signatures: those are OpenSSL's.
 */
#pragma once
#include "base/error.h"
#include <stdint.h>

struct prng {
    uint64_t state[4];
};

enum { PRNG_SEED_SIZE = 32 };

void prng_init(struct prng *p, const uint8_t seed[PRNG_SEED_SIZE]);
void prng_init_number(struct prng *p, uint64_t seed); /* for tests and the simulator */
uint64_t prng_next(struct prng *p);
/* Uniform in [0, bound); bound > 0. */
uint64_t prng_below(struct prng *p, uint64_t bound);
