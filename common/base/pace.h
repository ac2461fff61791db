/* pace.h - how long to wait so that no more than so many bytes a second move.
 *
 * Calling sequence: pace_take() after each piece; wait as long as it says before the next one.
 * A second that was not used may be made up for, no more: after a pause there is no flood.
 *
 * libcurl's own bound is not enough: 7.88.1 lets 8 MiB through in a quarter of a second when asked
 * for 4 MiB/s (`curl --limit-rate 4M`, from a server on the same host).
 */
#pragma once
#include <stdint.h>

struct pace {
    uint64_t rate;     /* bytes a second; 0: no bound */
    uint64_t begun_ms; /* since when `moved` counts; 0: nothing has moved */
    uint64_t moved;
};

/* `bytes` (below 2^40) have moved; returns for how many milliseconds nothing more may. */
uint64_t pace_take(struct pace *p, uint64_t bytes, uint64_t now_ms);
