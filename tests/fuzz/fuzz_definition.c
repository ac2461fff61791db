/* Any bytes that a client applies are a pipeline, a resource of CodeDeploy, or problems that say
 * where; the rules of the core hold what is read of them. */
#include "core/check.h"
#include "shell/definition.h"
#include "shell/definition_group.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA_BYTES_MAX = 16 << 20 };

static void check_problems(const struct problem *problems, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert(problems[i].text[0]);
        assert(problems[i].path);
    }
}

static void check_resource(const struct deploy_resource *resource)
{
    assert(resource->name[0]);
    size_t spare = 0;
    if (resource->kind == RESOURCE_CONFIG && config_spare(&resource->config, 10, &spare))
        assert(spare - 1 < 10);
    if (resource->kind == RESOURCE_GROUP) (void)group_fits(&resource->group, NULL, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct problem *problems = NULL, *broken = NULL;
    struct bytes text = bytes_of(data, size);
    struct deploy_resource *resource = NULL;
    struct pipeline *pipeline = NULL;
    struct arena arena;
    size_t count = 0;
    bool good;
    arena_init(&arena, ARENA_BYTES_MAX);
    if (definition_is_pipeline("fuzz", text)) {
        good = definition_parse("fuzz", text, &arena, &pipeline, &problems, &count);
        assert(good == (pipeline != NULL));
    } else {
        good = definition_group("fuzz", text, &arena, &resource, &problems, &count);
        assert(good == (resource != NULL));
    }
    assert(good == (count == 0));
    check_problems(problems, count);
    if (resource) check_resource(resource);
    if (pipeline) {
        count = pipeline_check(pipeline, "us-west-2", &arena, &broken);
        check_problems(broken, count);
    }
    resource_free(resource);
    pipeline_free(pipeline);
    arena_deinit(&arena);
    return 0;
}
