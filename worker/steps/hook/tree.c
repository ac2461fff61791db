#include "steps/hook/tree.h"

#include "io/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STAT_SIZE = 512, STAT_THREADS = 16 }; /* fields from the parent to the count */

struct process {
    pid_t pid, parent;
    bool zombie, ours;
};

struct processes {
    struct process *at;
    size_t count, cap;
};

static void auto_closedir(DIR **dir)
{
    if (*dir) closedir(*dir);
}

/* A leader that has ended while threads of its process go on is shown as a zombie as well, yet it
 * lives and cannot be waited for. `at` is behind the state in the text of /proc/PID/stat. */
static bool only_leader(const char *at)
{
    for (int field = 0; at && field < STAT_THREADS; field++) at = strchr(at + 1, ' ');
    return !at || strtol(at, NULL, 10) <= 1;
}

/* "pid (name) state parent ...": the name may hold anything, so fields count from the last ')'. */
static bool read_process(pid_t pid, struct process *out)
{
    char path[64], text[STAT_SIZE];
    struct error ignored;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    AUTO(auto_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t got;
    if (fd < 0 || !fs_read_full(fd, text, sizeof text - 1, &got, &ignored)) return false;
    text[got] = '\0';
    const char *end = strrchr(text, ')');
    if (!end || end[1] != ' ' || end[2] == '\0') return false;
    *out = (struct process){ .pid = pid,
                             .parent = (pid_t)strtol(end + 3, NULL, 10),
                             .zombie = (end[2] == 'Z' || end[2] == 'X') && only_leader(end + 3) };
    return true;
}

static bool next_pid(DIR *dir, pid_t *out)
{
    for (struct dirent *entry; (entry = readdir(dir));) {
        char *end;
        long pid = strtol(entry->d_name, &end, 10);
        if (*end != '\0' || pid <= 0) continue;
        *out = (pid_t)pid;
        return true;
    }
    return false;
}

static void read_all(struct processes *all)
{
    AUTO(auto_closedir) DIR *dir = opendir("/proc");
    *all = (struct processes){ .count = 0 };
    pid_t pid;
    while (dir && all->count < TREE_MAX && next_pid(dir, &pid)) {
        if (all->count == all->cap) {
            all->cap = all->cap ? 2 * all->cap : 256;
            all->at = xrealloc(all->at, all->cap * sizeof *all->at);
        }
        if (read_process(pid, &all->at[all->count])) all->count++;
    }
}

static bool is_kept(const struct tree *tree, pid_t pid)
{
    for (size_t i = 0; i < tree->kept_count; i++) {
        if (tree->kept[i] == pid) return true;
    }
    return false;
}

/* Marks descendants until a pass finds no more. */
static void mark_ours(const struct tree *tree, struct processes *all)
{
    bool more = true;
    pid_t self = getpid();
    while (more) {
        more = false;
        for (size_t i = 0; i < all->count; i++) {
            struct process *p = &all->at[i];
            if (p->ours || (p->parent == self && is_kept(tree, p->pid))) continue;
            bool ours = p->parent == self;
            for (size_t k = 0; !ours && k < all->count; k++)
                ours = all->at[k].ours && all->at[k].pid == p->parent;
            if (!ours) continue;
            p->ours = true;
            more = true;
        }
    }
}

void tree_keep(struct tree *tree)
{
    struct processes all;
    read_all(&all);
    *tree = (struct tree){ .kept = xcalloc(all.count + 1, sizeof *tree->kept) };
    for (size_t i = 0; i < all.count; i++) {
        if (all.at[i].parent == getpid()) tree->kept[tree->kept_count++] = all.at[i].pid;
    }
    free(all.at);
}

void tree_deinit(struct tree *tree)
{
    free(tree->kept);
    *tree = (struct tree){ .kept_count = 0 };
}

size_t tree_signal(const struct tree *tree, int number)
{
    struct processes all;
    size_t living = 0;
    read_all(&all);
    mark_ours(tree, &all);
    for (size_t i = 0; i < all.count; i++) {
        if (!all.at[i].ours || all.at[i].zombie) continue;
        living++;
        if (number != 0) (void)kill(all.at[i].pid, number);
    }
    free(all.at);
    return living;
}

static bool holds(pid_t pid, const char *pipe)
{
    char path[64], target[64];
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    AUTO(auto_closedir) DIR *dir = opendir(path);
    if (!dir) return false;
    for (struct dirent *entry; (entry = readdir(dir));) {
        ssize_t len = readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);
        if (len < 0) continue;
        target[len] = '\0';
        if (text_equal(target, pipe)) return true;
    }
    return false;
}

static void read_name(pid_t pid, char *out, size_t size)
{
    char path[64];
    struct error ignored;
    size_t got = 0;
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    AUTO(auto_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || !fs_read_full(fd, out, size - 1, &got, &ignored)) got = 0;
    out[got] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

size_t tree_holders(ino_t pipe_inode, struct tree_holder out[TREE_HOLDERS_MAX])
{
    char pipe[64];
    snprintf(pipe, sizeof pipe, "pipe:[%llu]", (unsigned long long)pipe_inode);
    AUTO(auto_closedir) DIR *dir = opendir("/proc");
    size_t count = 0;
    pid_t pid;
    while (dir && count < TREE_HOLDERS_MAX && next_pid(dir, &pid)) {
        if (pid == getpid() || !holds(pid, pipe)) continue;
        out[count].pid = pid;
        read_name(pid, out[count].name, sizeof out[count].name);
        count++;
    }
    return count;
}
