#include "bundle/delta_image.h"

#include <unistd.h>

bool delta_image_open(struct delta_image *image, const char *path, struct error *err)
{
    image->path[0] = '\0';
    return delta_map_open(&image->file, path, err);
}

bool delta_image_unpack(struct delta_image *image, const char *scratch, const char *name,
                        uint64_t max, struct error *err)
{
    char path[FS_PATH_MAX];
    bool found;
    if (!fs_join(path, scratch, name, err)) return false;
    if (!delta_gzip_unpack(&image->file, path, max, &image->gzip, &found, err)) {
        unlink(path);
        return false;
    }
    if (!found) return true;
    if (!fs_join(image->path, scratch, name, err)) return false;
    return delta_map_open(&image->unpacked, path, err);
}

const struct delta_map *delta_image_map(const struct delta_image *image)
{
    return image->path[0] ? &image->unpacked : &image->file;
}

void delta_image_close(struct delta_image *image)
{
    delta_map_close(&image->unpacked);
    delta_map_close(&image->file);
    if (image->path[0]) unlink(image->path);
    image->path[0] = '\0';
}
