/* place.h - a host in a temporary folder, for the tests of steps: a deployment root `host` with the
 * unpacked revision of the present deployment, and a folder `app` that is deployed to. */
#pragma once
#include "place_files.h"

/* The next deployment: a number for its id, and a new step folder. */
static inline void place_deployment(struct place *p, unsigned number)
{
    struct error err;
    struct step_spec *spec = &p->spec;
    static unsigned steps;
    const struct artifact_ref nowhere = { .store = "", .key = "", .version_id = "", .etag = "" };
    *spec = (struct step_spec){ .run = 1, .root_dir = p->root, .revisions_max = 5 };
    spec->local_bundle = spec->appspec_filename = "";
    spec->job = (struct job){ .attempt = 1,
                              .worker = "w",
                              .target = "t",
                              .pipeline = "",
                              .stage = "",
                              .action = "",
                              .region = "r",
                              .application = "shop",
                              .deployment_group = "fleet",
                              .deployment_group_id = "dg-1",
                              .bundle_type = "",
                              .buildspec = "",
                              .revision = "",
                              .input = nowhere,
                              .output = nowhere,
                              .read = { .url = "", .pin = "" },
                              .write = { .url = "", .pin = "" } };
    snprintf(spec->job.deployment.text, ID_SIZE, "d-%09u", number);
    snprintf(p->step_folder, sizeof p->step_folder, "%s/steps/%u-1", p->top, steps++);
    assert_true(fs_make_folders(p->step_folder, 0755, &err));
    p->step =
        (struct step){ .spec = spec, .folder = p->step_folder, .signals = -1, .progress = -1 };
    assert_true(host_init(&p->step.host, p->root, "dg-1", spec->job.deployment.text, &err));
    assert_true(fs_make_folders(p->step.host.archive, 0755, &err));
}

/* NULL: in $TMPDIR or /tmp. */
static inline void place_make_in(struct place *p, const char *folder)
{
    const char *temporary = folder ? folder : getenv("TMPDIR");
    char path[FS_PATH_MAX], real[FS_PATH_MAX];
    snprintf(path, sizeof path, "%s/meridian-XXXXXX", temporary ? temporary : "/tmp");
    assert_non_null(mkdtemp(path));
    assert_int_equal(chmod(path, 0755), 0);
    assert_non_null(realpath(path, real));
    assert_true(text_copy(p->top, sizeof p->top, real));
    snprintf(p->root, sizeof p->root, "%s/host", p->top);
    umask(022);
    place_deployment(p, 1);
    place_folder(p, "app");
}

static inline void place_make(struct place *p)
{
    place_make_in(p, NULL);
}

static inline void place_remove(struct place *p)
{
    struct error err;
    assert_true(fs_remove_tree(p->top, &err));
}

/* A file of the present revision. */
static inline void place_revision(const struct place *p, const char *name, const char *text,
                                  mode_t mode)
{
    char inside[FS_PATH_MAX];
    snprintf(inside, sizeof inside, "host/dg-1/%s/deployment-archive/%s",
             p->spec.job.deployment.text, name);
    place_write(p, inside, text, mode);
}

static inline void place_revision_link(const struct place *p, const char *target, const char *name)
{
    char inside[FS_PATH_MAX];
    snprintf(inside, sizeof inside, "host/dg-1/%s/deployment-archive/%s",
             p->spec.job.deployment.text, name);
    place_link(p, target, inside);
}
