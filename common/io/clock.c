#include "io/clock.h"

#include <assert.h>
#include <time.h>

static uint64_t clock_read_ms(clockid_t id)
{
    struct timespec now;
    int failed = clock_gettime(id, &now);
    assert(!failed);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t clock_wall_ms(void)
{
    return clock_read_ms(CLOCK_REALTIME);
}

uint64_t clock_boot_ms(void)
{
    return clock_read_ms(CLOCK_BOOTTIME);
}

void clock_format(uint64_t wall_ms, char out[CLOCK_TEXT_SIZE])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(out, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts);
}
