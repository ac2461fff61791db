/* place_exact.h - a tree as text with everything that an undo must put back: kind, mode, owner,
 * times, extended attributes (ACLs among them), link texts and contents. */
#pragma once
#include "place.h"

#include "steps/install/install.h"
#include "steps/install/undo.h"

#include <errno.h>
#include <sys/xattr.h>

static inline void exact_attributes(const char *path, struct buf *out)
{
    char names[4096], value[4096], line[8192];
    struct error err;
    ssize_t size = llistxattr(path, names, sizeof names);
    for (const char *at = names; size > 0 && at < names + size; at += strlen(at) + 1) {
        ssize_t len = lgetxattr(path, at, value, sizeof value);
        snprintf(line, sizeof line, " %s=", at);
        assert_true(buf_append_text(out, line, &err));
        for (ssize_t i = 0; i < len; i++) {
            snprintf(line, sizeof line, "%02x", (unsigned char)value[i]);
            assert_true(buf_append_text(out, line, &err));
        }
    }
}

static inline void exact_one(const char *path, struct buf *out)
{
    char line[3 * FS_PATH_MAX], link[FS_PATH_MAX] = "";
    struct stat info;
    struct error err;
    assert_int_equal(lstat(path, &info), 0);
    if (S_ISLNK(info.st_mode)) assert_true(readlink(path, link, sizeof link - 1) > 0);
    snprintf(line, sizeof line, "%06o %u:%u %lld.%09ld %s %s", info.st_mode, info.st_uid,
             info.st_gid, (long long)info.st_mtim.tv_sec, info.st_mtim.tv_nsec, path, link);
    assert_true(buf_append_text(out, line, &err));
    exact_attributes(path, out);
    assert_true(buf_append_text(out, "\n", &err));
    if (S_ISREG(info.st_mode)) assert_true(fs_read_file(path, out, &err));
}

static inline void exact_tree(const char *path, struct buf *out)
{
    struct dirent **names;
    struct error err;
    exact_one(path, out);
    int count = scandir(path, &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char child[FS_PATH_MAX];
        struct stat info;
        assert_true(fs_join(child, path, names[i]->d_name, &err));
        if (!text_equal(names[i]->d_name, ".") && !text_equal(names[i]->d_name, "..")) {
            assert_int_equal(lstat(child, &info), 0);
            if (S_ISDIR(info.st_mode))
                exact_tree(child, out);
            else
                exact_one(child, out);
        }
        free(names[i]);
    }
    if (count >= 0) free(names);
}

static inline char *exact_snapshot(const struct place *p, const char *name)
{
    struct buf out;
    struct error err;
    buf_init(&out, 64 << 20);
    exact_tree(place_path(p, name), &out);
    assert_true(buf_append(&out, "", 1, &err));
    return (char *)out.data;
}

/* The next deployment, which may have to be undone. */
static inline void exact_deployment(struct place *p, unsigned number)
{
    place_deployment(p, number);
    p->spec.job.on_failure = ON_FAILURE_RESTORE;
}

static inline bool exact_undo(struct place *p, struct step_report *report, struct error *err)
{
    memset(report, 0, sizeof *report);
    return undo_run(&p->step, report, err);
}

static inline bool exact_nothing_kept(const struct place *p)
{
    static const char *const names[] = { "deployment-instructions/dg-1.undo",
                                         "deployment-instructions/dg-1.manifest.old",
                                         "deployment-instructions/dg-1-cleanup.old",
                                         "dg-1/d-000000001/kept",
                                         "dg-1/d-000000002/kept",
                                         "dg-1/d-000000003/kept" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[256];
        snprintf(path, sizeof path, "host/%s", names[i]);
        if (!place_has(p, path)) continue;
        print_message("kept: %s\n", path);
        return false;
    }
    return true;
}
