/* random.h - random bits from the kernel (getrandom(2)); cannot fail on the kernels we run on. */
#pragma once
#include "base/prng.h"

void random_bytes(void *out, size_t len);
/* A fresh seed for the generator that travels with an event into a core. */
void random_seed(struct prng *out);
