/* place_files.h - a temporary folder with files of any kind, for the tests of steps. Paths are
 * relative to it; texts name it by @. */
#pragma once
#include "io/fs.h"
#include "steps/step.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

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
