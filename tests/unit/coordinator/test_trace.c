#include "fixture.h"

#include <string.h>

/* Whole runs as the notes tell them. Ids are numbered in the order of their appearance: #1 is the
 * execution. */

/* Without what is the same in all lines. */
static const char *trace_of(struct world *w)
{
    static const char common[] = " pipeline=xr run=#1";
    char *all = arena_text_of(&w->arena, w->trace.data, w->trace.len);
    for (char *at = all; (at = strstr(at, common));)
        memmove(at, at + strlen(common), strlen(at + strlen(common)) + 1);
    return all;
}

/* Line by line, so that a failure names the first line that differs. */
static void trace_is(struct world *w, const char *expected)
{
    const char *at = trace_of(w);
    for (size_t line = 1; *expected || *at; line++) {
        size_t len = strcspn(at, "\n"), wanted = strcspn(expected, "\n");
        if (len != wanted || memcmp(at, expected, len) != 0)
            fail_msg("line %zu is\n%.*s\nand not\n%.*s", line, (int)len, at, (int)wanted, expected);
        expected += wanted + (expected[wanted] == '\n');
        at += len + (at[len] == '\n');
    }
}

static void a_deployment_to_two_regions(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    world_connect(&w);
    world_apply(&w, "xr Prod=us-west-2,us-east-1");
    world_source(&w, "xr", "Source", "v1");
    world_finish(&w, "xr", "w1", 1, STATUS_SUCCEEDED);
    world_finish(&w, "xr", "e1", 2, STATUS_SUCCEEDED);
    world_finish(&w, "xr", "e1", 2, STATUS_SUCCEEDED);
    trace_is(&w, "started epoch=1 pipelines=0 live=0 event=0\n"
                 "connected worker=w1 region=us-west-2\n"
                 "connected worker=e1 region=us-east-1\n"
                 "applied pipeline=xr version=1 client=tess\n"
                 "pipeline status=InProgress version=v1\n"
                 "stage status=InProgress stage=Source version=v1\n"
                 "action status=InProgress stage=Source action=Source region=us-west-2 "
                 "version=v1\n"
                 "action status=Succeeded stage=Source action=Source region=us-west-2 "
                 "version=v1 detail=summary\n"
                 "stage status=Succeeded stage=Source version=v1\n"
                 "stage status=InProgress stage=Prod version=v1\n"
                 "action status=InProgress stage=Prod action=us-west-2 region=us-west-2 "
                 "version=v1\n"
                 "action status=InProgress stage=Prod action=us-east-1 region=us-east-1 "
                 "version=v1\n"
                 "target status=Pending name=#2 stage=Prod action=us-west-2 region=us-west-2 "
                 "worker=w1 version=v1\n"
                 "copy status=InProgress name=App region=us-east-1\n"
                 "target status=Pending name=App stage=Prod action=us-east-1 region=us-east-1 "
                 "version=v1\n"
                 "target status=Pending name=#3 stage=Prod action=us-east-1 region=us-east-1 "
                 "worker=e1 version=v1\n"
                 "target status=InProgress name=App stage=Prod action=us-east-1 "
                 "region=us-east-1 worker=e1 version=v1\n"
                 "target status=InProgress name=#2 stage=Prod action=us-west-2 region=us-west-2 "
                 "worker=w1 version=v1\n"
                 "lifecycle status=Succeeded name=Install stage=Prod action=us-west-2 "
                 "region=us-west-2 worker=w1 version=v1\n"
                 "target status=Succeeded name=#2 stage=Prod action=us-west-2 region=us-west-2 "
                 "worker=w1 version=v1\n"
                 "action status=Succeeded stage=Prod action=us-west-2 region=us-west-2 "
                 "version=v1 detail=1/1 instances\n"
                 "lifecycle status=Succeeded name=Replicate stage=Prod action=us-east-1 "
                 "region=us-east-1 worker=e1 version=v1\n"
                 "target status=Succeeded name=App stage=Prod action=us-east-1 region=us-east-1 "
                 "worker=e1 version=v1\n"
                 "copy status=Succeeded name=App region=us-east-1 version=copy-1\n"
                 "target status=InProgress name=#3 stage=Prod action=us-east-1 region=us-east-1 "
                 "worker=e1 version=v1\n"
                 "lifecycle status=Succeeded name=Install stage=Prod action=us-east-1 "
                 "region=us-east-1 worker=e1 version=v1\n"
                 "target status=Succeeded name=#3 stage=Prod action=us-east-1 region=us-east-1 "
                 "worker=e1 version=v1\n"
                 "action status=Succeeded stage=Prod action=us-east-1 region=us-east-1 "
                 "version=v1 detail=1/1 instances\n"
                 "stage status=Succeeded stage=Prod version=v1\n"
                 "pipeline status=Succeeded version=v1\n");
    world_deinit(&w);
}

static void a_worker_is_lost_and_its_disk_with_it(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    world_connect(&w);
    world_apply(&w, "xr Prod=us-west-2 Next=us-west-2");
    world_run(&w, "xr", "s1", "v7");
    world_sleep(&w, 6000);
    world_hello(&w, "w1", "us-west-2", 2, 9);
    trace_is(&w, "started epoch=1 pipelines=0 live=0 event=0\n"
                 "connected worker=w1 region=us-west-2\n"
                 "connected worker=e1 region=us-east-1\n"
                 "applied pipeline=xr version=1 client=tess\n"
                 "pipeline status=InProgress version=v7\n"
                 "stage status=InProgress stage=Source version=v7\n"
                 "action status=InProgress stage=Source action=Source region=us-west-2 "
                 "version=v7\n"
                 "action status=Succeeded stage=Source action=Source region=us-west-2 version=v7\n"
                 "stage status=Succeeded stage=Source version=v7\n"
                 "stage status=InProgress stage=Prod version=v7\n"
                 "action status=InProgress stage=Prod action=us-west-2 region=us-west-2 "
                 "version=v7\n"
                 "target status=Pending name=#2 stage=Prod action=us-west-2 region=us-west-2 "
                 "worker=w1 version=v7\n"
                 "target status=InProgress name=#2 stage=Prod action=us-west-2 region=us-west-2 "
                 "worker=w1 version=v7\n"
                 "lost worker=e1 region=us-east-1: not heard of for 5000 ms\n"
                 "lost worker=w1 region=us-west-2: not heard of for 5000 ms\n"
                 "target status=Unknown name=#2 stage=Prod action=us-west-2 region=us-west-2 "
                 "worker=w1 version=v7 detail=the host came back without the state it had when "
                 "attempt 1 was given to it: it cannot be known which hooks have run; look at "
                 "it, then deploy again\n"
                 "connected worker=w1 region=us-west-2\n"
                 "action status=Failed stage=Prod action=us-west-2 region=us-west-2 version=v7 "
                 "detail=w1: the host came back without the state it had when attempt 1 was "
                 "given to it: it cannot be known which hooks have run; look at it, then deploy "
                 "again\n"
                 "stage status=Failed stage=Prod version=v7\n"
                 "pipeline status=Failed version=v7 detail=stage Prod failed\n");
    world_deinit(&w);
}

static void an_abandoned_execution_across_a_restart(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    world_connect(&w);
    world_apply(&w, "xr Prod=us-west-2");
    world_run(&w, "xr", "s1", "v7");
    world_stop(&w, "", true);
    world_restart(&w);
    world_hello(&w, "w1", "us-west-2", 1, 9);
    world_finish(&w, "xr", "w1", 9, STATUS_STOPPED);
    trace_is(&w, "started epoch=1 pipelines=0 live=0 event=0\n"
                 "connected worker=w1 region=us-west-2\n"
                 "connected worker=e1 region=us-east-1\n"
                 "applied pipeline=xr version=1 client=tess\n"
                 "pipeline status=InProgress version=v7\n"
                 "stage status=InProgress stage=Source version=v7\n"
                 "action status=InProgress stage=Source action=Source region=us-west-2 "
                 "version=v7\n"
                 "action status=Succeeded stage=Source action=Source region=us-west-2 version=v7\n"
                 "stage status=Succeeded stage=Source version=v7\n"
                 "stage status=InProgress stage=Prod version=v7\n"
                 "action status=InProgress stage=Prod action=us-west-2 region=us-west-2 "
                 "version=v7\n"
                 "target status=Pending name=#2 stage=Prod action=us-west-2 region=us-west-2 "
                 "worker=w1 version=v7\n"
                 "target status=InProgress name=#2 stage=Prod action=us-west-2 region=us-west-2 "
                 "worker=w1 version=v7\n"
                 "pipeline status=Stopping version=v7\n"
                 "stage status=Stopping stage=Prod version=v7\n"
                 "started epoch=2 pipelines=1 live=1 event=11\n"
                 "connected worker=w1 region=us-west-2\n"
                 "lifecycle status=Stopped name=Install stage=Prod action=us-west-2 "
                 "region=us-west-2 worker=w1 version=v7\n"
                 "target status=Stopped name=#2 stage=Prod action=us-west-2 region=us-west-2 "
                 "worker=w1 version=v7 detail=Install Stopped (ScriptFailed): exit code 1\n"
                 "action status=Abandoned stage=Prod action=us-west-2 region=us-west-2 "
                 "version=v7 detail=0/1 instances\n"
                 "stage status=Stopped stage=Prod version=v7\n"
                 "pipeline status=Stopped version=v7 detail=stopped by tess: a test\n");
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deployment_to_two_regions),
        cmocka_unit_test(a_worker_is_lost_and_its_disk_with_it),
        cmocka_unit_test(an_abandoned_execution_across_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
