/* The coordinator's configuration file: coordinator/shell/settings.h. */
#include "io/fs.h"
#include "shell/settings.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static bool load_all(const char *artifacts, const char *store, struct settings *out,
                     struct error *err)
{
    char folder[] = "/tmp/meridian-settings-XXXXXX", path[64], text[1024];
    struct error ignored;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/coordinator.yml", folder);
    int len = snprintf(text, sizeof text,
                       "region: us-west-2\nstate: state\nkeys: keys\n"
                       "listen: {workers: 'tcp://127.0.0.1:1', clients: 'tcp://127.0.0.1:2'}\n"
                       "artifacts: {%s}\nstores: [{name: source, region: us-west-2, %s}]\n",
                       artifacts, store);
    assert_true(fs_write_atomic(path, bytes_of(text, (size_t)len), 0600, &ignored));
    bool ok = settings_load(path, out, err);
    assert_true(fs_remove_tree(folder, &ignored));
    return ok;
}

static bool load(const char *artifacts, struct settings *out, struct error *err)
{
    return load_all(artifacts, "path: source", out, err);
}

static void a_store_is_a_folder_or_a_bucket(void **state)
{
    (void)state;
    static const char *const wrong[] = { "type: dir", "type: S3", "type: s3, path: x",
                                         "path: x, endpoint: 'https://x'", "region: y" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct settings settings;
        struct error err = { 0 };
        assert_false(load_all("listen: '127.0.0.1:7780'", wrong[i], &settings, &err));
        if (!strstr(err.text, "stores")) fail_msg("%s: %s", wrong[i], err.text);
    }
    struct settings settings;
    struct error err = { 0 };
    assert_true(
        load_all("listen: '127.0.0.1:7780'", "type: s3, endpoint: 'https://x'", &settings, &err));
    assert_true(artifact_store_is_s3(&settings.stores[0]));
    assert_string_equal(settings.stores[0].endpoint, "https://x");
    settings_deinit(&settings);
    assert_true(load("listen: '127.0.0.1:7780'", &settings, &err));
    assert_false(artifact_store_is_s3(&settings.stores[0]));
    settings_deinit(&settings);
}

static void deltas_and_prices_are_bounded(void **state)
{
    (void)state;
    static const struct {
        const char *line, *place;
    } wrong[] = { { "path: x}]\ndeltas: {worth: 0}\nprices: [{perGiB: 1", "worth" },
                  { "path: x}]\ndeltas: {worth: 101}\nprices: [{perGiB: 1", "worth" },
                  { "path: x}]\ndeltas: {wait: 2h}\nprices: [{perGiB: 1", "wait" },
                  { "path: x}]\ndeltas: {most: 1}\nprices: [{perGiB: 1", "most" },
                  { "path: x}]\nprices: [{from: a", "perGiB" },
                  { "path: x}]\nprices: [{perGiB: 16", "dollars" },
                  { "path: x}]\nprices: [{perGiB: '1.'", "dollars" },
                  { "path: x}]\nprices: [{perGiB: '.5'", "dollars" },
                  { "path: x}]\nprices: [{perGiB: '1.2.3'", "dollars" },
                  { "path: x}]\nprices: [{perGiB: -1", "dollars" } };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct settings settings;
        struct error err = { 0 };
        assert_false(load_all("listen: '127.0.0.1:7780'", wrong[i].line, &settings, &err));
        if (!strstr(err.text, wrong[i].place)) fail_msg("%s: %s", wrong[i].line, err.text);
    }
    struct settings settings;
    struct error err = { 0 };
    assert_true(load("listen: '127.0.0.1:7780'", &settings, &err));
    assert_true(settings.deltas_enabled);
    assert_int_equal(settings.deltas_min, 1 << 20);
    assert_int_equal(settings.price_count, 0);
    settings_deinit(&settings);
    assert_true(load_all("listen: '127.0.0.1:7780'",
                         "path: x}]\ndeltas: {enabled: false, wait: 30s}\nprices: [{from: a, "
                         "perGiB: 0.02}, {to: b, perGiB: 15}, {perGiB: '0.000000001'",
                         &settings, &err));
    assert_false(settings.deltas_enabled);
    assert_int_equal(settings.deltas_wait_ms, 30000);
    assert_int_equal(settings.price_count, 3);
    assert_string_equal(settings.prices[0].from, "a");
    assert_string_equal(settings.prices[0].to, "*");
    assert_int_equal(settings.prices[0].nano, 20000000);
    assert_string_equal(settings.prices[1].to, "b");
    assert_int_equal(settings.prices[1].nano, 15000000000);
    assert_int_equal(settings.prices[2].nano, 1);
    settings_deinit(&settings);
}

static void an_address_that_nobody_can_listen_on_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = { "''",       "':7780'",         "'127.0.0.1'",
                                         "'host:1'", "'127.0.0.1:0'",   "'127.0.0.1:65536'",
                                         "'::1:7'",  "'[127.0.0.1:1]'", "'127.0.0.1:1 '",
                                         "'[]:1'",   "'[::1]'" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct settings settings;
        struct error err = { 0 };
        char line[64];
        snprintf(line, sizeof line, "listen: %s", wrong[i]);
        assert_false(load(line, &settings, &err));
        if (!strstr(err.text, "artifacts")) fail_msg("%s: %s", wrong[i], err.text);
    }
}

static void every_address_needs_one_that_workers_reach(void **state)
{
    (void)state;
    struct settings settings;
    struct error err = { 0 };
    assert_false(load("listen: '0.0.0.0:7780'", &settings, &err));
    assert_non_null(strstr(err.text, "artifacts.url"));
    assert_false(load("listen: '[::]:7780'", &settings, &err));
    assert_true(load("listen: '[::]:7780', url: 'https://store:7780'", &settings, &err));
    settings_deinit(&settings);
}

static void both_families_can_be_listened_on(void **state)
{
    (void)state;
    struct settings settings;
    struct error err = { 0 };
    assert_true(load("listen: '127.0.0.1:7780'", &settings, &err));
    const struct sockaddr_in *v4 = (const void *)&settings.artifacts_address;
    assert_int_equal(v4->sin_family, AF_INET);
    assert_int_equal(ntohs(v4->sin_port), 7780);
    settings_deinit(&settings);
    assert_true(load("listen: '[::1]:7781'", &settings, &err));
    const struct sockaddr_in6 *v6 = (const void *)&settings.artifacts_address;
    assert_int_equal(v6->sin6_family, AF_INET6);
    assert_int_equal(ntohs(v6->sin6_port), 7781);
    settings_deinit(&settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_is_a_folder_or_a_bucket),
        cmocka_unit_test(deltas_and_prices_are_bounded),
        cmocka_unit_test(an_address_that_nobody_can_listen_on_is_refused),
        cmocka_unit_test(every_address_needs_one_that_workers_reach),
        cmocka_unit_test(both_families_can_be_listened_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
