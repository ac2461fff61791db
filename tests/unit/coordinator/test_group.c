#include "core/group.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct host_tag tags[] = { { "Name", "web" }, { "Stage", "prod" }, { "Empty", "" } };

static bool one_filter_fits(enum tag_filter_type type, const char *key, const char *value)
{
    const struct tag_filter filter = { type, key, value };
    const struct tag_set set = { &filter, 1 };
    const struct deployment_group group = { .instances = { &set, 1 } };
    return group_fits(&group, tags, COUNT(tags));
}

static void a_filter_fits_as_its_type_says(void **state)
{
    static const struct {
        enum tag_filter_type type;
        const char *key, *value;
        bool fits;
    } table[] = {
        { FILTER_KEY_ONLY, "Name", "", true },
        { FILTER_KEY_ONLY, "Name", "other", true },
        { FILTER_KEY_ONLY, "name", "", false },
        { FILTER_KEY_ONLY, "web", "", false },
        { FILTER_KEY_ONLY, "", "", false },
        { FILTER_VALUE_ONLY, "", "web", true },
        { FILTER_VALUE_ONLY, "Stage", "web", true },
        { FILTER_VALUE_ONLY, "", "Name", false },
        { FILTER_VALUE_ONLY, "", "Web", false },
        { FILTER_VALUE_ONLY, "", "", true }, /* the tag Empty */
        { FILTER_KEY_AND_VALUE, "Name", "web", true },
        { FILTER_KEY_AND_VALUE, "Name", "prod", false },
        { FILTER_KEY_AND_VALUE, "Stage", "web", false },
        { FILTER_KEY_AND_VALUE, "Empty", "", true },
        { FILTER_KEY_AND_VALUE, "Name", "", false },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++)
        if (one_filter_fits(table[i].type, table[i].key, table[i].value) != table[i].fits)
            fail_msg("row %zu", i);
}

/* Within a set any filter, of several sets each one: all 16 cases of two sets of two. */
static void sets_are_joined_by_and_and_filters_by_or(void **state)
{
    static const struct tag_filter yes = { FILTER_KEY_ONLY, "Name", "" };
    static const struct tag_filter no = { FILTER_KEY_ONLY, "Nobody", "" };
    (void)state;
    for (unsigned bits = 0; bits < 16; bits++) {
        struct tag_filter filters[4];
        for (unsigned i = 0; i < 4; i++) filters[i] = bits >> i & 1u ? yes : no;
        const struct tag_set sets[] = { { &filters[0], 2 }, { &filters[2], 2 } };
        const struct deployment_group group = { .instances = { sets, 2 } };
        bool wanted = (bits & 3u) && (bits & 12u);
        assert_int_equal(group_fits(&group, tags, COUNT(tags)), wanted);
        const struct deployment_group other = { .on_premises = { sets, 2 } };
        assert_int_equal(group_fits(&other, tags, COUNT(tags)), wanted);
    }
}

static void either_kind_of_instance_is_enough(void **state)
{
    static const struct tag_filter yes = { FILTER_KEY_ONLY, "Name", "" };
    static const struct tag_filter no = { FILTER_KEY_ONLY, "Nobody", "" };
    const struct tag_set fits = { &yes, 1 }, misses = { &no, 1 };
    (void)state;
    for (unsigned bits = 0; bits < 4; bits++) {
        const struct deployment_group group = {
            .instances = { bits & 1u ? &fits : &misses, 1 },
            .on_premises = { bits & 2u ? &fits : &misses, 1 },
        };
        assert_int_equal(group_fits(&group, tags, COUNT(tags)), bits != 0);
    }
}

static void without_filters_every_host_belongs(void **state)
{
    const struct deployment_group all = { .name = "prod" };
    const struct tag_filter any = { FILTER_VALUE_ONLY, "", "" };
    const struct tag_set set = { &any, 1 };
    const struct deployment_group some = { .instances = { &set, 1 } };
    (void)state;
    assert_true(group_fits(&all, NULL, 0));
    assert_true(group_fits(&all, tags, COUNT(tags)));
    assert_false(group_fits(&some, NULL, 0));
}

/* ---- configurations ---- */

static void names_of_nobody_are_no_configurations(void **state)
{
    (void)state;
    assert_null(config_builtin(""));
    assert_null(config_builtin("CodeDeployDefault.Sometimes"));
    assert_null(config_builtin("codedeploydefault.allatonce"));
    assert_int_equal(config_builtin("CodeDeployDefault.AllAtOnce")->rule, CONFIG_ALL_AT_ONCE);
    assert_int_equal(config_builtin("CodeDeployDefault.HalfAtATime")->rule, CONFIG_HALF_AT_A_TIME);
    assert_int_equal(config_builtin("CodeDeployDefault.OneAtATime")->rule, CONFIG_ONE_AT_A_TIME);
}

static size_t spare_of(const struct deployment_config *config, size_t hosts)
{
    size_t spare = SIZE_MAX;
    return config_spare(config, hosts, &spare) ? spare : 0;
}

/* The user guide's own examples, and every share of every number of hosts. */
static void a_percentage_is_rounded_up(void **state)
{
    struct deployment_config config = { .rule = CONFIG_CUSTOM, .healthy = { HEALTHY_PERCENT, 95 } };
    (void)state;
    assert_int_equal(spare_of(&config, 10), 0);
    config.healthy.value = 40;
    assert_int_equal(spare_of(&config, 9), 5);
    for (size_t hosts = 1; hosts <= 50; hosts++)
        for (uint32_t percent = 0; percent <= 100; percent++) {
            config.healthy.value = percent;
            size_t healthy = 0;
            while (healthy * 100 < hosts * percent) healthy++;
            assert_int_equal(spare_of(&config, hosts), hosts - healthy);
        }
}

static void a_count_of_all_hosts_leaves_none_to_spare(void **state)
{
    (void)state;
    for (size_t hosts = 1; hosts <= 50; hosts++)
        for (uint32_t healthy = 0; healthy <= 52; healthy++) {
            const struct deployment_config config = { .rule = CONFIG_CUSTOM,
                                                      .healthy = { HEALTHY_COUNT, healthy } };
            assert_int_equal(spare_of(&config, hosts), healthy < hosts ? hosts - healthy : 0);
        }
}

static void the_defaults_spare_what_their_names_say(void **state)
{
    (void)state;
    for (size_t hosts = 1; hosts <= 50; hosts++) {
        assert_int_equal(spare_of(config_builtin("CodeDeployDefault.AllAtOnce"), hosts), hosts);
        assert_int_equal(spare_of(config_builtin("CodeDeployDefault.OneAtATime"), hosts), 1);
        assert_int_equal(spare_of(config_builtin("CodeDeployDefault.HalfAtATime"), hosts),
                         hosts == 1 ? 1 : hosts / 2);
    }
}

static void a_zone_is_never_stuck(void **state)
{
    const struct deployment_config none = { .zone_healthy = { HEALTHY_PERCENT, 0 } };
    const struct deployment_config half = { .zone_healthy = { HEALTHY_PERCENT, 50 } };
    const struct deployment_config many = { .zone_healthy = { HEALTHY_COUNT, 9 } };
    (void)state;
    assert_int_equal(config_zone_spare(&none, 7), 7);
    assert_int_equal(config_zone_spare(&half, 7), 3);
    assert_int_equal(config_zone_spare(&many, 7), 1);
    assert_int_equal(config_zone_spare(&many, 9), 1);
    assert_int_equal(config_zone_spare(&many, 11), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_filter_fits_as_its_type_says),
        cmocka_unit_test(sets_are_joined_by_and_and_filters_by_or),
        cmocka_unit_test(either_kind_of_instance_is_enough),
        cmocka_unit_test(without_filters_every_host_belongs),
        cmocka_unit_test(names_of_nobody_are_no_configurations),
        cmocka_unit_test(a_percentage_is_rounded_up),
        cmocka_unit_test(a_count_of_all_hosts_leaves_none_to_spare),
        cmocka_unit_test(the_defaults_spare_what_their_names_say),
        cmocka_unit_test(a_zone_is_never_stuck),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
