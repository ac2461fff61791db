/* main.c - many worlds, on all processors.
 *
 *     sim --seeds N --from S [--jobs P]    N worlds from seed S on
 *     sim --seeds 1 --from S --trace       one world, told line by line
 *     sim --file seeds.txt                 one seed a line; the rest of the line is its story
 *
 * Exit status: 0 nothing found, 1 a finding, 2 wrong use.
 */
#include "io/clock.h"
#include "sim.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { JOBS_MAX = 64, FILE_SEEDS_MAX = 1000, FINDINGS_SHOWN = 20, REPEAT_EVERY = 64 };

struct plan {
    uint64_t from, count;
    const uint64_t *listed; /* instead of from; NULL */
    uint32_t jobs;
    bool trace;
};

struct share {     /* one process's report, in shared memory */
    uint64_t seed; /* being run */
    bool running;
    uint64_t findings;
    struct sim_stats stats;
};

static uint64_t seed_at(const struct plan *plan, uint64_t i)
{
    return plan->listed ? plan->listed[i] : plan->from + i;
}

static void worlds_run(const struct plan *plan, uint32_t job, struct share *share)
{
    struct world *w = xcalloc(1, sizeof *w);
    for (uint64_t i = job; i < plan->count; i += plan->jobs) {
        share->seed = seed_at(plan, i);
        share->running = true;
        world_run(w, share->seed, plan->trace, &share->stats);
        if (w->finding[0]) {
            share->findings++;
            if (share->findings <= FINDINGS_SHOWN)
                printf("seed %llu: %s\n", (unsigned long long)share->seed, w->finding);
        } else if (i % REPEAT_EVERY == 0 && !plan->trace) {
            struct sim_stats ignored = { 0 };
            uint64_t hash = w->hash;
            world_run(w, share->seed, false, &ignored);
            if (w->hash != hash) {
                share->findings++;
                printf("seed %llu: DETERMINISM: it runs otherwise the second time\n",
                       (unsigned long long)share->seed);
            }
        }
        share->running = false;
    }
    world_deinit(w);
    free(w);
}

static uint64_t shares_wait(const struct plan *plan, const pid_t *pids, const struct share *shares)
{
    uint64_t died = 0;
    for (uint32_t j = 0; j < plan->jobs; j++) {
        int status = 0;
        while (waitpid(pids[j], &status, 0) < 0 && errno == EINTR) continue;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
        printf("seed %llu: DIED: the process ended with %s %d\n",
               (unsigned long long)shares[j].seed, WIFSIGNALED(status) ? "signal" : "status",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        died++;
    }
    return died;
}

static void endings_print(const char *what, const uint64_t ended[STATUS_COUNT])
{
    printf("%s:", what);
    for (int i = 0; i < STATUS_COUNT; i++)
        if (ended[i]) printf(" %llu %s", (unsigned long long)ended[i], status_name((enum status)i));
    putchar('\n');
}

static void summary_print(const struct plan *plan, const struct share *shares, double seconds)
{
    struct sim_stats sum = { 0 };
    const size_t fields = sizeof sum / sizeof(uint64_t);
    for (uint32_t j = 0; j < plan->jobs; j++)
        for (size_t f = 0; f < fields; f++)
            ((uint64_t *)&sum)[f] += ((const uint64_t *)&shares[j].stats)[f];
    printf("%llu worlds in %.1f s (%.0f/s), %llu virtual hours, %llu steps, %llu turns\n",
           (unsigned long long)sum.worlds, seconds, (double)sum.worlds / seconds,
           (unsigned long long)(sum.virtual_ms / 3600000), (unsigned long long)sum.steps,
           (unsigned long long)sum.turns);
    endings_print("executions", sum.ended);
    endings_print("jobs", sum.jobs_ended);
    printf("faults: %llu crashes, %llu refused commits, %llu reboots (%llu with an empty disk), "
           "%llu cuts, %llu lost and %llu doubled packets, %llu failing, %llu hanging and %llu "
           "killed steps\ninterrupted: %llu hooks, of which %llu by an operator's word\n"
           "deltas: %llu made, %llu copies told by one\n",
           (unsigned long long)sum.crashes, (unsigned long long)sum.refused,
           (unsigned long long)sum.reboots, (unsigned long long)sum.wipes,
           (unsigned long long)sum.cuts, (unsigned long long)sum.lost,
           (unsigned long long)sum.duplicated, (unsigned long long)sum.failures,
           (unsigned long long)sum.hangs, (unsigned long long)sum.kills,
           (unsigned long long)sum.interruptions, (unsigned long long)sum.resumes,
           (unsigned long long)sum.deltas, (unsigned long long)sum.told);
}

static int plan_run(const struct plan *plan)
{
    pid_t pids[JOBS_MAX];
    struct share *shares = mmap(NULL, JOBS_MAX * sizeof *shares, PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shares == MAP_FAILED) {
        perror("sim: mmap");
        return 2;
    }
    uint64_t begin_ms = clock_boot_ms();
    uint64_t findings = 0;
    if (plan->jobs == 1) {
        worlds_run(plan, 0, &shares[0]);
    } else {
        for (uint32_t j = 0; j < plan->jobs; j++) {
            pids[j] = fork();
            if (pids[j] < 0) {
                perror("sim: fork");
                return 2;
            }
            if (pids[j] > 0) continue;
            worlds_run(plan, j, &shares[j]);
            exit(0);
        }
        findings += shares_wait(plan, pids, shares);
    }
    uint64_t took_ms = clock_boot_ms() - begin_ms;
    for (uint32_t j = 0; j < plan->jobs; j++) findings += shares[j].findings;
    summary_print(plan, shares, (double)(took_ms ? took_ms : 1) / 1e3);
    munmap(shares, JOBS_MAX * sizeof *shares);
    if (findings) printf("%llu FINDINGS\n", (unsigned long long)findings);
    return findings ? 1 : 0;
}

static size_t seeds_read(const char *path, uint64_t *seeds)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        fprintf(stderr, "sim: open '%s': %s\n", path, strerror(errno));
        exit(2);
    }
    char line[1024];
    size_t count = 0;
    while (count < FILE_SEEDS_MAX && fgets(line, sizeof line, file)) {
        char *rest;
        unsigned long long seed = strtoull(line, &rest, 10);
        if (rest != line) seeds[count++] = seed;
    }
    fclose(file);
    return count;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "seeds", required_argument, NULL, 'n' }, { "from", required_argument, NULL, 's' },
        { "jobs", required_argument, NULL, 'j' },  { "file", required_argument, NULL, 'f' },
        { "trace", no_argument, NULL, 't' },       { NULL, 0, NULL, 0 }
    };
    static uint64_t listed[FILE_SEEDS_MAX];
    struct plan plan = { .from = 1, .count = 1000, .jobs = 1 };
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'n') plan.count = strtoull(optarg, NULL, 10);
        if (c == 's') plan.from = strtoull(optarg, NULL, 10);
        if (c == 'j') plan.jobs = (uint32_t)strtoull(optarg, NULL, 10);
        if (c == 't') plan.trace = true;
        if (c == 'f') {
            plan.count = seeds_read(optarg, listed);
            plan.listed = listed;
        }
        if (c == '?') return 2;
    }
    if (plan.jobs < 1 || plan.jobs > JOBS_MAX) {
        fprintf(stderr, "sim: --jobs is 1 to %d\n", JOBS_MAX);
        return 2;
    }
    return plan_run(&plan);
}
