#include "io/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { TEXT_MAX = 1 << 20, EVENTS_MAX = 4096 };

/* ---- where we are ---- */

/* Field `number` (from 0) of a line of fields between blanks; "" when there are fewer. */
static struct bytes field_of(const char *line, size_t len, unsigned number)
{
    size_t at = 0;
    for (unsigned i = 0;; i++) {
        size_t end = at;
        while (end < len && line[end] != ' ') end++;
        if (i == number) return bytes_of(line + at, end - at);
        if (end == len) return bytes_of("", 0);
        at = end + 1;
    }
}

/* Blanks and the like stand as \040: such a mount is not for us. */
static bool take_path(struct bytes field, char out[FS_PATH_MAX])
{
    if (field.len == 0 || field.len >= FS_PATH_MAX || field.data[0] != '/') return false;
    if (memchr(field.data, '\\', field.len)) return false;
    memcpy(out, field.data, field.len);
    out[field.len] = '\0';
    return true;
}

/* "id parent dev root mount options [tags] - type source options": man 5 proc. */
static bool take_mount(const char *line, size_t len, char mount[FS_PATH_MAX],
                       char root[FS_PATH_MAX])
{
    unsigned dash = 6;
    struct bytes field;
    do {
        field = field_of(line, len, dash++);
        if (field.len == 0) return false;
    } while (!bytes_equal(field, bytes_of_text("-")));
    if (!bytes_equal(field_of(line, len, dash), bytes_of_text("cgroup2"))) return false;
    return take_path(field_of(line, len, 3), root) && take_path(field_of(line, len, 4), mount);
}

bool cgroup_mount_parse(const char *mountinfo, char mount[FS_PATH_MAX], char root[FS_PATH_MAX],
                        struct error *err)
{
    for (const char *line = mountinfo; *line;) {
        size_t len = strcspn(line, "\n");
        if (take_mount(line, len, mount, root)) return true;
        line += len + (line[len] == '\n');
    }
    return error_set(err, ERR_NOT_FOUND, "no cgroup v2 file system is mounted");
}

bool cgroup_path_parse(const char *text, char out[FS_PATH_MAX], struct error *err)
{
    for (const char *line = text; *line;) {
        size_t len = strcspn(line, "\n");
        if (text_starts(line, "0::/") && take_path(bytes_of(line + 3, len - 3), out)) return true;
        line += len + (line[len] == '\n');
    }
    return error_set(err, ERR_NOT_FOUND, "this process is in no group of cgroup v2");
}

NODISCARD static bool read_text(const char *path, struct buf *out, struct error *err)
{
    buf_clear(out);
    return fs_read_file(path, out, err) && buf_append(out, "", 1, err);
}

static bool marked(const char *group, const char *attribute)
{
    char value[2];
    return getxattr(group, attribute, value, sizeof value) == 1 && value[0] == '1';
}

/* The root of the whole hierarchy has no cgroup.kill; that of a namespace has. */
static bool is_ours(const char *group, bool namespace_root)
{
    char kill[FS_PATH_MAX];
    struct error ignored;
    if (!fs_join(kill, group, "cgroup.kill", &ignored) || access(kill, W_OK) != 0) return false;
    return namespace_root || marked(group, "user.delegate") || marked(group, "trusted.delegate");
}

bool cgroup_own(char out[FS_PATH_MAX], struct error *err)
{
    char mount[FS_PATH_MAX], root[FS_PATH_MAX], path[FS_PATH_MAX];
    struct buf text AUTO(buf_deinit) = { .max = 0 };
    buf_init(&text, TEXT_MAX);
    if (!read_text("/proc/self/cgroup", &text, err) ||
        !cgroup_path_parse((const char *)text.data, path, err) ||
        !read_text("/proc/self/mountinfo", &text, err) ||
        !cgroup_mount_parse((const char *)text.data, mount, root, err))
        return false;
    /* What is mounted may be a part of the tree, and we must be in it. */
    size_t len = text_equal(root, "/") ? 0 : strlen(root);
    bool within = strncmp(path, root, len) == 0 && (path[len] == '/' || path[len] == '\0');
    const char *rest = within ? path + len : "";
    int written = snprintf(out, FS_PATH_MAX, "%s%s", mount, rest);
    if (written >= 2 && out[written - 1] == '/') out[written - 1] = '\0';
    if (!within || written >= FS_PATH_MAX || !is_ours(out, text_equal(path, "/")))
        return error_set(err, ERR_NOT_FOUND, "no cgroup is delegated to this process");
    return true;
}

/* ---- one group ---- */

bool cgroup_make(const char *parent, const char *name, char out[FS_PATH_MAX], struct error *err)
{
    if (!fs_join(out, parent, name, err)) return false;
    if (mkdir(out, 0755) == 0 || errno == EEXIST) return true;
    return fs_error(err, "create", out);
}

int cgroup_door(const char *group, struct error *err)
{
    char path[FS_PATH_MAX];
    if (!fs_join(path, group, "cgroup.procs", err)) return -1;
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) fs_error(err, "open", path);
    return fd;
}

bool cgroup_enter(int door)
{
    ssize_t n;
    do n = write(door, "0", 1);
    while (n < 0 && errno == EINTR);
    return n == 1;
}

bool cgroup_kill(const char *group, struct error *err)
{
    char path[FS_PATH_MAX];
    if (!fs_join(path, group, "cgroup.kill", err)) return false;
    AUTO(auto_close) int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return fs_error(err, "open", path);
    return fs_write_all(fd, bytes_of_text("1"), err);
}

bool cgroup_populated(const char *group)
{
    char path[FS_PATH_MAX];
    struct error ignored;
    struct buf text AUTO(buf_deinit) = { .max = 0 };
    buf_init(&text, EVENTS_MAX);
    if (!fs_join(path, group, "cgroup.events", &ignored) || !read_text(path, &text, &ignored))
        return false;
    return strstr((const char *)text.data, "populated 1") != NULL;
}

static void auto_closedir(DIR **dir)
{
    if (*dir) closedir(*dir);
}

void cgroup_remove(const char *group)
{
    AUTO(auto_closedir) DIR *dir = opendir(group);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
            (void)unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
    }
    (void)rmdir(group);
}

void cgroup_sweep(const char *parent, const char *prefix)
{
    AUTO(auto_closedir) DIR *dir = opendir(parent);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char path[FS_PATH_MAX];
        struct error ignored;
        if (entry->d_type != DT_DIR || !text_starts(entry->d_name, prefix)) continue;
        if (fs_join(path, parent, entry->d_name, &ignored) && !cgroup_populated(path))
            cgroup_remove(path);
    }
}
