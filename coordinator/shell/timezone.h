/* timezone.h - a zone's changes between wall time and UTC, as data for core/window.h.
 *
 * Found by asking the C library (tzset(3), localtime_r(3)) about each week of the years ahead, so
 * that the system's zone files are read by their own reader. The process's TZ is put back.
 * Package: tzdata. Limits: TIMEZONE_YEARS from now on, to be looked up anew by each start; a name
 * has at most TIMEZONE_NAME_MAX letters, digits and / _ + -.
 *
 * Errors: ERR_INVALID names the zone.
 */
#pragma once
#include "base/arena.h"
#include "core/window.h"

enum { TIMEZONE_NAME_MAX = 64, TIMEZONE_YEARS = 20 };

/* The changes lie in `arena`. */
NODISCARD bool timezone_load(const char *name, struct arena *arena, struct window_zone *out,
                             struct error *err);
