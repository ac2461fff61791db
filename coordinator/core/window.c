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

static bool ends(const char *at)
{
    return *at == '\0' || *at == ' ' || *at == '\t';
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
    return at && ends(at) ? at : NULL;
}

/* ---- days that the month decides ---- */

static void all_of(enum window_part which, struct window *out)
{
    const char *behind = item_take(&parts[which], "*", &out->sets[which]);
    assert(behind);
}

/* "L", "L-3", "LW", "15W"; NULL when it is none of these. */
static const char *month_day_take(const char *at, struct window *out)
{
    const struct part *part = &parts[WINDOW_DAY];
    struct window parsed = *out;
    if (*at == 'L' && at[1] == 'W') {
        parsed.day = WINDOW_LAST_WORKDAY;
        at += 2;
    } else if (*at == 'L') {
        parsed.day = WINDOW_LAST_DAY;
        at++;
        if (*at == '-') at = number_take(at + 1, &parsed.number);
        if (!at || parsed.number >= part->most) return NULL;
    } else {
        parsed.day = WINDOW_NEAR_DAY;
        at = value_take(part, at, &parsed.number);
        if (!at || *at != 'W') return NULL;
        at++;
    }
    if (!ends(at)) return NULL;
    all_of(WINDOW_DAY, &parsed);
    *out = parsed;
    return at;
}

/* "6L", "FRIL", "6#3", "FRI#3"; NULL when it is none of these. */
static const char *weekday_take(const char *at, struct window *out)
{
    struct window parsed = *out;
    unsigned value = 0;
    at = value_take(&parts[WINDOW_WEEKDAY], at, &value);
    if (!at || (*at != 'L' && *at != '#')) return NULL;
    parsed.day = *at == 'L' ? WINDOW_LAST_WEEKDAY : WINDOW_NTH_WEEKDAY;
    parsed.weekday = value - 1;
    at++;
    if (parsed.day == WINDOW_NTH_WEEKDAY) at = number_take(at, &parsed.number);
    if (!at || !ends(at) || parsed.number > 5) return NULL;
    if (parsed.day == WINDOW_NTH_WEEKDAY && parsed.number < 1) return NULL;
    all_of(WINDOW_WEEKDAY, &parsed);
    *out = parsed;
    return at;
}

static const char *day_take(enum window_part which, const char *at, struct window *out)
{
    const char *behind = NULL;
    if (which == WINDOW_DAY) behind = month_day_take(at, out);
    if (which == WINDOW_WEEKDAY && *at == 'L' && ends(at + 1)) /* Saturday */
        return item_take(&parts[which], "7", &out->sets[which]), at + 1;
    if (which == WINDOW_WEEKDAY) behind = weekday_take(at, out);
    return behind ? behind : part_take(which, at, &out->sets[which]);
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
        const char *behind = day_take((enum window_part)i, at, &parsed);
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

static unsigned month_length(unsigned year, unsigned month)
{
    static const unsigned char lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return lengths[month - 1] + (month == 2 && leap ? 1U : 0U);
}

/* The working day of the month that is nearest to its `day`th, which is that weekday (0 Sunday). */
static unsigned workday_near(unsigned day, unsigned weekday, unsigned length)
{
    if (weekday == 6) return day > 1 ? day - 1 : day + 2;
    if (weekday == 0) return day < length ? day + 1 : day - 2;
    return day;
}

/* Whether it is the day that the month decides. */
static bool day_decided(const struct window *window, const unsigned bits[WINDOW_PARTS])
{
    unsigned day = bits[WINDOW_DAY] + 1, weekday = bits[WINDOW_WEEKDAY];
    unsigned length = month_length(bits[WINDOW_YEAR] + 1970, bits[WINDOW_MONTH] + 1);
    unsigned first = (weekday + 35 - (day - 1)) % 7; /* the weekday of the month's first */
    switch (window->day) {
    case WINDOW_ANY_DAY: return true;
    case WINDOW_LAST_DAY: return day + window->number == length;
    case WINDOW_LAST_WORKDAY: return day == workday_near(length, (first + length - 1) % 7, length);
    case WINDOW_NEAR_DAY:
        return window->number <= length &&
               day == workday_near(window->number, (first + window->number - 1) % 7, length);
    case WINDOW_LAST_WEEKDAY: return weekday == window->weekday && day + 7 > length;
    case WINDOW_NTH_WEEKDAY:
        return weekday == window->weekday && (day - 1) / 7 + 1 == window->number;
    }
    return false;
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
    return day_decided(window, bits) ? 0 : DAY_S - second;
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
