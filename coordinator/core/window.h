/* window.h - whether a deployment window is open: a cron expression in the wall time of a zone.
 *
 * Calling sequence: window_parse() once, then window_open() and window_next() with the zone's
 * changes. The zone is data: who reads the time zone files hands its changes over.
 *
 * The expression is that of the DeploymentWindow rule: seconds, minutes, hours, day of month,
 * month (1-12 or JAN-DEC), day of week (1-7 from Sunday, or SUN-SAT) and, optionally, year
 * (1970-2199); in each * or a list of values and ranges, each with a step ("0/15", "9-17/2"); in
 * one of the two days ?. A day that the month decides stands alone in its part: "L" its last day,
 * "L-3" three before that, "LW" its last working day (MON-FRI), "15W" the one nearest to the 15th
 * in the same month; as day of week "L" is 7, "6L" or "FRIL" the last Friday, "6#3" the third. A
 * moment is in the window when its wall time matches: an hour that the clock skips never comes, an
 * hour that it repeats comes twice.
 *
 * Pure: no I/O, no clock. Seconds are those since 1970 UTC. Limit: WINDOW_CRON_MAX characters.
 */
#pragma once
#include "base/error.h"

#include <stdint.h>

enum { WINDOW_CRON_MAX = 1000, WINDOW_BITS = 256 };

enum window_part {
    WINDOW_SECOND,
    WINDOW_MINUTE,
    WINDOW_HOUR,
    WINDOW_DAY,
    WINDOW_MONTH,
    WINDOW_WEEKDAY,
    WINDOW_YEAR,
    WINDOW_PARTS
};

/* Bit (value - least value of the part). */
struct window_set {
    uint64_t bits[WINDOW_BITS / 64];
};

enum window_day {
    WINDOW_ANY_DAY,  /* the sets say */
    WINDOW_LAST_DAY, /* `number` days before the last one */
    WINDOW_LAST_WORKDAY,
    WINDOW_NEAR_DAY,     /* the working day nearest to the `number`th */
    WINDOW_LAST_WEEKDAY, /* the month's last `weekday` (0 Sunday) */
    WINDOW_NTH_WEEKDAY   /* ... its `number`th */
};

struct window {
    struct window_set sets[WINDOW_PARTS];
    enum window_day day;
    unsigned number, weekday;
};

/* From at_s on wall time is UTC plus offset_s. */
struct window_change {
    int64_t at_s;
    int32_t offset_s;
};

struct window_zone {
    int32_t offset_s;                    /* before the first change */
    const struct window_change *changes; /* ascending, borrowed */
    size_t change_count;
};

/* ERR_INVALID names the part that is wrong. */
NODISCARD bool window_parse(const char *cron, struct window *out, struct error *err);

bool window_open(const struct window *window, const struct window_zone *zone, int64_t now_s);

/* The first second from now_s on that lies in the window; -1 when none comes before 2200. */
int64_t window_next(const struct window *window, const struct window_zone *zone, int64_t now_s);
