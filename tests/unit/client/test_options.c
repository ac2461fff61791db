/* The command line's options, and where settings come from. */
#include "client/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { WORDS_MAX = 16 };

/* Parses words divided by blanks, behind a program's name. */
static bool parse(const char *line, uint64_t mask, bool leading, struct options *options, int *next,
                  struct error *err)
{
    static char words[256];
    char *argv[WORDS_MAX] = { "meridian" };
    int argc = 1;
    assert_true(text_copy(words, sizeof words, line));
    for (char *word = words; word && *word; argc++) {
        argv[argc] = word;
        word = strchr(word, ' ');
        if (word) *word++ = '\0';
    }
    argv[argc] = NULL;
    *options = (struct options){ .output = OUTPUT_TABLE };
    return options_parse(argc, argv, mask, leading, options, next, err);
}

static void wrong_options_say_what_is_wrong(void **state)
{
    static const struct {
        const char *line, *text;
    } cases[] = {
        { "--nonsense", "there is no option --nonsense" },
        { "-x", "there is no option -x here" },
        { "--output", "--output needs FORMAT" },
        { "-o", "-o needs FORMAT" },
        { "-o xml", "--output 'xml': must be one of table, wide, json, name, ndjson, yaml" },
        { "--color=red", "--color 'red': must be one of auto, always, never" },
        { "--progress bar", "--progress 'bar': must be one of auto, tty, plain, json" },
        { "--timeout soon", "--timeout 'soon': must be a time as 90s, 30m or 2h" },
        { "--timeout 0s", "--timeout '0s': must be a time as 90s, 30m or 2h" },
        { "-n 0", "-n '0': must be a number from 1 to 1000" },
        { "-n 1001", "-n '1001': must be a number from 1 to 1000" },
        { "-n -3", "-n '-3': must be a number from 1 to 1000" },
        { "--quiet=yes", "--quiet takes no value" },
        { "--abandon", "--abandon does not belong to this command" },
        { "--variable TAG", "--variable 'TAG': write NAME=VALUE" },
        { "--variable =x", "--variable '=x': write NAME=VALUE" },
        { "--if-version 0", "--if-version '0': must be a version, 1 or more" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct options options;
        struct error err = { .code = ERR_NONE };
        int next = 0;
        assert_false(parse(cases[i].line,
                           OPTION_BIT(NUMBER) | OPTION_BIT(VARIABLE) | OPTION_BIT(IF_VERSION),
                           false, &options, &next, &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_string_equal(err.text, cases[i].text);
    }
}

static void one_letter_means_what_the_command_says(void **state)
{
    struct options options;
    struct error err;
    int next = 0;
    (void)state;
    assert_true(parse("-f file.json", OPTION_BIT(FILE), false, &options, &next, &err));
    assert_string_equal(options.text[OPTION_FILE], "file.json");
    assert_true(parse("-f file.json", OPTION_BIT(FOLLOW), false, &options, &next, &err));
    assert_true(options_given(&options, OPTION_FOLLOW));
    assert_int_equal(next, 2);
}

static void options_may_stand_behind_arguments(void **state)
{
    struct options options;
    struct error err;
    int next = 0;
    (void)state;
    assert_true(parse("xr -o json 0b8a --timeout 30m", 0, false, &options, &next, &err));
    assert_int_equal(options.output, OUTPUT_JSON);
    assert_int_equal(options.timeout_ms, 1800000);
    assert_int_equal(next, 5);
}

static void leading_options_end_at_the_command(void **state)
{
    struct options options;
    struct error err;
    int next = 0;
    (void)state;
    assert_true(parse("-q stop --abandon", 0, true, &options, &next, &err));
    assert_true(options_given(&options, OPTION_QUIET));
    assert_int_equal(next, 2);
}

/* ---- settings ---- */

static char folder[] = "/tmp/meridian-settings-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    memcpy(strrchr(folder, '-') + 1, "XXXXXX", 6);
    if (!mkdtemp(folder)) return -1;
    unsetenv("MERIDIAN_COORDINATOR");
    unsetenv("MERIDIAN_COORDINATOR_KEY");
    unsetenv("MERIDIAN_KEY");
    unsetenv("MERIDIAN_CONFIG");
    setenv("XDG_CONFIG_HOME", folder, 1);
    return 0;
}

static int remove_folder(void **state)
{
    struct error err;
    (void)state;
    return fs_remove_tree(folder, &err) ? 0 : -1;
}

static void write_settings(const char *name, const char *text)
{
    struct error err;
    char path[FS_PATH_MAX], below[FS_PATH_MAX];
    assert_true(fs_join(below, folder, "meridian", &err));
    assert_true(fs_make_folders(below, 0700, &err));
    assert_true(fs_join(path, below, name, &err));
    assert_true(fs_write_atomic(path, bytes_of_text(text), 0600, &err));
}

static void missing_settings_are_named(void **state)
{
    const struct options options = { .output = OUTPUT_TABLE };
    struct settings settings;
    struct error err = { .code = ERR_NONE };
    (void)state;
    if (fs_exists("/etc/meridian/client.yml")) {
        print_message("skipped: this host has settings of its own\n");
        skip();
    }
    assert_false(settings_load(&options, &settings, &err));
    assert_string_equal(err.text, "nothing sets coordinator (tcp://HOST:PORT)");
    setenv("MERIDIAN_COORDINATOR", "tcp://a:1", 1);
    assert_false(settings_load(&options, &settings, &err));
    assert_string_equal(err.text, "nothing sets coordinatorKey (the file coordinator.pub)");
    setenv("MERIDIAN_COORDINATOR_KEY", "/k", 1);
    assert_false(settings_load(&options, &settings, &err));
    assert_string_equal(err.text, "nothing sets key (the file client-NAME.key)");
}

static void an_unknown_key_of_the_file_is_refused_with_its_place(void **state)
{
    const struct options options = { .output = OUTPUT_TABLE };
    struct settings settings;
    struct error err = { .code = ERR_NONE };
    (void)state;
    write_settings("config.yml", "coordinator: tcp://a:1\ncoordinatorkey: x\n");
    assert_false(settings_load(&options, &settings, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_non_null(strstr(err.text, "config.yml:2:1"));
    assert_non_null(strstr(err.text, "coordinatorKey"));
}

static void a_named_file_must_exist(void **state)
{
    struct options options = { .output = OUTPUT_TABLE };
    struct settings settings;
    struct error err = { .code = ERR_NONE };
    (void)state;
    options.text[OPTION_CONFIG] = "/tmp/there-is-no-such-file.yml";
    assert_false(settings_load(&options, &settings, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void options_win_over_the_environment_over_files(void **state)
{
    struct options options = { .output = OUTPUT_TABLE };
    struct settings settings;
    struct error err = { .code = ERR_NONE };
    char key[FS_PATH_MAX];
    (void)state;
    write_settings("config.yml", "coordinator: tcp://file:1\ncoordinatorKey: pub\nkey: own\n");
    setenv("MERIDIAN_COORDINATOR_KEY", "/environment", 1);
    setenv("MERIDIAN_KEY", "/environment", 1);
    options.text[OPTION_KEY] = "option";
    assert_true(settings_load(&options, &settings, &err));
    assert_string_equal(settings.coordinator, "tcp://file:1");
    assert_string_equal(settings.coordinator_key, "/environment");
    assert_string_equal(settings.key, "option");
    /* Relative paths of a file are relative to it. */
    unsetenv("MERIDIAN_COORDINATOR_KEY");
    assert_true(settings_load(&options, &settings, &err));
    snprintf(key, sizeof key, "%s/meridian/pub", folder);
    assert_string_equal(settings.coordinator_key, key);
}

static void a_named_file_is_the_only_one(void **state)
{
    const struct options options = { .output = OUTPUT_TABLE };
    struct settings settings;
    struct error err = { .code = ERR_NONE };
    char path[FS_PATH_MAX];
    (void)state;
    write_settings("config.yml", "coordinator: tcp://file:1\ncoordinatorKey: pub\nkey: own\n");
    write_settings("other.yml", "coordinator: tcp://other:1\nkey: /own\n");
    snprintf(path, sizeof path, "%s/meridian/other.yml", folder);
    setenv("MERIDIAN_CONFIG", path, 1);
    assert_false(settings_load(&options, &settings, &err));
    setenv("MERIDIAN_COORDINATOR_KEY", "/pub", 1);
    assert_true(settings_load(&options, &settings, &err));
    assert_string_equal(settings.coordinator, "tcp://other:1");
}

#define in_a_folder(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_options_say_what_is_wrong),
        cmocka_unit_test(one_letter_means_what_the_command_says),
        cmocka_unit_test(options_may_stand_behind_arguments),
        cmocka_unit_test(leading_options_end_at_the_command),
        in_a_folder(missing_settings_are_named),
        in_a_folder(an_unknown_key_of_the_file_is_refused_with_its_place),
        in_a_folder(a_named_file_must_exist),
        in_a_folder(options_win_over_the_environment_over_files),
        in_a_folder(a_named_file_is_the_only_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
