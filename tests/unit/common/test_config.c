#include "io/config.h"

#include "io/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct settings {
    const char *name, *state, *cert, *note;
    uint64_t port, map_bytes, lease_ms;
    bool console;
    char regions[128];
};

static const struct config_field region_fields[] = {
    { .name = "name", .type = CONFIG_TEXT, .offset = 0, .required = true },
    { .name = NULL },
};

static bool read_region(struct config *config, const struct doc_node *item, void *settings,
                        struct error *err)
{
    struct settings *s = settings;
    struct {
        const char *name;
    } region = { NULL };
    if (!config_read(config, item, region_fields, &region, err)) return false;
    size_t len = strlen(s->regions);
    snprintf(s->regions + len, sizeof s->regions - len, "%s,", region.name);
    return true;
}

static const struct config_field console_fields[] = {
    { "enabled", CONFIG_BOOL, offsetof(struct settings, console), .fallback = "false" },
    { "certificate", CONFIG_PATH, offsetof(struct settings, cert), .required = true },
    { .name = NULL },
};

static const struct config_field fields[] = {
    { "name", CONFIG_TEXT, offsetof(struct settings, name), .required = true },
    { "note", CONFIG_TEXT, offsetof(struct settings, note), .required = false },
    { "state", CONFIG_PATH, offsetof(struct settings, state), .fallback = "state" },
    { "port", CONFIG_UNSIGNED, offsetof(struct settings, port), .fallback = "7000", .min = 1,
      .max = 65535 },
    { "map", CONFIG_SIZE, offsetof(struct settings, map_bytes), .fallback = "1 GiB",
      .min = 1 << 20 },
    { "lease", CONFIG_DURATION, offsetof(struct settings, lease_ms), .fallback = "30s", .min = 1000,
      .max = 600000 },
    { .name = "console", .type = CONFIG_SECTION, .section = console_fields },
    { .name = "regions", .type = CONFIG_LIST, .item = read_region },
    { .name = NULL },
};

struct loaded {
    char folder[FS_PATH_MAX - 64], path[FS_PATH_MAX];
    struct settings s;
    struct config *config;
    struct error err;
};

static bool load(struct loaded *l, const char *text)
{
    *l = (struct loaded){ .config = NULL };
    struct error err = { 0 };
    const char *tmp = getenv("TMPDIR");
    snprintf(l->folder, sizeof l->folder, "%s/meridian-config-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(l->folder));
    assert_true(fs_join(l->path, l->folder, "m.yml", &err));
    assert_true(fs_write_atomic(l->path, bytes_of_text(text), 0600, &err));
    bool ok = config_load(l->path, fields, &l->s, &l->config, &l->err);
    assert_true(fs_remove_tree(l->folder, &err));
    return ok;
}

static void assert_refused(const char *text, const char *want)
{
    struct loaded l;
    assert_false(load(&l, text));
    assert_int_equal(l.err.code, ERR_INVALID);
    const char *after_folder = l.err.text + strlen(l.folder) + 1;
    if (!text_starts(l.err.text, l.folder) || !text_starts(after_folder, want))
        fail_msg("got  %s\nwant ...%s", l.err.text, want);
}

static void unknown_and_duplicate_keys_are_refused_with_their_place(void **state)
{
    (void)state;
    assert_refused("name: a\nprot: 1\n", "m.yml:2:7: prot: unknown key: did you mean \"port\"?");
    assert_refused("name: a\nname: b\n", "m.yml:2:7: name: the key \"name\" stands here and in");
    assert_refused("name: a\nconsole: { enabeld: true }\n",
                   "m.yml:2:21: console.enabeld: unknown key: did you mean \"enabled\"?");
    assert_refused("name: a\n---\nname: b\n", "m.yml:3:1: a settings file holds one document");
    assert_refused("[]\n", "m.yml:1:1: must be a mapping");
}

static void missing_required_keys_are_refused(void **state)
{
    (void)state;
    assert_refused("", "m.yml:1:1: the key \"name\" is missing");
    assert_refused("name:\n", "m.yml:1:1: the key \"name\" is missing");
    assert_refused("name: ''\n", "m.yml:1:7: name: must not be empty");
    assert_refused("name: a\nconsole: { enabled: true }\n",
                   "m.yml:2:10: console: the key \"certificate\" is missing");
    assert_refused("name: a\nregions: [{ name: x }, {}]\n",
                   "m.yml:2:24: regions[1]: the key \"name\" is missing");
}

static void wrong_values_say_what_to_write(void **state)
{
    (void)state;
    assert_refused("name: a\nport: 0\n",
                   "m.yml:2:7: port: must be a whole number from 1 to 65535, not 0");
    assert_refused("name: [a]\n", "m.yml:1:7: name: must be a text, not ");
    assert_refused("name: a\nmap: 5 MB\n", "m.yml:2:6: map: must be a size such as 64 KiB");
    assert_refused("name: a\nmap: 5 KiB\n", "m.yml:2:6: map: must be from 1048576 to ");
    assert_refused("name: a\nlease: 30\n", "m.yml:2:8: lease: must be a duration such as 250ms");
    assert_refused("name: a\nlease: 11m\n",
                   "m.yml:2:8: lease: must be from 1000 to 600000 milliseconds");
    assert_refused("name: a\nregions: {}\n", "m.yml:2:10: regions: must be a list");
    assert_refused("name: a\nstate: ''\n", "m.yml:2:8: state: must not be empty");
    assert_refused("name: a\nconsole: { certificate: x, enabled: 1 }\n",
                   "m.yml:2:37: console.enabled: must be true or false");
}

static void missing_file_is_not_found(void **state)
{
    (void)state;
    struct settings s = { 0 };
    struct config *config = NULL;
    struct error err = { 0 };
    assert_false(config_load("/nowhere/at/all.yml", fields, &s, &config, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    config_close(NULL);
}

static void absent_optional_keys_get_their_fallbacks(void **state)
{
    (void)state;
    struct loaded l;
    char want[FS_PATH_MAX];
    if (!load(&l, "name: a\n")) fail_msg("%s", l.err.text);
    struct error err = { 0 };
    assert_true(fs_join(want, l.folder, "state", &err));
    assert_string_equal(l.s.name, "a");
    assert_string_equal(l.s.state, want);
    assert_null(l.s.note);
    assert_null(l.s.cert); /* the section is absent: its required key is not missed */
    assert_int_equal(l.s.port, 7000);
    assert_int_equal(l.s.map_bytes, 1 << 30);
    assert_int_equal(l.s.lease_ms, 30000);
    assert_false(l.s.console);
    config_close(l.config);
}

static void written_keys_are_read_and_paths_are_relative_to_the_file(void **state)
{
    (void)state;
    struct loaded l;
    char want[FS_PATH_MAX];
    struct error err = { 0 };
    if (!load(&l, "name: 'a b'\nnote: ''\nstate: /abs/olute\nport: 1\nmap: 2MiB\nlease: 5m\n"
                  "console:\n  certificate: keys/c.pem\n  enabled: yes\n"
                  "regions:\n- name: eu\n- { name: us }\n"))
        fail_msg("%s", l.err.text);
    assert_true(fs_join(want, l.folder, "keys/c.pem", &err));
    assert_string_equal(l.s.name, "a b");
    assert_string_equal(l.s.note, "");
    assert_string_equal(l.s.state, "/abs/olute");
    assert_string_equal(l.s.cert, want);
    assert_int_equal(l.s.port, 1);
    assert_int_equal(l.s.map_bytes, 2 << 20);
    assert_int_equal(l.s.lease_ms, 300000);
    assert_true(l.s.console);
    assert_string_equal(l.s.regions, "eu,us,");
    config_close(l.config);
}

static void units_are_strict_and_do_not_overflow(void **state)
{
    (void)state;
    static const char *const wrong[] = { "",     "B",      " 1",   "1 ",  "1  KiB",
                                         "-1",   "1.5GiB", "1kib", "1KB", "99999999999 TiB",
                                         "01 B", "1 KiB " };
    uint64_t out = 7;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (config_size_parse(wrong[i], &out)) fail_msg("'%s' is read as a size", wrong[i]);
    assert_false(config_duration_parse("5", &out));
    assert_false(config_duration_parse("5 min", &out));
    assert_false(config_duration_parse("18446744073709551615s", &out));
    assert_int_equal(out, 7);
    assert_true(config_size_parse("3 KiB", &out));
    assert_int_equal(out, 3072);
    assert_true(config_duration_parse("1d", &out));
    assert_int_equal(out, 86400000);
    assert_true(config_duration_parse("0ms", &out));
    assert_int_equal(out, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_and_duplicate_keys_are_refused_with_their_place),
        cmocka_unit_test(missing_required_keys_are_refused),
        cmocka_unit_test(wrong_values_say_what_to_write),
        cmocka_unit_test(missing_file_is_not_found),
        cmocka_unit_test(absent_optional_keys_get_their_fallbacks),
        cmocka_unit_test(written_keys_are_read_and_paths_are_relative_to_the_file),
        cmocka_unit_test(units_are_strict_and_do_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
