/* undo.h - puts back what an install replaced and removed, as if it had never been.
 *
 *  1. the record is marked as being undone: from here on it is finished, whoever crashes, by the
 *     next run of this step or by the next install of the group;
 *  2. what only the new revision has is removed; a folder in which something else lies stays;
 *  3. folders that are gone are made again, kept files are renamed over the new ones (a reader
 *     always finds one or the other), SELinux rules are set again;
 *  4. folders get their old owner, mode, ACLs and times; all that is made durable;
 *  5. the old manifest becomes the manifest; kept names and record are dropped.
 *
 * What cannot be put back (somebody has put a folder where the file was) is told, everything else
 * is put back all the same.
 */
#pragma once
#include "steps/install/keep.h"
#include "steps/step.h"

/* Steps 1 to 5; *files is how many were put back. When it fails the kept names stay. */
NODISCARD bool undo_perform(struct keep *k, const struct host *host, size_t *files,
                            struct error *err);
/* The step. The report's message says to which revision the host was restored. */
NODISCARD bool undo_run(struct step *step, struct step_report *report, struct error *err);
