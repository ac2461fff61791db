/* bench.h - what the benchmark's programs share. They print one line of JSON and end;
 * tests/bench/run starts them, holds their figures against each other and prints the table.
 */
#pragma once
#include "base/bytes.h"

#include <stddef.h>
#include <stdint.h>

/* Nanoseconds of CLOCK_MONOTONIC. */
uint64_t bench_now(void);
/* Sorts the samples; `permille` 500 is the median. */
uint64_t bench_quantile(uint64_t *samples, size_t count, unsigned permille);
/* A benchmark that cannot go on says why and ends: what it would print means nothing. */
_Noreturn void bench_die(const char *what, const struct error *err);
/* As many descriptors as this process may have. */
void bench_raise_limits(void);
/* A count on the command line. */
size_t bench_count(const char *text);
