#include "bundle/delta_map.h"

#include "io/fs.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool delta_map_open(struct delta_map *map, const char *path, struct error *err)
{
    struct stat info;
    AUTO(auto_close) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) < 0) return fs_error(err, "open", path);
    if (!S_ISREG(info.st_mode)) return error_set(err, ERR_INVALID, "'%s' is no file", path);
    *map = (struct delta_map){ { NULL, (size_t)info.st_size } };
    if (info.st_size == 0) return true;
    void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) {
        map->all.len = 0;
        return fs_error(err, "map", path);
    }
    map->all.data = data;
    return true;
}

void delta_map_close(struct delta_map *map)
{
    if (map->all.data) munmap((void *)(uintptr_t)map->all.data, map->all.len);
    *map = (struct delta_map){ { NULL, 0 } };
}

void delta_map_release(const struct delta_map *map)
{
    if (map->all.data) (void)madvise((void *)(uintptr_t)map->all.data, map->all.len, MADV_DONTNEED);
}
