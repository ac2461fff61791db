/* random.h - random bits from the kernel (getrandom(2)); cannot fail on the kernels we run on. */
#pragma once
#include "base/prng.h"

enum { RANDOM_POOL_SIZE = 4096 };

/* Bits fetched in advance, for who needs a few of them thousands of times a second. Begins zeroed;
 * what was handed out is not kept. */
struct random_pool {
    uint8_t bytes[RANDOM_POOL_SIZE];
    size_t left;
};

void random_bytes(void *out, size_t len);
void random_pool_take(struct random_pool *pool, void *out, size_t len); /* at most its size */
/* A fresh seed for the generator that travels with an event into a core. */
void random_seed(struct prng *out);
