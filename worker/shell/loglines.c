#include "shell/loglines.h"

#include "io/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_folder(DIR **folder)
{
    if (*folder) closedir(*folder);
}

/* Opens the log below the one group folder that has this deployment; -1 when there is none. */
static int open_log(const char *root_dir, const struct id *deployment)
{
    AUTO(close_folder) DIR *groups = opendir(root_dir);
    if (!groups) return -1;
    for (struct dirent *entry; (entry = readdir(groups));) {
        char path[FS_PATH_MAX];
        if (entry->d_name[0] == '.') continue;
        int len = snprintf(path, sizeof path, "%s/%s/%s/logs/scripts.log", root_dir, entry->d_name,
                           deployment->text);
        if (len <= 0 || len >= FS_PATH_MAX) continue;
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd >= 0) return fd;
    }
    return -1;
}

void loglines_read(const char *root_dir, const struct log_request *request, struct arena *arena,
                   struct log_chunk *out)
{
    *out = (struct log_chunk){
        .token = request->token, .offset = request->offset, .end = true, .cause = ""
    };
    struct id checked;
    if (!id_parse(request->deployment.text, &checked) || checked.text[0] == '.') {
        out->cause = "no such deployment";
        return;
    }
    AUTO(auto_close) int fd = open_log(root_dir, &checked);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) return;
    struct error err = { 0 };
    uint32_t max = request->max < WIRE_LOG_CHUNK_MAX ? request->max : WIRE_LOG_CHUNK_MAX;
    uint8_t *data = arena_calloc(arena, max, 1);
    size_t got = 0;
    if (!fs_pread_full(fd, data, max, request->offset, &got, &err)) {
        out->cause = arena_text(arena, err.text);
        return;
    }
    out->data = bytes_of(data, got);
    out->end = request->offset + got >= (uint64_t)st.st_size;
}
