#include "core/window.h"

#include <assert.h>
#include <string.h>

enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400, YEAR_LAST = 2199 };

static const struct part {
    const char *name;
    unsigned least, most;
    const char *words; /* three letters each, from the least value on */
} parts[WINDOW_PARTS] = {
    [WINDOW_SECOND] = { "seconds", 0, 59, "" },
    [WINDOW_MINUTE] = { "minutes", 0, 59, "" },
    [WINDOW_HOUR] = { "hours", 0, 23, "" },
    [WINDOW_DAY] = { "day of month", 1, 31, "" },
    [WINDOW_MONTH] = { "month", 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC" },
    [WINDOW_WEEKDAY] = { "day of week", 1, 7, "SUNMONTUEWEDTHUFRISAT" },
    [WINDOW_YEAR] = { "year", 1970, YEAR_LAST, "" },
};

static bool set_has(const struct window_set *set, unsigned bit)
{
    assert(bit < WINDOW_BITS);
    return set->bits[bit / 64] >> (bit % 64) & 1;
}

/* ---- the expression ---- */

static const char *number_take(const char *at, unsigned *out)
{
    size_t len = strspn(at, "0123456789");
    if (len < 1 || len > 4) return NULL;
    *out = 0;
    for (size_t i = 0; i < len; i++) *out = *out * 10 + (unsigned)(at[i] - '0');
    return at + len;
}

/* Behind a number or a word of the part; NULL when there is none or it is out of range. */
static const char *value_take(const struct part *part, const char *at, unsigned *out)
{
    size_t words = strlen(part->words) / 3;
    for (size_t i = 0; i < words; i++)
        if (strncmp(at, part->words + 3 * i, 3) == 0) {
            *out = part->least + (unsigned)i;
            return at + 3;
        }
    const char *behind = number_take(at, out);
    return behind && *out >= part->least && *out <= part->most ? behind : NULL;
}

/* One of a list: "*", "5", "MON-FRI", each with "/step"; a step without an end goes to the last. */
static const char *item_take(const struct part *part, const char *at, struct window_set *out)
{
    unsigned from = part->least, to = part->most, step = 1;
    bool single = false;
    if (*at == '*') {
        at++;
    } else {
        at = value_take(part, at, &from);
        if (!at) return NULL;
        single = *at != '-';
        if (!single) at = value_take(part, at + 1, &to);
        if (!at || to < from) return NULL;
    }
    if (*at == '/') {
        at = number_take(at + 1, &step);
        if (!at || step < 1) return NULL;
    } else if (single) {
        to = from;
    }
    for (unsigned v = from; v <= to; v += step)
        out->bits[(v - part->least) / 64] |= UINT64_C(1) << ((v - part->least) % 64);
    return at;
}

static const char *part_take(enum window_part which, const char *at, struct window_set *out)
{
    if (*at == '?' && (which == WINDOW_DAY || which == WINDOW_WEEKDAY))
        return strspn(at + 1, " \t") || !at[1] ? item_take(&parts[which], "*", out), at + 1 : NULL;
    for (;;) {
        at = item_take(&parts[which], at, out);
        if (!at || *at != ',') break;
        at++;
    }
    return at && (*at == '\0' || *at == ' ' || *at == '\t') ? at : NULL;
}

static bool restricted(char first)
{
    return first != '?' && first != '*';
}

bool window_parse(const char *cron, struct window *out, struct error *err)
{
    struct window parsed = { 0 };
    char firsts[WINDOW_PARTS] = { 0 };
    if (strlen(cron) > WINDOW_CRON_MAX)
        return error_set(err, ERR_INVALID, "a cron expression has at most %d characters",
                         WINDOW_CRON_MAX);
    const char *at = cron + strspn(cron, " \t");
    for (unsigned i = 0; i < WINDOW_PARTS; i++) {
        if (!*at && i == WINDOW_YEAR) at = "*";
        if (!*at)
            return error_set(err, ERR_INVALID, "the cron expression '%.100s' has no %s", cron,
                             parts[i].name);
        firsts[i] = *at;
        const char *behind = part_take((enum window_part)i, at, &parsed.sets[i]);
        if (!behind)
            return error_set(err, ERR_INVALID,
                             "the %s of a cron expression are *, values of %u to %u, ranges and "
                             "steps of them, not '%.60s'",
                             parts[i].name, parts[i].least, parts[i].most, at);
        at = behind + strspn(behind, " \t");
    }
    if (*at) return error_set(err, ERR_INVALID, "'%.60s' stands behind the year", at);
    if (restricted(firsts[WINDOW_DAY]) && restricted(firsts[WINDOW_WEEKDAY]))
        return error_set(err, ERR_INVALID, "write ? for the day of month or for the day of week");
    *out = parsed;
    return true;
}

/* ---- time ---- */

/* Wall time as bits of each part; days since 1970 to a date as in the proleptic Gregorian
 * calendar, counted in years that begin in March. */
static bool wall_time(int64_t wall_s, unsigned bits[WINDOW_PARTS])
{
    if (wall_s < 0) return false;
    unsigned days = (unsigned)(wall_s / DAY_S), second = (unsigned)(wall_s % DAY_S);
    unsigned z = days + 719468, era = z / 146097, day_of_era = z % 146097;
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned month = (5 * day + 2) / 153; /* 0 is March */
    unsigned year = era * 400 + year_of_era + (month >= 10);
    if (year > YEAR_LAST) return false;
    bits[WINDOW_SECOND] = second % MINUTE_S;
    bits[WINDOW_MINUTE] = second / MINUTE_S % 60;
    bits[WINDOW_HOUR] = second / HOUR_S;
    bits[WINDOW_DAY] = day - (153 * month + 2) / 5;
    bits[WINDOW_MONTH] = month < 10 ? month + 2 : month - 10;
    bits[WINDOW_WEEKDAY] = (days + 4) % 7;
    bits[WINDOW_YEAR] = year - 1970;
    return true;
}

/* The offset at now_s, and when the next one begins. */
static int32_t offset_at(const struct window_zone *zone, int64_t now_s, int64_t *until_s)
{
    int32_t offset = zone->offset_s;
    *until_s = INT64_MAX;
    for (size_t i = 0; i < zone->change_count; i++) {
        if (zone->changes[i].at_s > now_s) {
            *until_s = zone->changes[i].at_s;
            break;
        }
        offset = zone->changes[i].offset_s;
    }
    return offset;
}

/* 0 when the wall time matches, else for how many seconds it surely does not. */
static int64_t misses_for(const struct window *window, const unsigned bits[WINDOW_PARTS])
{
    static const struct {
        enum window_part part;
        unsigned length_s;
    } order[] = { { WINDOW_YEAR, DAY_S },    { WINDOW_MONTH, DAY_S }, { WINDOW_DAY, DAY_S },
                  { WINDOW_WEEKDAY, DAY_S }, { WINDOW_HOUR, HOUR_S }, { WINDOW_MINUTE, MINUTE_S },
                  { WINDOW_SECOND, 1 } };
    unsigned second =
        bits[WINDOW_HOUR] * HOUR_S + bits[WINDOW_MINUTE] * MINUTE_S + bits[WINDOW_SECOND];
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (!set_has(&window->sets[order[i].part], bits[order[i].part]))
            return order[i].length_s - second % order[i].length_s;
    return 0;
}

bool window_open(const struct window *window, const struct window_zone *zone, int64_t now_s)
{
    unsigned bits[WINDOW_PARTS];
    int64_t until_s;
    return wall_time(now_s + offset_at(zone, now_s, &until_s), bits) &&
           misses_for(window, bits) == 0;
}

int64_t window_next(const struct window *window, const struct window_zone *zone, int64_t now_s)
{
    unsigned bits[WINDOW_PARTS];
    int64_t until_s;
    for (;;) {
        int32_t offset = offset_at(zone, now_s, &until_s);
        if (!wall_time(now_s + offset, bits)) return -1;
        int64_t miss = misses_for(window, bits);
        if (miss == 0) return now_s;
        now_s = now_s + miss < until_s ? now_s + miss : until_s;
    }
}
