/* What may go from the stores, and that nobody uses again what went. */
#include "core/retention.h"
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- who needs it ---- */

static void begin(struct world *w)
{
    world_init(w);
    world_connect(w);
    assert_int_equal(world_apply(w, "xr Prod=us-east-1")->failure.code, ERR_NONE);
}

static void deploy(struct world *w, const char *revision, enum status status)
{
    world_source(w, "xr", "Source", revision);
    const struct job_state *job = world_job(w, "xr", "e1");
    if (job && job->kind == JOB_REPLICATE) world_finish(w, "xr", "e1", 2, STATUS_SUCCEEDED);
    world_finish(w, "xr", "e1", 2, status);
    world_sleep(w, 50); /* ages differ */
}

static struct artifact_ref copy_in_east(struct world *w)
{
    const struct execution *e = &world_view(w, "xr")->execution;
    for (size_t i = 0; i < e->copy_count; i++)
        if (text_equal(e->copies[i].region, "us-east-1")) return e->copies[i].ref;
    fail_msg("no copy in us-east-1");
    return (struct artifact_ref){ 0 };
}

static struct artifact_ref source_of(const char *revision)
{
    return (struct artifact_ref){ .store = "src", .key = "app.zip", .version_id = revision };
}

static const char *need(struct world *w, const struct artifact_ref *object)
{
    return coordinator_view_need(w->c, object, &w->arena);
}

static size_t removed(struct world *w, const struct artifact_ref *object, bool force)
{
    struct coordinator_event event = { .type = COORDINATOR_REMOVE };
    event.remove.objects = object;
    event.remove.count = 1;
    event.remove.force = force;
    event.remove.origin = 7;
    world_step(w, &event);
    for (size_t i = 0; i < w->out.count; i++)
        if (w->out.at[i].type == COORDINATOR_ERASE) {
            assert_int_equal(w->out.at[i].erase.origin, 7);
            assert_string_equal(w->out.at[i].erase.object.key, object->key);
        }
    return world_count(w, COORDINATOR_ERASE);
}

static void what_a_live_execution_uses_is_needed(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_source(&w, "xr", "Source", "v1");
    world_finish(&w, "xr", "e1", 2, STATUS_SUCCEEDED);
    struct artifact_ref copy = copy_in_east(&w), source = source_of("v1");
    source.key = world_view(&w, "xr")->execution.revisions[0].ref.key;
    assert_non_null(strstr(need(&w, &copy), "of xr runs"));
    assert_string_not_equal(need(&w, &source), "");
    assert_int_equal(removed(&w, &copy, false), 0);
    copy.version_id = "another";
    assert_string_equal(need(&w, &copy), "");
    assert_int_equal(removed(&w, &copy, false), 1);
    world_deinit(&w);
}

static void the_newest_success_and_the_one_before_it_are_needed_and_older_ones_not(void **state)
{
    (void)state;
    struct world w;
    struct artifact_ref copies[4];
    static const char *const revisions[] = { "v1", "v2", "v3", "v4" };
    begin(&w);
    for (size_t i = 0; i < 4; i++) {
        deploy(&w, revisions[i], i == 3 ? STATUS_FAILED : STATUS_SUCCEEDED);
        copies[i] = copy_in_east(&w);
        copies[i].key = arena_text(&w.arena, copies[i].key);
        copies[i].store = arena_text(&w.arena, copies[i].store);
        copies[i].version_id = arena_text(&w.arena, copies[i].version_id);
    }
    assert_non_null(strstr(need(&w, &copies[3]), "is the newest")); /* it may be retried */
    assert_non_null(strstr(need(&w, &copies[2]), "e1 has it"));
    assert_string_equal(need(&w, &copies[1]), "stage Prod of xr would go back to it");
    assert_string_equal(need(&w, &copies[0]), "");
    world_restart(&w);
    assert_string_not_equal(need(&w, &copies[1]), "");
    assert_string_equal(need(&w, &copies[0]), "");
    world_deinit(&w);
}

static void what_was_removed_is_never_used_again(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_tell(&w, __func__);
    deploy(&w, "v1", STATUS_SUCCEEDED);
    struct artifact_ref first = copy_in_east(&w);
    first.key = arena_text(&w.arena, first.key);
    first.store = arena_text(&w.arena, first.store);
    deploy(&w, "v2", STATUS_SUCCEEDED);
    deploy(&w, "v3", STATUS_SUCCEEDED);
    assert_int_equal(removed(&w, &first, false), 1);
    world_restart(&w);
    world_connect(&w);
    assert_int_equal(world_run(&w, "xr", "again", "v1")->failure.code, ERR_NONE);
    const struct job_state *job = world_job(&w, "xr", "e1");
    assert_int_equal(job->kind, JOB_REPLICATE); /* a new copy, though the bytes were there once */
    world_deinit(&w);
}

static void a_rollback_to_a_removed_source_revision_is_refused_with_the_reason(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_tell(&w, __func__);
    deploy(&w, "v1", STATUS_SUCCEEDED);
    const struct execution *e = &world_view(&w, "xr")->execution;
    struct artifact_ref source = e->revisions[0].ref;
    source.key = arena_text(&w.arena, source.key);
    source.store = arena_text(&w.arena, source.store);
    source.version_id = arena_text(&w.arena, source.version_id);
    const char *id = arena_text(&w.arena, e->id.text);
    deploy(&w, "v2", STATUS_SUCCEEDED);
    assert_int_equal(removed(&w, &source, false), 0); /* it is what one goes back to */
    assert_int_equal(removed(&w, &source, true), 1);
    struct request request = { .kind = REQUEST_ROLLBACK };
    request.rollback.submission = (struct id){ "back" };
    request.rollback.pipeline = "xr";
    request.rollback.stage = "Prod";
    request.rollback.target = id;
    const struct reply *reply = world_request(&w, &request, ROLE_DEPLOYER);
    assert_int_equal(reply->failure.code, ERR_CONFLICT);
    assert_non_null(strstr(reply->failure.cause, "was removed from its store"));
    request.rollback.submission = (struct id){ "back2" };
    request.rollback.target = "";
    assert_int_equal(world_request(&w, &request, ROLE_DEPLOYER)->failure.code, ERR_CONFLICT);
    world_deinit(&w);
}

/* ---- the rule ---- */

enum { DAY = 24 * 3600 };

/* In days before `now`; kinds: 'n' newest, 'm' newest and a marker, 'x' needed, ' ' any other. */
struct object_row {
    const char *key;
    unsigned days;
    char kind;
    bool goes;
};

static void select_all(const struct object_row *rows, size_t count, uint32_t keep, unsigned days)
{
    const uint64_t day_ms = (uint64_t)DAY * 1000, now = 1000 * day_ms;
    struct stored_object objects[16];
    bool doomed[16];
    char versions[16][4];
    assert_in_range(count, 1, 16);
    for (size_t i = 0; i < count; i++) {
        snprintf(versions[i], sizeof versions[i], "v%zu", i);
        objects[i] = (struct stored_object){ .key = rows[i].key,
                                             .version_id = versions[i],
                                             .modified_ms = now - rows[i].days * day_ms,
                                             .newest = rows[i].kind == 'n' || rows[i].kind == 'm',
                                             .marker = rows[i].kind == 'm',
                                             .needed = rows[i].kind == 'x' ? "somebody" : "" };
    }
    const struct retention_rule rule = { keep, days * day_ms };
    retention_select(objects, count, &rule, now, doomed);
    for (size_t i = 0; i < count; i++)
        if (doomed[i] != rows[i].goes)
            fail_msg("%s of %u days: %d", rows[i].key, rows[i].days, doomed[i]);
}

#define SELECT(rows, keep, days) select_all(rows, sizeof(rows) / sizeof *(rows), keep, days)

static void without_a_rule_nothing_goes(void **state)
{
    (void)state;
    static const struct object_row rows[] = { { "app.zip", 900, ' ', false },
                                              { "app.zip", 1, 'n', false } };
    SELECT(rows, 0, 0);
}

static void count_and_age_must_both_be_passed_and_needed_ones_stay(void **state)
{
    (void)state;
    static const struct object_row rows[] = {
        { "app.zip", 1, 'n', false },  { "app.zip", 31, ' ', false }, { "app.zip", 32, ' ', true },
        { "app.zip", 33, 'x', false }, { "app.zip", 34, ' ', true },  { "app.zip", 5, ' ', false },
    };
    SELECT(rows, 3, 30);
}

static void copies_of_one_artifact_and_logs_of_one_pipeline_are_counted_together(void **state)
{
    (void)state;
    static const struct object_row rows[] = {
        { "xr/App/aaaaaaa", 3, 'n', true },       { "xr/App/bbbbbbb", 1, 'n', false },
        { "xr/App/ccccccc", 2, 'n', true },       { "xr/Other/ddddddd", 9, 'n', false },
        { "xr/logs/d1/web.log", 8, 'n', true },   { "xr/logs/d2/web.log", 7, 'n', false },
        { "other/logs/d3/x.log", 9, 'n', false },
    };
    SELECT(rows, 1, 0);
}

static void a_marker_goes_with_the_last_version_only(void **state)
{
    (void)state;
    static const struct object_row all[] = { { "gone", 40, ' ', true }, { "gone", 39, 'm', true } };
    static const struct object_row some[] = { { "kept", 40, 'x', false },
                                              { "kept", 39, 'm', false } };
    SELECT(all, 0, 30);
    SELECT(some, 0, 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_live_execution_uses_is_needed),
        cmocka_unit_test(the_newest_success_and_the_one_before_it_are_needed_and_older_ones_not),
        cmocka_unit_test(what_was_removed_is_never_used_again),
        cmocka_unit_test(a_rollback_to_a_removed_source_revision_is_refused_with_the_reason),
        cmocka_unit_test(without_a_rule_nothing_goes),
        cmocka_unit_test(count_and_age_must_both_be_passed_and_needed_ones_stay),
        cmocka_unit_test(copies_of_one_artifact_and_logs_of_one_pipeline_are_counted_together),
        cmocka_unit_test(a_marker_goes_with_the_last_version_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
