/* doctor: what is wrong, and what mends it */
#include "client/commands.h"

#include "client/json_value.h"
#include "io/clock.h"

#include <inttypes.h>
#include <stdio.h>

enum { FINDINGS_OWN = 2, SKEW_ODD_MS = 60000, SKEW_BAD_MS = 15 * 60 * 1000 };

static void mark(struct print *out, enum finding_level level)
{
    static const enum style styles[] = { STYLE_GOOD, STYLE_ODD, STYLE_BAD };
    static const char *const glyphs[] = { "\u2714", "!", "\u2718" };
    static const char *const words[] = { "ok     ", "warning", "BAD    " };
    print_style(out, styles[level]);
    print_raw(out, out->mode.utf8 ? glyphs[level] : words[level]);
    print_style(out, STYLE_PLAIN);
    print_raw(out, " ");
}

static void show(struct print *out, const struct finding *finding)
{
    mark(out, finding->level);
    print_styled(out, STYLE_BOLD, finding->subject);
    print_raw(out, ": ");
    print_text(out, finding->text);
    print_raw(out, "\n");
    if (!finding->fix[0]) return;
    print_raw(out, "  fix: ");
    print_text(out, finding->fix);
    print_raw(out, "\n");
}

/* What only the client can tell: the way to the coordinator, and the two clocks. */
static size_t own_findings(const struct reply *reply, uint64_t rtt_ms, struct arena *arena,
                           struct finding out[FINDINGS_OWN])
{
    int64_t ahead = (int64_t)clock_wall_ms() - (int64_t)reply->seq;
    int64_t apart = ahead < 0 ? -ahead : ahead;
    out[0] =
        (struct finding){ FINDING_GOOD, "coordinator",
                          arena_format(arena, "reached, answers in %" PRIu64 " ms", rtt_ms), "" };
    out[1] =
        (struct finding){ apart >= SKEW_BAD_MS   ? FINDING_BAD
                          : apart >= SKEW_ODD_MS ? FINDING_ODD
                                                 : FINDING_GOOD,
                          "clock",
                          apart < 2000
                              ? "agrees with the coordinator's"
                              : arena_format(arena, "%" PRId64 " s %s the coordinator's",
                                             apart / 1000, ahead < 0 ? "behind" : "ahead of"),
                          apart >= SKEW_ODD_MS ? "timedatectl set-ntp true on both hosts" : "" };
    return FINDINGS_OWN;
}

static void json(struct print *out, const struct finding *all, size_t count, bool good)
{
    json_t *root = json_object();
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *one = json_object();
        json_put_text(one, "level", finding_level_name(all[i].level));
        json_put_text(one, "subject", all[i].subject);
        json_put_text(one, "text", all[i].text);
        json_put_text(one, "fix", all[i].fix);
        (void)json_array_append_new(list, one);
    }
    json_put(root, "healthy", json_boolean(good));
    json_put(root, "findings", list);
    json_write(out, root, false);
}

enum client_exit command_doctor(struct client *client)
{
    struct request ping = { .kind = REQUEST_PING }, request = { .kind = REQUEST_DOCTOR };
    struct reply reply;
    bool good = true;
    uint64_t asked = clock_boot_ms();
    enum client_exit exit = client_ask(client, &ping, &reply);
    uint64_t rtt = clock_boot_ms() - asked;
    if (exit != EXIT_DONE) return exit;
    exit = client_ask(client, &request, &reply);
    if (exit != EXIT_DONE) return exit;
    struct finding *all =
        arena_calloc(&client->kept, reply.finding_count + FINDINGS_OWN, sizeof *all);
    size_t count = own_findings(&reply, rtt, &client->kept, all);
    for (size_t i = 0; i < reply.finding_count; i++) all[count++] = reply.findings[i];
    for (size_t i = 0; i < count; i++) good = good && all[i].level != FINDING_BAD;
    if (client->options->output == OUTPUT_JSON)
        json(&client->out, all, count, good);
    else
        for (size_t i = 0; i < count; i++) show(&client->out, &all[i]);
    return good ? EXIT_DONE : EXIT_FAILED;
}
