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
 *       url: https://10.0.1.5:7780       # how others reach it; default: https://<listen>,
 *                                        # required where that is 0.0.0.0 or [::]
 *       events: keys/events.token        # optional: S3's events are taken at /events of this
 *                                        # server (shell/event_door.h), with the file's token
 *     stores:                            # buckets of pipelines, by name
 *       - name: source-code-bucket-us-west-2
 *         region: us-west-2
 *         path: stores/source            # of type dir, the default
 *       - name: my-artifact-bucket
 *         region: us-east-1
 *         type: s3                       # keys: io/credentials.h
 *         endpoint: http://127.0.0.1:80  # optional: of another S3 server than AWS
 *         keep: { count: 20, age: 30d }  # optional, of any type: what is beyond both goes
 *     deltas: { enabled: true, min: 1 MiB, max: 4 GiB, worth: 50, wait: 2m }
 *                                        # optional: copies of artifacts of such sizes are told by
 *                                        # an older revision, when that is at most `worth` percent
 *                                        # of the whole; they wait so long for it
 *     prices:                            # optional: dollars a GiB that crosses regions; the first
 *       - { from: us-west-2, to: "*", perGiB: 0.02 }    # that fits holds
 *     actionTimeout: 60m                 # optional: else by provider, as AWS
 *     log: info                          # error, warning, info, debug
 *
 * Unknown and doubled keys are refused with file, line and column (io/config.h). Texts belong to
 * the settings until settings_deinit().
 */
#pragma once
#include "core/config.h"
#include "io/config.h"
#include "io/log.h"
#include "shell/artifacts.h"
#include <sys/socket.h>

enum { SETTINGS_PRICES_MAX = 256 };

struct settings {
    struct config *config;
    const char *region, *state, *keys;
    const char *listen_workers, *listen_clients;
    const char *artifacts_listen, *artifacts_url, *artifacts_events;
    struct sockaddr_storage artifacts_address; /* of artifacts_listen */
    struct artifact_store stores[ARTIFACT_STORES_MAX];
    size_t store_count;
    bool deltas_enabled;
    uint64_t deltas_min, deltas_max, deltas_worth, deltas_wait_ms;
    struct copy_price prices[SETTINGS_PRICES_MAX];
    size_t price_count;
    uint64_t action_timeout_ms;
    const char *log_level;
    enum log_level log;
};

NODISCARD bool settings_load(const char *file, struct settings *out, struct error *err);
void settings_deinit(struct settings *settings); /* accepts a zeroed one */
