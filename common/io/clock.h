/* clock.h - the only place that reads a clock.
 *
 * Wall time is for people and for expiries between hosts; it may jump. Boot time
 * (CLOCK_BOOTTIME: grows through suspend, never jumps) is for leases, timeouts and intervals.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

uint64_t clock_wall_ms(void); /* UTC milliseconds since 1970 */
uint64_t clock_boot_ms(void); /* milliseconds since the host's boot */

enum { CLOCK_TEXT_SIZE = 32 };
/* RFC 3339 in UTC with seconds: "2026-11-22T19:11:27Z". */
void clock_format(uint64_t wall_ms, char out[CLOCK_TEXT_SIZE]);
