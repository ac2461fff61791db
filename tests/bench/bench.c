#include "bench.h"

#include "base/number.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

uint64_t bench_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static int order(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

uint64_t bench_quantile(uint64_t *samples, size_t count, unsigned permille)
{
    if (count == 0) bench_die("no samples", NULL);
    qsort(samples, count, sizeof *samples, order);
    return samples[(count - 1) * permille / 1000];
}

_Noreturn void bench_die(const char *what, const struct error *err)
{
    fprintf(stderr, "bench: %s%s%s\n", what, err ? ": " : "", err ? err->text : "");
    exit(1);
}

void bench_raise_limits(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit)) bench_die("getrlimit", NULL);
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit)) bench_die("setrlimit", NULL);
}

size_t bench_count(const char *text)
{
    uint64_t count = 0;
    if (!number_parse(text, 1000000, &count)) bench_die("not a count", NULL);
    return (size_t)count;
}
