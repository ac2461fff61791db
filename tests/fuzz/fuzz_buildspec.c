/* Any bytes are a plan or an error; what a plan promises to the build step holds. */
#include "bundle/buildspec.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_artifacts(const struct buildspec_artifacts *a)
{
    assert(a->name);
    assert(a->file_count > 0);
    assert(a->base[0]);
    assert(a->base[0] != '/');
    for (size_t i = 0; i < a->file_count; i++) {
        assert(a->files[i][0]);
        assert(a->files[i][0] != '/');
        /* Whatever the pattern, matching ends. */
        (void)buildspec_match(a->files[i], "a/b/c/d.e");
        (void)buildspec_match(a->files[i], a->base);
    }
}

static void check_plan(const struct buildspec *spec)
{
    assert(text_equal(spec->shell, "sh") || text_equal(spec->shell, "bash"));
    for (size_t i = 0; i < spec->variable_count; i++) {
        assert(buildspec_variable_valid(spec->variables[i].name));
        assert(spec->variables[i].value);
        if (spec->variables[i].secret) assert(!strchr(spec->variables[i].value, '/'));
    }
    for (size_t p = 0; p < BUILDSPEC_PHASE_COUNT; p++) {
        const struct buildspec_phase *phase = &spec->phases[p];
        for (size_t i = 0; i < phase->commands.count; i++) assert(phase->commands.list[i][0]);
        for (size_t i = 0; i < phase->finally.count; i++) assert(phase->finally.list[i][0]);
    }
    for (size_t i = 0; i < spec->artifact_count; i++) check_artifacts(&spec->artifacts[i]);
    for (size_t i = 0; i < spec->warning_count; i++) assert(spec->warnings[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buildspec *spec = NULL;
    struct error err = { 0 };
    if (buildspec_parse("fuzz", bytes_of(data, size), &spec, &err))
        check_plan(spec);
    else
        assert(err.code == ERR_INVALID);
    buildspec_free(spec);
    return 0;
}
