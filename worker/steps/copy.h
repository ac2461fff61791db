/* copy.h - the contents of one file into another: shared blocks where the kernel can (FICLONE),
 * else copied by the kernel (copy_file_range), else read and written. */
#pragma once
#include "base/error.h"

NODISCARD bool copy_contents(int from, int to, const char *path, struct error *err);
