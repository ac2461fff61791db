/* settings.h - the coordinator's configuration file.
 *
 *     region: us-west-2
 *     state: state                       # folder; relative paths are relative to this file
 *     keys: keys                         # made by `meridian keys init`
 *     listen:
 *       workers: tcp://127.0.0.1:7701
 *       clients: tcp://127.0.0.1:7700
 *     artifacts:
 *       listen: 127.0.0.1:7780           # HTTPS of the `dir` stores
 *       url: https://10.0.1.5:7780       # how others reach it; default: https://<listen>
 *     stores:                            # buckets of pipelines, by name
 *       - name: source-code-bucket-us-west-2
 *         region: us-west-2
 *         path: stores/source
 *     actionTimeoutMinutes: 60           # optional, with the following
 *     log: info                          # error, warning, info, debug
 *
 * Unknown and doubled keys are refused with file, line and column.
 */
#pragma once
#include "io/fs.h"
#include "io/link.h"
#include "io/log.h"
#include "shell/artifacts.h"

enum { SETTINGS_ADDRESS_SIZE = 64 };

struct settings_store {
    char name[WIRE_NAME_MAX + 1], region[KEYS_REGION_SIZE], path[FS_PATH_MAX];
};

struct settings {
    char region[KEYS_REGION_SIZE];
    char state[FS_PATH_MAX], keys[FS_PATH_MAX];
    char listen_workers[LINK_ENDPOINT_SIZE], listen_clients[LINK_ENDPOINT_SIZE];
    char artifacts_address[SETTINGS_ADDRESS_SIZE];
    uint16_t artifacts_port;
    char artifacts_url[LINK_ENDPOINT_SIZE];
    struct settings_store *stores;
    size_t store_count;
    uint32_t action_timeout_ms;
    enum log_level log;
};

NODISCARD bool settings_load(const char *file, struct settings *out, struct error *err);
void settings_deinit(struct settings *settings); /* accepts a zeroed one */
