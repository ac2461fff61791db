/* DownloadBundle from local bundles and from what the host holds already, and what it removes. */
#include "place.h"

#include "bundle/archive.h"
#include "io/digest.h"
#include "steps/fetch/download.h"
#include "steps/fetch/retention.h"

static bool download(struct place *p, struct error *err)
{
    static struct step_report report;
    struct error ignored;
    memset(&report, 0, sizeof report);
    assert_true(fs_remove_tree(p->step.host.archive, &ignored));
    p->spec.event = EVENT_DOWNLOAD_BUNDLE;
    return download_run(&p->step, &report, err);
}

static void downloads(struct place *p)
{
    struct error err;
    if (!download(p, &err)) fail_msg("%s", err.text);
}

/* A zip of one file as bundle `name`; the job of the place names it. */
static void make_zip(struct place *p, const char *name, const char *text)
{
    struct error err;
    place_write(p, "in/appspec.yml", text, 0644);
    int fd = open(place_path(p, name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_true(archive_pack_zip(place_path(p, "in"), fd, 0, NULL, NULL, &err));
    close(fd);
    struct job *job = &p->spec.job;
    assert_true(digest_file(place_path(p, name), job->input.sha256, &job->input.size, &err));
    job->bundle_type = "zip";
}

static void a_folder_is_the_revision(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    place_write(&p, "rev/appspec.yml", "x", 0640);
    p.spec.local_bundle = place_path(&p, "rev");
    downloads(&p);
    assert_string_equal(place_read(&p, "host/dg-1/d-000000001/deployment-archive/appspec.yml"),
                        "x");
    assert_string_equal(place_read(&p, "host/deployment-instructions/dg-1_most_recent_install"),
                        p.step.host.deployment);
    place_remove(&p);
}

static void a_missing_bundle_fails(void **state)
{
    (void)state;
    struct place p;
    struct error err;
    place_make(&p);
    p.spec.local_bundle = place_path(&p, "no.zip");
    assert_false(download(&p, &err));
    assert_non_null(strstr(err.text, "no.zip"));
    place_remove(&p);
}

static void a_bundle_that_is_not_the_job_s_is_refused_before_it_is_unpacked(void **state)
{
    (void)state;
    struct place p;
    struct error err;
    place_make(&p);
    make_zip(&p, "b.zip", "one");
    p.spec.job.input.sha256[0] ^= 1;
    p.spec.local_bundle = place_path(&p, "b.zip");
    assert_false(download(&p, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_false(place_has(&p, "host/dg-1/d-000000001/deployment-archive"));
    place_remove(&p);
}

static void a_damaged_bundle_leaves_no_half_revision(void **state)
{
    (void)state;
    struct place p;
    struct error err;
    place_make(&p);
    make_zip(&p, "b.zip", "one");
    p.spec.job.input.size = 0;
    assert_int_equal(truncate(place_path(&p, "b.zip"), 60), 0);
    p.spec.local_bundle = place_path(&p, "b.zip");
    assert_false(download(&p, &err));
    assert_false(place_has(&p, "host/dg-1/d-000000001/deployment-archive"));
    assert_false(place_has(&p, "host/dg-1/d-000000001/deployment-archive.part"));
    place_remove(&p);
}

static void a_bundle_that_others_may_write_is_copied(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    make_zip(&p, "b.zip", "one");
    assert_int_equal(chmod(place_path(&p, "b.zip"), 0666), 0);
    p.spec.local_bundle = place_path(&p, "b.zip");
    downloads(&p);
    struct stat kept = place_stat(&p, "host/dg-1/d-000000001/bundle.tar");
    assert_int_equal(kept.st_nlink, 1);
    assert_int_equal(kept.st_mode & 0777, 0600);
    place_remove(&p);
}

static void what_another_deployment_holds_is_not_fetched(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    make_zip(&p, "b.zip", "one");
    const struct artifact_ref input = p.spec.job.input;
    p.spec.local_bundle = place_path(&p, "b.zip");
    downloads(&p);
    place_deployment(&p, 2);
    p.spec.job.input = input;
    p.spec.job.bundle_type = "zip"; /* and no URL: a fetch would fail */
    downloads(&p);
    assert_string_equal(place_read(&p, "host/dg-1/d-000000002/deployment-archive/appspec.yml"),
                        "one");
    assert_int_equal(place_stat(&p, "host/dg-1/d-000000002/bundle.tar").st_ino,
                     place_stat(&p, "host/dg-1/d-000000001/bundle.tar").st_ino);
    place_remove(&p);
}

static void a_held_bundle_that_has_changed_is_not_used(void **state)
{
    (void)state;
    struct place p;
    struct error err;
    place_make(&p);
    make_zip(&p, "b.zip", "one");
    const struct artifact_ref input = p.spec.job.input;
    p.spec.local_bundle = place_path(&p, "b.zip");
    downloads(&p);
    int fd = open(place_path(&p, "host/dg-1/d-000000001/bundle.tar"), O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "!", 1, 20), 1);
    close(fd);
    place_deployment(&p, 2);
    p.spec.job.input = input;
    assert_false(download(&p, &err));
    assert_false(place_has(&p, "host/dg-1/d-000000002/deployment-archive"));
    place_remove(&p);
}

static void it_can_be_run_again(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    place_write(&p, "rev/appspec.yml", "x", 0640);
    p.spec.local_bundle = place_path(&p, "rev");
    downloads(&p);
    place_write(&p, "host/dg-1/d-000000001/deployment-archive.part/half", "x", 0640);
    downloads(&p);
    assert_false(place_has(&p, "host/dg-1/d-000000001/deployment-archive.part"));
    place_remove(&p);
}

static void old_deployment(struct place *p, unsigned number, time_t changed)
{
    char name[128];
    snprintf(name, sizeof name, "host/dg-1/d-%09u/bundle.tar", number);
    place_write(p, name, "", 0600);
    snprintf(name, sizeof name, "host/dg-1/d-%09u", number);
    const struct timespec times[2] = { { .tv_sec = changed }, { .tv_sec = changed } };
    assert_int_equal(utimensat(AT_FDCWD, place_path(p, name), times, 0), 0);
}

static void the_oldest_go_and_the_last_successful_never(void **state)
{
    (void)state;
    struct place p;
    struct error err;
    place_make(&p);
    for (unsigned i = 2; i <= 6; i++) old_deployment(&p, i, 1000 + (time_t)i);
    place_folder(&p, "host/dg-1/stray"); /* no deployment: neither counted nor removed */
    place_folder(&p, "host/dg-1/d-000000001/deployment-archive");
    assert_true(retention_prune(&p.step.host, "d-000000001", "d-000000002", 3, &err));
    assert_true(place_has(&p, "host/dg-1/d-000000001"));
    assert_true(place_has(&p, "host/dg-1/d-000000002"));
    assert_false(place_has(&p, "host/dg-1/d-000000003"));
    assert_false(place_has(&p, "host/dg-1/d-000000005"));
    assert_true(place_has(&p, "host/dg-1/d-000000006"));
    assert_true(place_has(&p, "host/dg-1/stray"));
    place_remove(&p);
}

static void the_oldest_go_until_the_rest_fits_into_the_bytes(void **state)
{
    (void)state;
    struct place p;
    struct error err;
    char text[40001];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    place_make(&p);
    place_folder(&p, "host/dg-1/d-000000001/deployment-archive");
    for (unsigned i = 2; i <= 6; i++) {
        char name[128];
        old_deployment(&p, i, 1000 + (time_t)i);
        snprintf(name, sizeof name, "host/dg-1/d-%09u/deployment-archive/data", i);
        place_write(&p, name, text, 0600);
        old_deployment(&p, i, 1000 + (time_t)i);
    }
    assert_true(retention_prune_bytes(&p.step.host, "d-000000001", "d-000000002", 0, &err));
    assert_true(place_has(&p, "host/dg-1/d-000000003"));
    assert_true(retention_prune_bytes(&p.step.host, "d-000000001", "d-000000002", 150000, &err));
    assert_true(place_has(&p, "host/dg-1/d-000000001"));
    assert_true(place_has(&p, "host/dg-1/d-000000002"));
    assert_false(place_has(&p, "host/dg-1/d-000000003"));
    assert_true(place_has(&p, "host/dg-1/d-000000006"));
    assert_true(retention_prune_bytes(&p.step.host, "d-000000001", "d-000000002", 1, &err));
    assert_true(place_has(&p, "host/dg-1/d-000000002"));
    assert_false(place_has(&p, "host/dg-1/d-000000006"));
    place_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_is_the_revision),
        cmocka_unit_test(the_oldest_go_until_the_rest_fits_into_the_bytes),
        cmocka_unit_test(a_missing_bundle_fails),
        cmocka_unit_test(a_bundle_that_is_not_the_job_s_is_refused_before_it_is_unpacked),
        cmocka_unit_test(a_damaged_bundle_leaves_no_half_revision),
        cmocka_unit_test(a_bundle_that_others_may_write_is_copied),
        cmocka_unit_test(what_another_deployment_holds_is_not_fetched),
        cmocka_unit_test(a_held_bundle_that_has_changed_is_not_used),
        cmocka_unit_test(it_can_be_run_again),
        cmocka_unit_test(the_oldest_go_and_the_last_successful_never),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
