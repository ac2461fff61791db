/* scripts.log: whole lines, bounded files, and a tail that always says something. */
#include "place.h"

#include "steps/hook/scriptlog.h"

static void two_streams_never_tear_each_other_s_lines(void **state)
{
    (void)state;
    struct place p;
    struct error err;
    struct scriptlog log;
    struct scriptlog_stream out AUTO(scriptlog_stream_deinit), other AUTO(scriptlog_stream_deinit);
    place_make(&p);
    assert_true(scriptlog_open(&log, place_path(&p, "logs"), &err));
    scriptlog_stream_init(&out, "[stdout]");
    scriptlog_stream_init(&other, "[stderr]");
    scriptlog_output(&log, &out, bytes_of_text("half "));
    scriptlog_output(&log, &other, bytes_of_text("whole\nrest"));
    scriptlog_output(&log, &out, bytes_of_text("line\n\n"));
    scriptlog_stream_end(&log, &out);
    scriptlog_stream_end(&log, &other);
    char tail[SCRIPTLOG_TAIL_MAX + 1];
    scriptlog_tail(&log, tail);
    assert_string_equal(tail, "[stderr]whole\n[stdout]half line\n[stdout]\n[stderr]rest\n");
    scriptlog_close(&log);
    place_remove(&p);
}

static void the_tail_holds_whole_last_lines(void **state)
{
    (void)state;
    struct place p;
    struct error err;
    struct scriptlog log;
    char tail[SCRIPTLOG_TAIL_MAX + 1];
    place_make(&p);
    assert_true(scriptlog_open(&log, place_path(&p, "logs"), &err));
    for (int i = 0; i < 1000; i++) scriptlog_entry(&log, "line %03d %080d", i, 0);
    scriptlog_tail(&log, tail);
    assert_true(strlen(tail) > SCRIPTLOG_TAIL_MAX - 100);
    assert_memory_equal(tail, "line ", 5);
    assert_non_null(strstr(tail, "line 999 "));
    scriptlog_close(&log);
    place_remove(&p);
}

static void one_long_line_is_cut_and_never_lost(void **state)
{
    (void)state;
    struct place p;
    struct error err;
    struct scriptlog log;
    struct scriptlog_stream out AUTO(scriptlog_stream_deinit);
    char tail[SCRIPTLOG_TAIL_MAX + 1], text[100];
    place_make(&p);
    assert_true(scriptlog_open(&log, place_path(&p, "logs"), &err));
    scriptlog_stream_init(&out, "[stdout]");
    memset(text, '\001', sizeof text);
    for (int i = 0; i < 2000; i++) scriptlog_output(&log, &out, bytes_of(text, sizeof text));
    scriptlog_output(&log, &out, bytes_of_text("end"));
    scriptlog_stream_end(&log, &out);
    scriptlog_tail(&log, tail);
    assert_non_null(strstr(tail, "\\x01\\x01end\n"));
    scriptlog_close(&log);
    place_remove(&p);
}

static void full_files_are_rotated_and_the_oldest_goes(void **state)
{
    (void)state;
    struct place p;
    struct error err;
    struct scriptlog log;
    place_make(&p);
    assert_true(scriptlog_open(&log, place_path(&p, "logs"), &err));
    for (int i = 0; i < SCRIPTLOG_FILES + 2; i++) {
        scriptlog_entry(&log, "file %d", i);
        log.size = SCRIPTLOG_FILE_MAX; /* as if it were full */
    }
    assert_non_null(strstr(place_read(&p, "logs/scripts.log"), "file 9"));
    assert_non_null(strstr(place_read(&p, "logs/scripts.log.7"), "file 2"));
    assert_false(place_has(&p, "logs/scripts.log.8"));
    scriptlog_close(&log);
    place_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_streams_never_tear_each_other_s_lines),
        cmocka_unit_test(the_tail_holds_whole_last_lines),
        cmocka_unit_test(one_long_line_is_cut_and_never_lost),
        cmocka_unit_test(full_files_are_rotated_and_the_oldest_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
