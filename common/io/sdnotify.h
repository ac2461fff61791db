/* sdnotify.h - what systemd wants to hear, over the socket that NOTIFY_SOCKET names.
 *
 * Without that variable every call is a success that does nothing. See sd_notify(3).
 */
#pragma once
#include "base/error.h"
#include <stdint.h>

/* One datagram of "NAME=value" lines. Never blocks. */
NODISCARD bool sdnotify_send(const char *lines, struct error *err);
NODISCARD bool sdnotify_ready(const char *status, struct error *err);
NODISCARD bool sdnotify_stopping(struct error *err);
NODISCARD bool sdnotify_watchdog(struct error *err);
/* How often systemd expects WATCHDOG=1 (send at half of it); 0 for never. */
uint64_t sdnotify_watchdog_ms(void);
