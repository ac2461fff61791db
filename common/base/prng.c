#include "base/prng.h"

#include <assert.h>
#include <string.h>

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void prng_init(struct prng *p, const uint8_t seed[PRNG_SEED_SIZE])
{
    memcpy(p->state, seed, sizeof p->state);
    /* The all-zero state is the generator's only fixed point. */
    if (!p->state[0] && !p->state[1] && !p->state[2] && !p->state[3]) prng_init_number(p, 0);
}

void prng_init_number(struct prng *p, uint64_t seed)
{
    for (size_t i = 0; i < 4; i++) p->state[i] = splitmix(&seed);
}

static uint64_t rotate_left(uint64_t x, unsigned k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t prng_next(struct prng *p)
{
    uint64_t *s = p->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t prng_below(struct prng *p, uint64_t bound)
{
    assert(bound > 0);
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    uint64_t x = prng_next(p);
    while (x >= limit) x = prng_next(p);
    return x % bound;
}
