#include "core/rollout.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { HOSTS_MAX = 50 };

static const struct deployment_config plain = { .name = "plain" };

static void decide(struct rollout *r, struct rollout_host *hosts, size_t count)
{
    if (!r->config) r->config = &plain;
    rollout_decide(r, hosts, count);
}

static size_t fill(struct rollout_host *hosts, size_t at, size_t count, enum host_phase phase)
{
    for (size_t i = 0; i < count; i++)
        hosts[at + i] =
            (struct rollout_host){ .phase = phase, .health = HEALTH_UNKNOWN, .zone = "" };
    return at + count;
}

/* ---- verdicts ---- */

/* good, failed, works, waits, lost; spare */
static void every_state_has_its_verdict(void **state)
{
    static const struct {
        size_t good, failed, works, waits, lost, spare;
        enum rollout_verdict verdict;
        size_t begun;
    } table[] = {
        { 0, 0, 0, 0, 0, 1, ROLLOUT_GOES_ON, 0 }, /* no host yet */
        { 0, 0, 0, 3, 0, 1, ROLLOUT_GOES_ON, 1 },   { 0, 0, 1, 2, 0, 1, ROLLOUT_GOES_ON, 0 },
        { 1, 0, 0, 2, 0, 1, ROLLOUT_GOES_ON, 1 },   { 1, 1, 0, 1, 0, 1, ROLLOUT_FAILED, 0 },
        { 2, 1, 0, 0, 0, 1, ROLLOUT_SUCCEEDED, 0 }, /* the last host may fail */
        { 0, 1, 0, 0, 0, 1, ROLLOUT_FAILED, 0 },    /* one must succeed */
        { 3, 0, 0, 0, 0, 1, ROLLOUT_SUCCEEDED, 0 }, { 1, 2, 0, 0, 0, 1, ROLLOUT_FAILED, 0 },
        { 1, 1, 1, 1, 0, 1, ROLLOUT_GOES_ON, 0 }, /* who works ends first */
        { 0, 0, 0, 2, 1, 1, ROLLOUT_GOES_ON, 0 }, /* a lost one is out of service */
        { 0, 0, 0, 2, 1, 2, ROLLOUT_GOES_ON, 1 },   { 2, 0, 0, 0, 1, 1, ROLLOUT_GOES_ON, 0 },
        { 2, 1, 0, 0, 1, 1, ROLLOUT_FAILED, 0 },    { 0, 4, 0, 0, 0, 4, ROLLOUT_FAILED, 0 },
        { 1, 3, 0, 0, 0, 4, ROLLOUT_SUCCEEDED, 0 }, { 0, 2, 0, 2, 0, 4, ROLLOUT_GOES_ON, 2 },
    };
    struct rollout_host hosts[HOSTS_MAX];
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        size_t n = fill(hosts, 0, table[i].good, HOST_GOOD);
        n = fill(hosts, n, table[i].failed, HOST_FAILED);
        n = fill(hosts, n, table[i].works, HOST_WORKS);
        n = fill(hosts, n, table[i].waits, HOST_WAITS);
        n = fill(hosts, n, table[i].lost, HOST_LOST);
        struct rollout r = { .spare = table[i].spare };
        decide(&r, hosts, n);
        if (r.verdict != table[i].verdict || r.begun != table[i].begun) fail_msg("row %zu", i);
        assert_int_equal(r.good, table[i].good);
        assert_int_equal(r.lost, table[i].lost);
    }
}

static void a_held_deployment_begins_nothing_and_fails_when_nothing_works(void **state)
{
    struct rollout_host hosts[3];
    struct rollout r = { .spare = 3, .held = true };
    (void)state;
    fill(hosts, 0, 3, HOST_WAITS);
    hosts[0].phase = HOST_WORKS;
    decide(&r, hosts, 3);
    assert_int_equal(r.verdict, ROLLOUT_GOES_ON);
    assert_int_equal(r.begun, 0);
    hosts[0].phase = HOST_GOOD;
    decide(&r, hosts, 3);
    assert_int_equal(r.verdict, ROLLOUT_FAILED);
    hosts[1].phase = hosts[2].phase = HOST_GOOD;
    decide(&r, hosts, 3);
    assert_int_equal(r.verdict, ROLLOUT_SUCCEEDED);
}

static void a_skipped_host_was_not_deployed_to(void **state)
{
    struct rollout_host hosts[2];
    struct rollout r = { .spare = 2 };
    (void)state;
    fill(hosts, 0, 1, HOST_GOOD);
    fill(hosts, 1, 1, HOST_SKIPPED);
    decide(&r, hosts, 2);
    assert_int_equal(r.verdict, ROLLOUT_FAILED);
}

/* ---- whole deployments ---- */

static void configs_make(struct deployment_config out[], size_t *count)
{
    static const uint32_t values[] = { 0, 1, 2, 5, 10, 25, 49, 33, 50, 66, 75, 90, 99 };
    size_t n = 0;
    out[n++] = *config_builtin("CodeDeployDefault.AllAtOnce");
    out[n++] = *config_builtin("CodeDeployDefault.HalfAtATime");
    out[n++] = *config_builtin("CodeDeployDefault.OneAtATime");
    for (size_t i = 0; i < COUNT(values); i++)
        for (int type = HEALTHY_COUNT; type <= HEALTHY_PERCENT; type++)
            out[n++] =
                (struct deployment_config){ .name = "mine",
                                            .rule = CONFIG_CUSTOM,
                                            .healthy = { (enum healthy_type)type, values[i] } };
    *count = n;
}

/* All that begin together end together, the first `fails` of them badly. */
static enum rollout_verdict play(struct rollout *r, struct rollout_host *hosts, size_t count,
                                 size_t fails, size_t *batches)
{
    for (*batches = 0; *batches < 2 * HOSTS_MAX; ++*batches) {
        decide(r, hosts, count);
        if (r->verdict != ROLLOUT_GOES_ON) return r->verdict;
        assert_true(r->begun > 0);
        assert_true(r->begun + r->failed <= r->spare);
        for (size_t i = 0; i < count; i++)
            if (hosts[i].begin) {
                hosts[i].phase = fails ? HOST_FAILED : HOST_GOOD;
                if (fails) fails--;
            }
    }
    fail_msg("no end");
    return ROLLOUT_FAILED;
}

static void expect(const struct deployment_config *config, size_t count, size_t spare, size_t fails)
{
    struct rollout_host hosts[HOSTS_MAX];
    struct rollout r = { .spare = spare, .config = config };
    size_t batches;
    fill(hosts, 0, count, HOST_WAITS);
    enum rollout_verdict verdict = play(&r, hosts, count, fails, &batches);
    /* The failures come first: when they use up what may be spared, the others never begin. */
    assert_int_equal(verdict == ROLLOUT_SUCCEEDED, fails < spare && fails < count);
    if (fails == 0) assert_int_equal(batches, (count + spare - 1) / spare);
}

static void each_number_of_hosts_under_each_configuration_ends_as_the_rule_says(void **state)
{
    struct deployment_config configs[64];
    size_t config_count;
    (void)state;
    configs_make(configs, &config_count);
    for (size_t c = 0; c < config_count; c++)
        for (size_t count = 1; count <= HOSTS_MAX; count++) {
            size_t spare;
            if (!config_spare(&configs[c], count, &spare)) continue;
            for (size_t fails = 0; fails <= count; fails++)
                expect(&configs[c], count, spare, fails);
        }
}

/* One at a time the last one may fail, and none before it. */
static void only_the_last_of_one_at_a_time_may_fail(void **state)
{
    (void)state;
    for (size_t count = 1; count <= HOSTS_MAX; count++)
        for (size_t bad = 0; bad < count; bad++) {
            struct rollout_host hosts[HOSTS_MAX];
            struct rollout r = { .spare = 1 };
            fill(hosts, 0, count, HOST_WAITS);
            for (size_t i = 0; i < count; i++) {
                decide(&r, hosts, count);
                if (r.verdict != ROLLOUT_GOES_ON) break;
                assert_true(hosts[i].begin);
                hosts[i].phase = i == bad ? HOST_FAILED : HOST_GOOD;
            }
            decide(&r, hosts, count);
            assert_int_equal(r.verdict == ROLLOUT_SUCCEEDED, count > 1 && bad == count - 1);
        }
}

/* ---- order ---- */

static void who_needs_it_most_begins_first(void **state)
{
    static const enum host_health given[] = { HEALTH_CURRENT, HEALTH_OLD, HEALTH_BAD,
                                              HEALTH_UNKNOWN, HEALTH_BAD };
    static const size_t order[] = { 2, 4, 3, 1, 0 };
    struct rollout_host hosts[COUNT(given)];
    struct rollout r = { .spare = 1 };
    (void)state;
    fill(hosts, 0, COUNT(given), HOST_WAITS);
    for (size_t i = 0; i < COUNT(given); i++) hosts[i].health = given[i];
    for (size_t i = 0; i < COUNT(order); i++) {
        decide(&r, hosts, COUNT(given));
        assert_int_equal(r.begun, 1);
        assert_true(hosts[order[i]].begin);
        hosts[order[i]].phase = HOST_GOOD;
    }
}

/* ---- zones ---- */

static void zone_after_zone_with_a_watch_between_them(void **state)
{
    static const char *const zones[] = { "b", "a", "b", "a", "c" };
    const struct deployment_config config = { .zonal = true,
                                              .zone_healthy = { HEALTHY_PERCENT, 50 },
                                              .first_zone_monitor_s = 60,
                                              .zone_monitor_s = 10 };
    struct rollout_host hosts[COUNT(zones)];
    struct rollout r = { .spare = 5, .config = &config, .now_ms = 1000 };
    (void)state;
    fill(hosts, 0, COUNT(zones), HOST_WAITS);
    for (size_t i = 0; i < COUNT(zones); i++) hosts[i].zone = zones[i];
    decide(&r, hosts, COUNT(zones));
    assert_int_equal(r.begun, 1); /* half of zone a */
    assert_true(hosts[1].begin);
    hosts[1].phase = HOST_GOOD;
    hosts[1].ended_ms = 1500;
    decide(&r, hosts, COUNT(zones));
    assert_true(hosts[3].begin);
    hosts[3].phase = HOST_GOOD;
    hosts[3].ended_ms = 2000;
    r.now_ms = 61999;
    decide(&r, hosts, COUNT(zones));
    assert_int_equal(r.begun, 0);
    assert_int_equal(r.wake_ms, 62000);
    r.now_ms = 62000;
    decide(&r, hosts, COUNT(zones));
    assert_true(hosts[0].begin);
    assert_false(hosts[2].begin);
    hosts[0].phase = HOST_FAILED;
    decide(&r, hosts, COUNT(zones));
    assert_int_equal(r.begun, 0); /* of zone b no more may be out of service */
    assert_int_equal(r.wake_ms, UINT64_MAX);
    assert_int_equal(r.verdict, ROLLOUT_FAILED);
    hosts[0].phase = hosts[2].phase = HOST_GOOD;
    hosts[0].ended_ms = hosts[2].ended_ms = 70000;
    r.now_ms = 79999;
    decide(&r, hosts, COUNT(zones));
    assert_int_equal(r.wake_ms, 80000);
    r.now_ms = 80000;
    decide(&r, hosts, COUNT(zones));
    assert_true(hosts[4].begin);
}

static void a_zone_has_no_more_than_the_whole_may_spare(void **state)
{
    const struct deployment_config config = { .zonal = true };
    struct rollout_host hosts[4];
    struct rollout r = { .spare = 2, .config = &config };
    (void)state;
    fill(hosts, 0, 4, HOST_WAITS);
    decide(&r, hosts, 4);
    assert_int_equal(r.begun, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_has_its_verdict),
        cmocka_unit_test(a_held_deployment_begins_nothing_and_fails_when_nothing_works),
        cmocka_unit_test(a_skipped_host_was_not_deployed_to),
        cmocka_unit_test(each_number_of_hosts_under_each_configuration_ends_as_the_rule_says),
        cmocka_unit_test(only_the_last_of_one_at_a_time_may_fail),
        cmocka_unit_test(who_needs_it_most_begins_first),
        cmocka_unit_test(zone_after_zone_with_a_watch_between_them),
        cmocka_unit_test(a_zone_has_no_more_than_the_whole_may_spare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
