/* delta_image.h - what of a file is compared: its bytes, or what they unpack to. */
#pragma once
#include "bundle/delta_gzip.h"

#include "io/fs.h"

struct delta_image {
    struct delta_map file;
    struct delta_map unpacked; /* of a gzip file; its bytes lie in `path`, "" for none */
    struct delta_gzip gzip;
    char path[FS_PATH_MAX];
};

/* Opens the file; nothing is unpacked yet. */
NODISCARD bool delta_image_open(struct delta_image *image, const char *path, struct error *err);
/* Into "scratch/name", when the file is of that kind. */
NODISCARD bool delta_image_unpack(struct delta_image *image, const char *scratch, const char *name,
                                  uint64_t max, struct error *err);
const struct delta_map *delta_image_map(const struct delta_image *image);
void delta_image_close(struct delta_image *image); /* removes what was unpacked */
