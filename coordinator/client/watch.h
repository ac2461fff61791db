/* watch.h - following an execution until it ends, through restarts of the coordinator.
 *
 * WATCH_TREE draws the tree in place, at most ten times a second. WATCH_LINES and WATCH_JSON write
 * one line for every event since the execution began. WATCH_SILENT only waits. Ctrl-C detaches:
 * the execution goes on, and the command that would stop it is shown.
 */
#pragma once
#include "client/client.h"

enum watch_how { WATCH_TREE, WATCH_LINES, WATCH_JSON, WATCH_SILENT };

/* What --progress, -o, -q and the terminal ask for. */
enum watch_how watch_how(const struct client *client);
/* The exit code is the execution's result (client_exit_of_status), EXIT_TIMEOUT or
 * EXIT_INTERRUPTED. */
NODISCARD enum client_exit watch_execution(struct client *client,
                                           const struct client_target *target, enum watch_how how);

/* "2026-11-22T19:11:27Z xr/0b8a2c1e Prod/Second us-east-1 web-1 BeforeInstall Succeeded ..." */
void watch_event_line(struct print *out, const struct event_record *event);
