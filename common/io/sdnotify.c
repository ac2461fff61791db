#include "io/sdnotify.h"

#include "base/number.h"
#include "io/fs.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { STATUS_MAX = 256 };

bool sdnotify_send(const char *lines, struct error *err)
{
    const char *path = getenv("NOTIFY_SOCKET");
    if (!path || !*path) return true;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t len = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || len >= sizeof address.sun_path)
        return error_set(err, ERR_INVALID, "NOTIFY_SOCKET is not a usable address");
    memcpy(address.sun_path, path, len);
    if (path[0] == '@') address.sun_path[0] = '\0'; /* the abstract name space */
    AUTO(auto_close) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return fs_error(err, "open", "NOTIFY_SOCKET");
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    if (sendto(fd, lines, strlen(lines), MSG_NOSIGNAL, (struct sockaddr *)&address, size) < 0)
        return fs_error(err, "send to", path);
    return true;
}

bool sdnotify_ready(const char *status, struct error *err)
{
    char lines[STATUS_MAX + 32];
    snprintf(lines, sizeof lines, "READY=1\nSTATUS=%.*s", STATUS_MAX, status);
    return sdnotify_send(lines, err);
}

bool sdnotify_stopping(struct error *err)
{
    return sdnotify_send("STOPPING=1", err);
}

bool sdnotify_watchdog(struct error *err)
{
    return sdnotify_send("WATCHDOG=1", err);
}

uint64_t sdnotify_watchdog_ms(void)
{
    const char *interval = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");
    uint64_t value, owner;
    if (!interval || !number_parse(interval, UINT64_MAX, &value)) return 0;
    /* The variables are inherited: they mean us only when they name us. */
    if (pid && (!number_parse(pid, UINT64_MAX, &owner) || owner != (uint64_t)getpid())) return 0;
    return value / 1000;
}
