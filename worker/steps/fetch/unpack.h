/* unpack.h - a bundle into a folder, by a process that can do nothing else (sandbox.h).
 *
 * `folder` must not exist or be empty and lies in a folder of ours; when it fails, remove it. The
 * step's cancel and lease end it at any moment, and its progress is told. A folder instead of an
 * archive is copied by this process: nothing in it is parsed. Errors as in bundle/archive.h.
 */
#pragma once
#include "bundle/archive.h"
#include "steps/step.h"

NODISCARD bool unpack_bundle(struct step *step, int source, enum archive_kind kind,
                             const char *folder, struct error *err);
