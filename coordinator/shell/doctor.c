#include "shell/doctor.h"

#include "io/fs.h"
#include "shell/buckets.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FINDINGS_ARENA_MAX = 8 << 20, KEPT_MAX = WIRE_LIST_MAX / 2 };

struct doctor {
    struct doctor_config config;
    struct arena arena; /* of the findings */
    struct finding findings[KEPT_MAX];
    size_t count;
    bool running, loud;
};

struct doctor *doctor_open(const struct doctor_config *config)
{
    struct doctor *d = xcalloc(1, sizeof *d);
    d->config = *config;
    arena_init(&d->arena, FINDINGS_ARENA_MAX);
    return d;
}

void doctor_close(struct doctor *d)
{
    if (!d) return;
    arena_deinit(&d->arena);
    free(d);
}

static void find(void *owner, enum finding_level level, const char *subject, const char *text,
                 const char *fix)
{
    struct doctor *d = owner;
    if (d->count == KEPT_MAX) return;
    d->findings[d->count++] = (struct finding){ .level = level,
                                                .subject = arena_text(&d->arena, subject),
                                                .text = arena_text(&d->arena, text),
                                                .fix = arena_text(&d->arena, fix) };
    if (d->loud && level != FINDING_GOOD)
        log_event(d->config.log, level == FINDING_BAD ? LOG_ERROR : LOG_WARNING, "checkup",
                  "subject", subject, "found", text, "fix", fix, NULL);
}

/* ---- folders ---- */

static const char make_room[] =
    "make room on the disk, or keep fewer versions (`keep` of the store)";

static const char *room_text(struct doctor *d, uint64_t bytes)
{
    if (bytes >> 30) return arena_format(&d->arena, "%.1f GiB free", (double)bytes / (1 << 30));
    return arena_format(&d->arena, "%" PRIu64 " MiB free", bytes >> 20);
}

/* A file is made and removed: what permissions, quotas and read-only mounts say in the end. */
NODISCARD static bool writable(const char *folder, struct error *err)
{
    char path[FS_PATH_MAX];
    return fs_join(path, folder, ".checkup", err) &&
           fs_write_atomic(path, bytes_of_text("x"), 0600, err) &&
           (unlink(path) == 0 || fs_error(err, "remove", path));
}

static void check_folder(struct doctor *d, const char *subject, const char *folder)
{
    struct error err = { 0 };
    uint64_t room = 0;
    if (!writable(folder, &err)) {
        find(d, FINDING_BAD, subject, err.text,
             err.code == ERR_NO_SPACE
                 ? make_room
                 : arena_format(&d->arena,
                                "let the user %u of the coordinator write there: chown -R %u %s",
                                (unsigned)geteuid(), (unsigned)geteuid(), folder));
    } else if (!fs_free_bytes(folder, &room, &err)) {
        find(d, FINDING_BAD, subject, err.text, "");
    } else {
        enum finding_level level = room < DOCTOR_ROOM_BAD             ? FINDING_BAD
                                   : room < (uint64_t)DOCTOR_ROOM_ODD ? FINDING_ODD
                                                                      : FINDING_GOOD;
        find(d, level, subject, arena_format(&d->arena, "writable, %s", room_text(d, room)),
             level == FINDING_GOOD ? "" : make_room);
    }
}

static void check_folders(struct doctor *d)
{
    for (size_t i = 0; i < d->config.store_count; i++) {
        const struct artifact_store *store = &d->config.stores[i];
        if (artifact_store_is_s3(store)) continue;
        check_folder(d, arena_format(&d->arena, "store %s", store->name), store->path);
    }
}

static void check_state(struct doctor *d)
{
    struct store_usage usage;
    struct error err = { 0 };
    check_folder(d, "state", d->config.state);
    if (!store_usage(d->config.store, &usage, &err)) {
        find(d, FINDING_BAD, "state", err.text, "");
        return;
    }
    unsigned percent = (unsigned)(usage.used_bytes / (usage.map_bytes / 100));
    enum finding_level level = percent >= DOCTOR_MAP_BAD_PERCENT   ? FINDING_BAD
                               : percent >= DOCTOR_MAP_ODD_PERCENT ? FINDING_ODD
                                                                   : FINDING_GOOD;
    find(d, level, "state", arena_format(&d->arena, "%u %% of the records' map is used", percent),
         level == FINDING_GOOD ? "" : "let executions end; new ones are refused at 80 %");
}

/* ---- the checkup ---- */

static void check_clock(struct doctor *d)
{
    int64_t ahead_ms;
    if (!buckets_skew(d->config.buckets, &ahead_ms)) return;
    int64_t seconds = imaxabs(ahead_ms) / 1000;
    const char *text = seconds <= 1 ? "agrees with S3's"
                                    : arena_format(&d->arena, "%" PRId64 " s %s S3's", seconds,
                                                   ahead_ms < 0 ? "behind" : "ahead of");
    bool bad = seconds * 1000 >= 15 * 60 * 1000, odd = seconds * 1000 >= DOCTOR_SKEW_ODD_MS;
    find(d,
         bad   ? FINDING_BAD
         : odd ? FINDING_ODD
               : FINDING_GOOD,
         "clock", text, bad || odd ? "timedatectl set-ntp true" : "");
}

void doctor_begin(struct doctor *d, bool loud)
{
    if (d->running) return;
    arena_reset(&d->arena);
    d->count = 0;
    d->running = true;
    d->loud = loud;
    check_state(d);
    check_folders(d);
    buckets_check(d->config.buckets, find, d);
    doctor_run(d);
}

void doctor_run(struct doctor *d)
{
    if (!d->running || buckets_checking(d->config.buckets)) return;
    check_clock(d);
    d->running = false;
}

bool doctor_running(const struct doctor *d)
{
    return d->running;
}

/* ---- the answer ---- */

static struct finding region_finding(const struct region_summary *region, struct arena *arena)
{
    struct finding finding = { .level = FINDING_GOOD,
                               .subject = arena_format(arena, "workers %s", region->region),
                               .text = arena_format(arena, "%u of %u connected", region->connected,
                                                    region->workers),
                               .fix = "" };
    if (region->workers == 0 && !region->stores[0] && !region->primary) return finding;
    if (region->workers == 0 && region->primary && !region->stores[0]) {
        finding.text = "none enrolled, and no pipeline deploys here";
    } else if (region->workers == 0) {
        finding.level = FINDING_ODD;
        finding.text = "none enrolled: nothing can be copied or deployed there";
        finding.fix = arena_format(arena, "meridian keys worker NAME --region %s", region->region);
    } else if (region->connected == 0) {
        finding.level = FINDING_BAD;
        finding.fix = "systemctl start meridian-worker on the hosts; meridian workers";
    } else if (region->connected < region->workers || region->drained) {
        finding.level = FINDING_ODD;
        if (region->drained)
            finding.text = arena_format(arena, "%s, %u drained", finding.text, region->drained);
        finding.fix = "meridian workers";
    }
    return finding;
}

void doctor_answer(const struct doctor *d, const struct coordinator *core, uint64_t now_ms,
                   struct arena *arena, struct reply *reply)
{
    const struct region_summary *regions = NULL;
    size_t regional = coordinator_view_regions(core, arena, &regions), count = 0;
    struct finding *all = arena_calloc(arena, d->count + regional, sizeof *all);
    for (size_t i = 0; i < d->count; i++) {
        all[count].level = d->findings[i].level;
        all[count].subject = arena_text(arena, d->findings[i].subject);
        all[count].text = arena_text(arena, d->findings[i].text);
        all[count++].fix = arena_text(arena, d->findings[i].fix);
    }
    for (size_t i = 0; i < regional && count < WIRE_LIST_MAX; i++)
        all[count++] = region_finding(&regions[i], arena);
    reply->findings = all;
    reply->finding_count = count;
    reply->seq = now_ms;
}
