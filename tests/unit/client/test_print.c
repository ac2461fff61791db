/* What is shown to people: escapes, widths, times, and lines that fit a screen. */
#include "client/table.h"
#include "client/terminal.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const struct print_mode plain = { .utf8 = true, .now_ms = 10000000 };

/* The text that `write` makes of `text`. */
#define shows(mode, expected, call)                                                                \
    do {                                                                                           \
        struct print out;                                                                          \
        print_init(&out, mode);                                                                    \
        call;                                                                                      \
        assert_string_equal(print_string(&out), expected);                                         \
        print_deinit(&out);                                                                        \
    } while (0)

static void control_characters_are_escaped(void **state)
{
    (void)state;
    shows(&plain, "a\\x1b[31mb", print_text(&out, "a\x1b[31mb"));
    shows(&plain, "a\\nb\\tc\\rd\\x7f", print_text(&out, "a\nb\tc\rd\x7f"));
    /* C1 controls are two bytes of UTF-8: 0x9b is another beginning of a sequence. */
    shows(&plain, "\\u009b31m",
          print_text(&out, "\xc2\x9b"
                           "31m"));
}

static void characters_that_turn_or_hide_text_are_escaped(void **state)
{
    (void)state;
    shows(&plain, "\\u202egnp.exe", print_text(&out, "\xe2\x80\xaegnp.exe"));
    shows(&plain, "\\u2066x", print_text(&out, "\xe2\x81\xa6x"));
    shows(&plain, "a\\u200bb",
          print_text(&out, "a\xe2\x80\x8b"
                           "b"));
    shows(&plain, "\\U000e0041", print_text(&out, "\xf3\xa0\x81\x81"));
}

static void bytes_that_are_not_utf8_are_escaped(void **state)
{
    (void)state;
    shows(&plain, "\\xff\\xc3", print_text(&out, "\xff\xc3"));
    shows(&plain, "\\xc0\\xaf", print_text(&out, "\xc0\xaf"));          /* an overlong slash */
    shows(&plain, "\\xed\\xa0\\x80", print_text(&out, "\xed\xa0\x80")); /* a surrogate */
    shows(&plain, "\\xf4\\x90\\x80\\x80", print_text(&out, "\xf4\x90\x80\x80"));
}

static void letters_of_all_scripts_are_shown(void **state)
{
    (void)state;
    shows(&plain, "Grüße 東京 🚀", print_text(&out, "Grüße 東京 🚀"));
}

static void without_utf8_only_ascii_is_written(void **state)
{
    const struct print_mode ascii = { .utf8 = false };
    (void)state;
    shows(&ascii, "Gr\\u00fc\\u00dfe", print_text(&out, "Grüße"));
    shows(&ascii, "kTtNtrHI..R4Aj", print_short_version(&out, "kTtNtrHIhMt4.cX6YZHZ5lawDVy3R4Aj"));
    for (enum status status = STATUS_PENDING; status < STATUS_COUNT; status++) {
        struct print out;
        print_init(&out, &ascii);
        print_mark(&out, status);
        assert_int_equal(strlen(print_string(&out)), 1);
        assert_true((unsigned char)print_string(&out)[0] < 0x80);
        print_deinit(&out);
    }
}

static void logs_keep_their_lines(void **state)
{
    const char log[] = "one\r\ntwo\t3\n\x1b[2J";
    (void)state;
    shows(&plain, "one\ntwo\t3\n\\x1b[2J",
          (void)print_outside(&out, bytes_of_text(log), PRINT_LINES, true));
}

static void a_character_cut_between_chunks_waits_for_its_rest(void **state)
{
    struct print out;
    (void)state;
    print_init(&out, &plain);
    assert_int_equal(print_outside(&out, bytes_of("ab\xe6\x9d", 4), PRINT_LINES, false), 2);
    assert_int_equal(print_outside(&out, bytes_of("\xe6\x9d\xb1", 3), PRINT_LINES, false), 3);
    assert_int_equal(print_outside(&out, bytes_of("\xe6\x9d", 2), PRINT_LINES, true), 2);
    assert_string_equal(print_string(&out), "ab東\\xe6\\x9d");
    print_deinit(&out);
}

static void colours_are_written_only_when_asked_for(void **state)
{
    const struct print_mode coloured = { .colour = true, .utf8 = true };
    (void)state;
    shows(&plain, "bad", print_styled(&out, STYLE_BAD, "bad"));
    shows(&coloured, "\x1b[31mbad\\x1b[0m\x1b[0m", print_styled(&out, STYLE_BAD, "bad\x1b[0m"));
}

static void durations_are_short(void **state)
{
    static const struct {
        uint64_t ms;
        const char *text;
    } cases[] = { { 0, "0s" },          { 2000, "2.0s" },      { 9999, "9.9s" },
                  { 41000, "41s" },     { 69000, "1m09s" },    { 3599000, "59m59s" },
                  { 7500000, "2h05m" }, { 273600000, "3d04h" } };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[PRINT_TIME_SIZE];
        print_duration(cases[i].ms, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void times_are_relative_on_a_screen_and_exact_elsewhere(void **state)
{
    const struct print_mode screen = { .relative = true, .now_ms = 10000000 };
    (void)state;
    shows(&plain, "1970-01-01T02:46:40Z", print_time(&out, 10000000));
    shows(&plain, "-", print_time(&out, 0));
    shows(&screen, "now", print_time(&out, 9999500));
    shows(&screen, "5s ago", print_time(&out, 9995000));
    shows(&screen, "2m00s ago", print_time(&out, 9880000));
    /* The coordinator's clock may be ahead of ours. */
    shows(&screen, "now", print_time(&out, 10005000));
}

static void byte_counts_have_units(void **state)
{
    (void)state;
    shows(&plain, "999 B", print_bytes(&out, 999));
    shows(&plain, "1.0 kB", print_bytes(&out, 1000));
    shows(&plain, "12.3 MB", print_bytes(&out, 12345678));
    shows(&plain, "1.0 GB", print_bytes(&out, 999999999));
}

static void columns_count_what_a_screen_shows(void **state)
{
    (void)state;
    assert_int_equal(print_columns("abc"), 3);
    assert_int_equal(print_columns("\x1b[31mabc\x1b[0m"), 3);
    assert_int_equal(print_columns("✔ ░…"), 4);
    assert_int_equal(print_columns("東京"), 4);
}

static void a_clipped_line_ends_its_colours(void **state)
{
    const char line[] = "ab\x1b[31mcdef";
    (void)state;
    shows(&plain, "ab\x1b[31mcd\x1b[0m", print_clipped(&out, line, strlen(line), 4));
    /* No half of a wide character. */
    shows(&plain, "東", print_clipped(&out, "東京", strlen("東京"), 3));
}

static void a_table_aligns_its_columns(void **state)
{
    struct table table;
    struct print out;
    (void)state;
    print_init(&out, &plain);
    table_init(&table, &plain);
    table_header(&table, (const char *const[]){ "NAME", "N", "LAST", NULL });
    table.right[1] = true;
    table_row(&table);
    table_cell_text(&table, "東京");
    table_cell_text(&table, "10");
    table_cell_text(&table, "x");
    print_raw(&table.cell, "a line that is longer than all");
    table_line(&table);
    table_row(&table);
    table_cell_text(&table, "abcdef");
    table_cell_text(&table, "");
    table_cell_text(&table, "");
    table_print(&table, &out);
    assert_string_equal(print_string(&out), "NAME     N  LAST\n"
                                            "東京    10  x\n"
                                            "a line that is longer than all\n"
                                            "abcdef\n");
    table_deinit(&table);
    print_deinit(&out);
}

/* ---- drawing in place ---- */

static void a_frame_replaces_the_last_one(void **state)
{
    struct terminal terminal = { .fd = -1, .width = 10, .height = 24 };
    (void)state;
    shows(&plain, "one\x1b[K\ntwo\x1b[K\n\x1b[J",
          terminal_frame(&terminal, "one\ntwo\n", false, &out));
    shows(&plain, "\r\x1b[2Athree\x1b[K\n\x1b[J",
          terminal_frame(&terminal, "three\n", false, &out));
    shows(&plain, "\r\x1b[1A0123456789\x1b[K\n\x1b[J",
          terminal_frame(&terminal, "0123456789abc\n", false, &out));
}

static void a_narrower_screen_has_wrapped_the_last_frame(void **state)
{
    struct terminal terminal = { .fd = -1, .width = 10, .height = 24 };
    (void)state;
    shows(&plain, "0123456789\x1b[K\nab\x1b[K\n\x1b[J",
          terminal_frame(&terminal, "0123456789\nab\n", false, &out));
    terminal.width = 4;
    shows(&plain, "\r\x1b[4Ax\x1b[K\n\x1b[J", terminal_frame(&terminal, "x\n", false, &out));
}

static void a_frame_never_scrolls(void **state)
{
    struct terminal terminal = { .fd = -1, .width = 60, .height = 4 };
    (void)state;
    shows(&plain, "1\x1b[K\n2\x1b[K\n(3 more lines: make the window higher)\x1b[K\n\x1b[J",
          terminal_frame(&terminal, "1\n2\n3\n4\n5\n", false, &out));
    /* The last one stays on the screen and may scroll. */
    shows(&plain, "\r\x1b[3A1\x1b[K\n2\x1b[K\n3\x1b[K\n4\x1b[K\n5\x1b[K\n\x1b[J",
          terminal_frame(&terminal, "1\n2\n3\n4\n5\n", true, &out));
}

static void a_bar_is_full_only_at_the_end(void **state)
{
    (void)state;
    shows(&plain, "░░░░", terminal_bar(&out, 0, 100, 4));
    shows(&plain, "██░░", terminal_bar(&out, 50, 100, 4));
    shows(&plain, "███░", terminal_bar(&out, 99, 100, 4));
    shows(&plain, "████", terminal_bar(&out, 100, 100, 4));
    shows(&plain, "████", terminal_bar(&out, 0, 0, 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_characters_are_escaped),
        cmocka_unit_test(characters_that_turn_or_hide_text_are_escaped),
        cmocka_unit_test(bytes_that_are_not_utf8_are_escaped),
        cmocka_unit_test(letters_of_all_scripts_are_shown),
        cmocka_unit_test(without_utf8_only_ascii_is_written),
        cmocka_unit_test(logs_keep_their_lines),
        cmocka_unit_test(a_character_cut_between_chunks_waits_for_its_rest),
        cmocka_unit_test(colours_are_written_only_when_asked_for),
        cmocka_unit_test(durations_are_short),
        cmocka_unit_test(times_are_relative_on_a_screen_and_exact_elsewhere),
        cmocka_unit_test(byte_counts_have_units),
        cmocka_unit_test(columns_count_what_a_screen_shows),
        cmocka_unit_test(a_clipped_line_ends_its_colours),
        cmocka_unit_test(a_table_aligns_its_columns),
        cmocka_unit_test(a_frame_replaces_the_last_one),
        cmocka_unit_test(a_narrower_screen_has_wrapped_the_last_frame),
        cmocka_unit_test(a_frame_never_scrolls),
        cmocka_unit_test(a_bar_is_full_only_at_the_end),
    };
    if (!setlocale(LC_CTYPE, "C.UTF-8")) {
        printf("skipped: the locale C.UTF-8 is missing\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
