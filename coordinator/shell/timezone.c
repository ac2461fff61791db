#include "shell/timezone.h"

#include "io/clock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* No zone changes twice in a week. */
enum { WEEK_S = 7 * 86400, YEAR_S = 366 * 86400, CHANGES_MAX = 4 * TIMEZONE_YEARS };

static const char *const folders[] = { "/usr/share/zoneinfo", "/usr/lib/zoneinfo",
                                       "/etc/zoneinfo" };

static bool name_valid(const char *name)
{
    static const char *const allowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_+-";
    size_t len = strlen(name);
    return len > 0 && len <= TIMEZONE_NAME_MAX && strspn(name, allowed) == len && name[0] != '/';
}

/* tzset() takes a name that it does not know for UTC. */
static bool name_known(const char *name)
{
    char path[sizeof "/usr/share/zoneinfo/" + TIMEZONE_NAME_MAX];
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        size_t len = strlen(folders[i]);
        memcpy(path, folders[i], len);
        path[len] = '/';
        memcpy(path + len + 1, name, strlen(name) + 1);
        if (access(path, R_OK) == 0) return true;
    }
    return text_equal(name, "UTC");
}

static int32_t offset_at(int64_t at_s)
{
    time_t when = (time_t)at_s;
    struct tm wall = { 0 };
    return localtime_r(&when, &wall) ? (int32_t)wall.tm_gmtoff : 0;
}

/* The first second of the other offset; the two ends of the span differ. */
static int64_t change_between(int64_t from_s, int64_t to_s)
{
    int32_t before = offset_at(from_s);
    while (to_s - from_s > 1) {
        int64_t middle_s = from_s + (to_s - from_s) / 2;
        if (offset_at(middle_s) == before)
            from_s = middle_s;
        else
            to_s = middle_s;
    }
    return to_s;
}

/* With TZ set. */
static void changes_find(int64_t now_s, struct arena *arena, struct window_zone *out)
{
    struct window_change *changes = arena_calloc(arena, CHANGES_MAX, sizeof *changes);
    int64_t end_s = now_s + (int64_t)TIMEZONE_YEARS * YEAR_S;
    *out = (struct window_zone){ .offset_s = offset_at(now_s), .changes = changes };
    int32_t last = out->offset_s;
    for (int64_t at_s = now_s; at_s < end_s && out->change_count < CHANGES_MAX; at_s += WEEK_S) {
        int32_t next = offset_at(at_s + WEEK_S);
        if (next == last) continue;
        changes[out->change_count++] =
            (struct window_change){ change_between(at_s, at_s + WEEK_S), next };
        last = next;
    }
}

bool timezone_load(const char *name, struct arena *arena, struct window_zone *out,
                   struct error *err)
{
    if (!name_valid(name) || !name_known(name))
        return error_set(err, ERR_INVALID,
                         "there is no time zone '%.80s' on the coordinator's host: write one like "
                         "Europe/Berlin (timedatectl list-timezones; package tzdata)",
                         name);
    const char *before = getenv("TZ");
    const char *kept = before ? arena_text(arena, before) : NULL;
    if (setenv("TZ", name, 1) < 0) return error_set(err, ERR_NO_SPACE, "no memory for TZ");
    tzset();
    changes_find((int64_t)(clock_wall_ms() / 1000), arena, out);
    if (kept ? setenv("TZ", kept, 1) < 0 : unsetenv("TZ") < 0)
        return error_set(err, ERR_NO_SPACE, "no memory for TZ");
    tzset();
    return true;
}
