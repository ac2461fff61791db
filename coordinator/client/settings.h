/* settings.h - which coordinator the client talks to, and with which key.
 *
 * Precedence: option > MERIDIAN_COORDINATOR, MERIDIAN_COORDINATOR_KEY, MERIDIAN_KEY >
 * $XDG_CONFIG_HOME/meridian/config.yml (default ~/.config) > /etc/meridian/client.yml. With
 * --config or MERIDIAN_CONFIG only that file is read. The files:
 *
 *     coordinator: tcp://10.0.1.5:7700
 *     coordinatorKey: coordinator.pub      # relative paths: relative to the file
 *     key: client-ana.key
 *
 * Errors: ERR_INVALID (a file's contents, or nothing says where the coordinator is),
 * ERR_NOT_FOUND (a file that was named).
 */
#pragma once
#include "client/options.h"
#include "io/fs.h"

enum { SETTINGS_ENDPOINT_SIZE = 256 };

struct settings {
    char coordinator[SETTINGS_ENDPOINT_SIZE];
    char coordinator_key[FS_PATH_MAX], key[FS_PATH_MAX]; /* files */
};

NODISCARD bool settings_load(const struct options *options, struct settings *out,
                             struct error *err);
/* $XDG_STATE_HOME/meridian/NAME, default ~/.local/state/meridian/NAME. */
NODISCARD bool settings_state_folder(const char *name, char out[FS_PATH_MAX], struct error *err);
