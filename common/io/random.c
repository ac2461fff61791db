#include "io/random.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void random_bytes(void *out, size_t len)
{
    uint8_t *next = out;
    while (len > 0) {
        ssize_t got = getrandom(next, len, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) abort(); /* no kernel since 3.17 refuses; nothing is safe without it */
        next += got;
        len -= (size_t)got;
    }
}

void random_pool_take(struct random_pool *pool, void *out, size_t len)
{
    assert(len <= RANDOM_POOL_SIZE);
    if (pool->left < len) {
        random_bytes(pool->bytes, sizeof pool->bytes);
        pool->left = sizeof pool->bytes;
    }
    pool->left -= len;
    memcpy(out, pool->bytes + pool->left, len);
    explicit_bzero(pool->bytes + pool->left, len);
}

void random_seed(struct prng *out)
{
    uint8_t seed[PRNG_SEED_SIZE];
    random_bytes(seed, sizeof seed);
    prng_init(out, seed);
}
