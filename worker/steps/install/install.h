/* install.h - the Install event: plan, stage, commit.
 *
 *  1. what an earlier install left in its journal is undone or finished;
 *  2. plan (plan.h): every conflict is an error, and nothing has changed;
 *  3. journal, then stage (stage.h): a failure or a cancel removes what was staged;
 *  4. mark the journal committed, then commit (commit.h): from here on it is finished, whoever
 *     crashes, by the next install of the group; cancel comes too late.
 *
 * Two failures come after the commit and leave the new files, as the agent does: an account or
 * SELinux tool that the host lacks (plan.h, `late`), and permissions through a link to nothing.
 * Running it again after a success changes nothing. Where the job may have to be undone, what the
 * commit replaces and removes is kept (keep.h).
 */
#pragma once
#include "steps/step.h"

NODISCARD bool install_run(struct step *step, struct error *err);
