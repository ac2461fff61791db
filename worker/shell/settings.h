/* settings.h - the worker's configuration file.
 *
 *     name: web-1                        # as enrolled: meridian keys worker web-1 --region ...
 *     region: us-east-1
 *     coordinator: tcp://10.0.1.5:7701
 *     coordinatorKey: coordinator.pub    # relative paths are relative to this file
 *     key: worker-web-1.key
 *     state: state                       # LMDB and the job folders
 *     root: deployment-root              # what the CodeDeploy agent calls root_dir
 *     revisions: 5                       # optional: kept on the host
 *     secrets: secrets                   # optional: a folder of files that builds may name
 *     buildMemory: 2 GiB                 # optional: data of each process of a build
 *     transferRate: 20 MiB               # optional: a second, of each transfer
 *     deltaMemory: 256 MiB               # optional: with which deltas are made and used
 *     log: info
 */
#pragma once
#include "io/config.h"
#include "io/log.h"

struct settings {
    struct config *config;
    const char *name, *region, *coordinator, *coordinator_key, *key, *state, *root, *secrets;
    /* 0: no bound */
    uint64_t revisions_max, revisions_bytes_max, build_memory_max, transfer_rate_max;
    uint64_t delta_memory_max;
    const char *log_level;
    enum log_level log;
};

NODISCARD bool settings_load(const char *file, struct settings *out, struct error *err);
void settings_deinit(struct settings *settings); /* accepts a zeroed one */
