#include "io/random.h"

#include <errno.h>
#include <stdlib.h>
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

void random_seed(struct prng *out)
{
    uint8_t seed[PRNG_SEED_SIZE];
    random_bytes(seed, sizeof seed);
    prng_init(out, seed);
}
