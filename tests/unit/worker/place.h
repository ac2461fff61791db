/* place.h - a host in a temporary folder, for the tests of steps: a revision, a deployment root,
 * and a folder `app` that is deployed to. All paths are relative to it; appspec texts name it by @.
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/fs.h"
#include "io/random.h"
#include "steps/step.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    char top[256];
    struct step_spec spec;
    struct step step;
    char step_folder[512], root[512];
};

static inline const char *place_path(const struct place *p, const char *name)
{
    static char paths[8][FS_PATH_MAX]; /* of the latest eight calls */
    static unsigned next;
    char *path = paths[next++ % 8];
    struct error err;
    assert_true(fs_join(path, p->top, name, &err));
    return path;
}

static inline void place_write(const struct place *p, const char *name, const char *text,
                               mode_t mode)
{
    char path[FS_PATH_MAX];
    struct error err;
    snprintf(path, sizeof path, "%s", place_path(p, name));
    *strrchr(path, '/') = '\0';
    assert_true(fs_make_folders(path, 0755, &err));
    int fd = open(place_path(p, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    for (const char *at = text; *at; at++) { /* @ is the place */
        const char *part = *at == '@' ? p->top : at;
        size_t len = *at == '@' ? strlen(p->top) : 1;
        assert_int_equal(write(fd, part, len), (ssize_t)len);
    }
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static inline void place_folder(const struct place *p, const char *name)
{
    struct error err;
    assert_true(fs_make_folders(place_path(p, name), 0755, &err));
}

static inline void place_link(const struct place *p, const char *target, const char *name)
{
    assert_int_equal(symlink(target, place_path(p, name)), 0);
}

static inline bool place_has(const struct place *p, const char *name)
{
    return fs_exists(place_path(p, name));
}

static inline struct stat place_stat(const struct place *p, const char *name)
{
    struct stat info;
    assert_int_equal(lstat(place_path(p, name), &info), 0);
    return info;
}

static inline const char *place_read(const struct place *p, const char *name)
{
    static char text[65536];
    struct buf bytes AUTO(buf_deinit) = { .max = sizeof text - 1 };
    struct error err;
    assert_true(fs_read_file(place_path(p, name), &bytes, &err));
    if (bytes.len > 0) memcpy(text, bytes.data, bytes.len);
    text[bytes.len] = '\0';
    return text;
}

/* The whole tree below `name` as text: kind, mode, owner, name and contents, sorted by name. */
static inline void place_list(const char *path, struct buf *out)
{
    struct dirent **names;
    struct error err;
    int count = scandir(path, &names, NULL, alphasort);
    assert_true(count >= 0);
    for (int i = 0; i < count; i++) {
        char child[FS_PATH_MAX], line[3 * FS_PATH_MAX], link[FS_PATH_MAX] = "";
        struct stat info;
        bool dots = text_equal(names[i]->d_name, ".") || text_equal(names[i]->d_name, "..");
        if (!dots) {
            assert_true(fs_join(child, path, names[i]->d_name, &err));
            assert_int_equal(lstat(child, &info), 0);
            if (S_ISLNK(info.st_mode)) assert_true(readlink(child, link, sizeof link - 1) > 0);
            snprintf(line, sizeof line, "%06o %u:%u %s %s ", info.st_mode, info.st_uid, info.st_gid,
                     child, link);
            assert_true(buf_append_text(out, line, &err));
            if (S_ISREG(info.st_mode)) assert_true(fs_read_file(child, out, &err));
            assert_true(buf_append_text(out, "\n", &err));
            if (S_ISDIR(info.st_mode)) place_list(child, out);
        }
        free(names[i]);
    }
    free(names);
}

static inline char *place_snapshot(const struct place *p, const char *name)
{
    struct buf out;
    struct error err;
    buf_init(&out, 64 << 20);
    place_list(place_path(p, name), &out);
    assert_true(buf_append(&out, "", 1, &err));
    return (char *)out.data;
}

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
    snprintf(p->root, sizeof p->root, "%s/root", p->top);
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
    snprintf(inside, sizeof inside, "root/dg-1/%s/deployment-archive/%s",
             p->spec.job.deployment.text, name);
    place_write(p, inside, text, mode);
}

static inline void place_revision_link(const struct place *p, const char *target, const char *name)
{
    char inside[FS_PATH_MAX];
    snprintf(inside, sizeof inside, "root/dg-1/%s/deployment-archive/%s",
             p->spec.job.deployment.text, name);
    place_link(p, target, inside);
}
