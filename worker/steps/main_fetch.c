/* meridian-fetch: the steps that read the network or archives. Started by meridian-step only. */
#include "steps/build/build.h"
#include "steps/fetch/download.h"
#include "steps/fetch/keep_log.h"
#include "steps/fetch/make_delta.h"
#include "steps/fetch/replicate.h"

static const struct step_row rows[] = { { STEP_DOWNLOAD, download_run },
                                        { STEP_REPLICATE, replicate_run },
                                        { STEP_BUILD, build_run },
                                        { STEP_KEEP_LOG, keep_log_run },
                                        { STEP_DELTA, make_delta_run } };

int main(int argc, char **argv)
{
    return step_main(argc, argv, rows, sizeof rows / sizeof *rows);
}
