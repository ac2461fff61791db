#include "core/window.h"
#include "fixture.h"

#include <string.h>

enum { HOUR = 3600 };

static const struct window_zone utc = { 0, NULL, 0 };

/* Berlin in 2024: summer from 31 March 01:00 UTC to 27 October 01:00 UTC. */
static const struct window_change summer[] = { { 1711846800, 2 * HOUR }, { 1729990800, HOUR } };
static const struct window_zone berlin = { HOUR, summer, 2 };

static struct window parsed(const char *cron)
{
    struct window window;
    struct error err;
    if (!window_parse(cron, &window, &err)) fail_msg("%s: %s", cron, err.text);
    return window;
}

static void a_wrong_expression_is_refused_by_its_part(void **state)
{
    static const struct {
        const char *cron, *says;
    } rows[] = {
        { "", "no seconds" },
        { "* * 9-17 ? *", "no day of week" },
        { "60 * * ? * *", "seconds" },
        { "* 5- * ? * *", "minutes" },
        { "* * 17-9 ? * *", "hours" },
        { "* * 24 ? * *", "hours" },
        { "* * 9x ? * *", "hours" },
        { "* * 9, ? * *", "hours" },
        { "* * ? * * *", "hours" },
        { "* * * ?1 * *", "day of month" },
        { "* * * 0 * ?", "day of month" },
        { "* * * L-31 * ?", "day of month" },
        { "* * * L- * ?", "day of month" },
        { "* * * LX * ?", "day of month" },
        { "* * * 32W * ?", "day of month" },
        { "* * * 1,L * ?", "day of month" },
        { "* * * 5W,6 * ?", "day of month" },
        { "* * * ? 13 *", "month" },
        { "* * * ? * MON#6", "day of week" },
        { "* * * ? * MON#0", "day of week" },
        { "* * * ? * MON#", "day of week" },
        { "* * * ? * 8L", "day of week" },
        { "* * * ? * FRIL,MON", "day of week" },
        { "* * * L * MON", "write ?" },
        { "* * * ? * 8", "day of week" },
        { "* */0 * ? * *", "minutes" },
        { "* */ * ? * *", "minutes" },
        { "* 00001 * ? * *", "minutes" },
        { "* * * ? * * 1969", "year" },
        { "* * * ? * * 2200", "year" },
        { "* * * ? * * * *", "behind the year" },
        { "* * * 1 * MON", "write ?" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct window window;
        struct error err;
        if (window_parse(rows[i].cron, &window, &err)) fail_msg("'%s' was taken", rows[i].cron);
        assert_int_equal(err.code, ERR_INVALID);
        if (!strstr(err.text, rows[i].says)) fail_msg("'%s': %s", rows[i].cron, err.text);
    }
    char deep[WINDOW_CRON_MAX + 2];
    memset(deep, ' ', sizeof deep);
    deep[sizeof deep - 1] = '\0';
    struct window window;
    struct error err;
    assert_false(window_parse(deep, &window, &err));
    assert_non_null(strstr(err.text, "at most"));
    (void)state;
}

/* 1709209845 is Thursday 29 February 2024, 12:30:45 UTC. */
static void every_part_is_compared(void **state)
{
    static const struct {
        const char *cron;
        bool open;
    } rows[] = {
        { "* * * * * *", true },           { "45 30 12 29 FEB ? 2024", true },
        { "45 30 12 ? 2 THU 2024", true }, { "45 30 12 ? 2 5", true },
        { "44 * * ? * *", false },         { "* 29,31 * ? * *", false },
        { "* * 13 ? * *", false },         { "* * * 28 * ?", false },
        { "* * * ? MAR *", false },        { "* * * ? * FRI-SAT", false },
        { "* * * ? * * 2025", false },     { "0/15 0/10 * ? * MON-FRI", true },
        { "1/15 * * ? * *", false },       { "* * 9-17/3 ? * *", true },
        { "* * 9-11/3 ? * *", false },     { "\t45  *  * ?\t* * ", true },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct window window = parsed(rows[i].cron);
        if (window_open(&window, &utc, 1709209845) != rows[i].open) fail_msg("%s", rows[i].cron);
    }
    (void)state;
}

static void a_window_that_is_shut_says_when_it_opens(void **state)
{
    struct window office = parsed("* * 9-17 ? * MON-FRI");
    assert_int_equal(window_next(&office, &utc, 1709209845), 1709209845);
    /* Friday 1 March 2024 18:00:00 to Monday 4 March 09:00:00 */
    assert_int_equal(window_next(&office, &utc, 1709316000), 1709542800);
    struct window leap = parsed("0 0 0 29 2 ?");
    assert_int_equal(window_next(&leap, &utc, 1709251200), 1835395200); /* 2028-02-29 */
    struct window over = parsed("* * * ? * * 2023");
    assert_int_equal(window_next(&over, &utc, 1709209845), -1);
    struct window never = parsed("* * * 31 2 ?");
    assert_int_equal(window_next(&never, &utc, 1709209845), -1);
    assert_false(window_open(&over, &utc, -1));
    (void)state;
}

/* Each day of 2024 on which it is open; that year has a leap day. */
static void a_day_that_the_month_decides_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *cron;
        unsigned days[12]; /* of 2024, by month */
    } rows[] = {
        { "0 0 12 L * ?", { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 } },
        { "0 0 12 L-3 * ?", { 28, 26, 28, 27, 28, 27, 28, 28, 27, 28, 27, 28 } },
        { "0 0 12 LW * ?", { 31, 29, 29, 30, 31, 28, 31, 30, 30, 31, 29, 31 } },
        { "0 0 12 1W * ?", { 1, 1, 1, 1, 1, 3, 1, 1, 2, 1, 1, 2 } },
        { "0 0 12 15W * ?", { 15, 15, 15, 15, 15, 14, 15, 15, 16, 15, 15, 16 } },
        { "0 0 12 31W * ?", { 31, 0, 29, 0, 31, 0, 31, 30, 0, 31, 0, 31 } },
        { "0 0 12 ? * 6L", { 26, 23, 29, 26, 31, 28, 26, 30, 27, 25, 29, 27 } },
        { "0 0 12 ? * FRIL", { 26, 23, 29, 26, 31, 28, 26, 30, 27, 25, 29, 27 } },
        { "0 0 12 ? * MON#1", { 1, 5, 4, 1, 6, 3, 1, 5, 2, 7, 4, 2 } },
        { "0 0 12 ? * 7#5", { 0, 0, 30, 0, 0, 29, 0, 31, 0, 0, 30, 0 } },
    };
    static const unsigned lengths[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct window window = parsed(rows[i].cron);
        int64_t noon = 1704110400; /* 2024-01-01 12:00 */
        int64_t next = window_next(&window, &utc, noon - 43200);
        for (unsigned m = 0; m < 12; m++)
            for (unsigned d = 1; d <= lengths[m]; d++, noon += 86400) {
                bool open = window_open(&window, &utc, noon);
                if (open != (d == rows[i].days[m]))
                    fail_msg("%s: %u-%u: %d", rows[i].cron, m + 1, d, open);
                if (!open) continue;
                assert_int_equal(next, noon);
                next = window_next(&window, &utc, noon + 1);
            }
    }
    struct window saturday = parsed("* * * ? * L");
    assert_true(window_open(&saturday, &utc, 1709380800));  /* 2 March 2024 12:00 */
    assert_false(window_open(&saturday, &utc, 1709294400)); /* the day before */
    struct window leap = parsed("0 0 0 L 2 ? 2100");        /* no leap year */
    assert_int_equal(window_next(&leap, &utc, 1709380800), 4107456000);
}

static void an_hour_that_the_clock_skips_never_comes(void **state)
{
    (void)state;
    struct window night = parsed("* * 2 31 3 ?");
    for (int64_t at = summer[0].at_s - 2 * HOUR; at < summer[0].at_s + 2 * HOUR; at++)
        assert_false(window_open(&night, &berlin, at));
    struct window three = parsed("0 0 3 ? * *");
    assert_int_equal(window_next(&three, &berlin, summer[0].at_s - 1), summer[0].at_s);
}

static void an_hour_that_the_clock_repeats_comes_twice(void **state)
{
    (void)state;
    struct window night = parsed("* * 2 27 10 ?");
    int64_t seconds = 0;
    for (int64_t at = summer[1].at_s - 3 * HOUR; at < summer[1].at_s + 3 * HOUR; at++)
        seconds += window_open(&night, &berlin, at);
    assert_int_equal(seconds, 2 * HOUR);
    struct window begin = parsed("0 0 2 ? * *");
    assert_int_equal(window_next(&begin, &berlin, summer[1].at_s - HOUR), summer[1].at_s - HOUR);
    assert_int_equal(window_next(&begin, &berlin, summer[1].at_s - HOUR + 1), summer[1].at_s);
}

/* Each step of the search against looking at every second, around both changes. */
static void the_search_passes_over_no_second(void **state)
{
    (void)state;
    static const char *const crons[] = { "* * 2 ? * *", "30 0/20 1-3 ? * *", "0 59 23 ? * SUN" };
    for (size_t c = 0; c < sizeof crons / sizeof crons[0]; c++)
        for (size_t i = 0; i < 2; i++) {
            struct window window = parsed(crons[c]);
            int64_t next = window_next(&window, &berlin, summer[i].at_s + 24 * HOUR);
            for (int64_t at = summer[i].at_s + 24 * HOUR; at > summer[i].at_s - 24 * HOUR; at--) {
                if (window_open(&window, &berlin, at)) next = at;
                if (at % 61 == 0) assert_int_equal(window_next(&window, &berlin, at), next);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_expression_is_refused_by_its_part),
        cmocka_unit_test(every_part_is_compared),
        cmocka_unit_test(a_window_that_is_shut_says_when_it_opens),
        cmocka_unit_test(a_day_that_the_month_decides_is_found),
        cmocka_unit_test(an_hour_that_the_clock_skips_never_comes),
        cmocka_unit_test(an_hour_that_the_clock_repeats_comes_twice),
        cmocka_unit_test(the_search_passes_over_no_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
