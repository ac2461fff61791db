/* download.h - the DownloadBundle event: bundle on the host, verified, unpacked.
 *
 * The bundle comes from another deployment of the group that holds the same bytes (hard link,
 * nothing is fetched), else from the network (fetch.h), or, for deploy-local, from a file or
 * folder. Size and SHA-256 of the job are checked in every case before it is unpacked; a file is
 * read through one descriptor, so that what was verified is what is unpacked. It is unpacked beside
 * and renamed, so that a deployment-archive is always whole. Old deployments are removed at the
 * end, when the new one is there (retention.h). Running it again starts what is missing.
 */
#pragma once
#include "steps/step.h"

NODISCARD bool download_run(struct step *step, struct step_report *report, struct error *err);
