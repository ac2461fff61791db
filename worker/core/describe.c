#include "core/describe.h"

#include "core/hold.h"

#include <stdio.h>
#include <string.h>

enum { OUTPUT_MAX = 200 };

/* Civil date from days since 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date
 * algorithms"): the C library's gmtime is not for pure code. */
static void civil_from_days(uint64_t days, uint64_t *year, unsigned *month, unsigned *day)
{
    uint64_t z = days + 719468;
    uint64_t era = z / 146097, of_era = z % 146097;
    uint64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint64_t day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint64_t shifted = (5 * day_of_year + 2) / 153; /* March is 0 */
    *day = (unsigned)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = (unsigned)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = year_of_era + era * 400 + (*month <= 2 ? 1 : 0);
}

void describe_time(uint64_t ms, char out[DESCRIBE_TIME_SIZE])
{
    static const uint64_t year_10000_ms = UINT64_C(253402300800000);
    if (ms >= year_10000_ms) ms = year_10000_ms - 1;
    uint64_t year;
    unsigned month, day;
    civil_from_days(ms / 86400000, &year, &month, &day);
    unsigned rest = (unsigned)(ms % 86400000);
    snprintf(out, DESCRIBE_TIME_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
             (unsigned)year % 10000u, month % 100u, day % 100u, rest / 3600000u,
             rest / 60000u % 60u, rest / 1000u % 60u, rest % 1000u);
}

const char *describe_tail(const char *text, size_t max)
{
    size_t len = strlen(text);
    if (len <= max) return text;
    text += len - max;
    while (((unsigned char)*text & 0xc0u) == 0x80u) text++;
    return text;
}

static const char *step_name(const struct task *task)
{
    if (task->record.step >= task->record.event_count) return "its last step";
    return lifecycle_event_name(task->record.events[task->record.step].event);
}

const char *describe_interrupted(const struct worker *w, const struct task *task,
                                 const struct diagnostics *said, struct arena *arena)
{
    char started[DESCRIBE_TIME_SIZE];
    const struct row_record *record = &task->record;
    describe_time(record->events[record->step].started_ms, started);
    const char *output = describe_tail(said->log_tail, OUTPUT_MAX);
    const char *what =
        arena_format(arena, "%s, begun at %s, was interrupted on host %s: %s. Last output: %s%s%s.",
                     step_name(task), started, w->config.name, said->message, output[0] ? "'" : "",
                     output[0] ? output : "none", output[0] ? "'" : "");
    if (w->config.local)
        return arena_format(arena,
                            "%s Look at the host, then deploy again: a new deployment "
                            "begins with its first event",
                            what);
    return arena_format(arena,
                        "%s Look at the host, then say: meridian resume %s --host %s --rerun-step "
                        "(or --skip-step), or meridian stop %s %s",
                        what, record->job->execution.text, w->config.name, record->job->pipeline,
                        record->job->execution.text);
}

const char *describe_worn_out(const struct worker *w, const struct task *task, struct arena *arena)
{
    return arena_format(arena,
                        "%s was interrupted %u times on host %s and is not tried again. Find what "
                        "ends it (memory, disk, reboots), then retry the action with a new "
                        "execution: meridian run %s",
                        step_name(task), (unsigned)task->record.run, w->config.name,
                        task->record.job->pipeline);
}

/* What an end before the barrier was opened means for the host. */
static const char *unchanged(const struct task *task)
{
    return hold_waits(task) ? "; it was prepared and waited for the other regions: no installed "
                              "file was changed"
                            : "";
}

const char *describe_unwanted(const struct worker *w, const struct task *task, struct arena *arena)
{
    if (task->record.cancel)
        return arena_format(arena, "stopped on request at %s on host %s%s", step_name(task),
                            w->config.name, unchanged(task));
    if (task->ending == ENDING_LEASE)
        return arena_format(arena,
                            "lease lost: host %s had no word from the coordinator for too long "
                            "and ended %s, because the job may be given to another host",
                            w->config.name, step_name(task));
    return arena_format(arena,
                        "timed out on host %s at %s: the job may take %llu ms from acceptance to "
                        "its result%s",
                        w->config.name, step_name(task),
                        (unsigned long long)task->record.job->timeout_ms, unchanged(task));
}
