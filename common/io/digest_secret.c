#include "io/digest.h"

#include <string.h>

/* Apart from the digests: the worker's daemon, which only keeps secrets, then does not load
 * libcrypto, a third of all that it had in memory. */

bool digest_equal(const void *a, const void *b, size_t len)
{
    const volatile uint8_t *x = a, *y = b;
    volatile unsigned differences = 0;
    for (size_t i = 0; i < len; i++) differences |= (unsigned)(x[i] ^ y[i]);
    return differences == 0;
}

void digest_cleanse(void *secret, size_t len)
{
    explicit_bzero(secret, len);
}
