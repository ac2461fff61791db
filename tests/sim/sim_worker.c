#include "check.h"
#include "core/worker.h"
#include "net.h"
#include "sim_nodes.h"

#include <stdlib.h>
#include <string.h>

struct sim_worker {
    struct worker *core;
    struct worker_actions out;
};

static struct sim_step step_of(const struct step_ref *ref)
{
    return (struct sim_step){ ref->job, ref->attempt, ref->step, ref->run };
}

static struct step_ref ref_of(const struct sim_step *step)
{
    return (struct step_ref){ step->job, step->attempt, step->step, step->run };
}

static void worker_event_begin(struct world *w, uint32_t worker, struct worker_event *event)
{
    const struct sim_node *n = &w->nodes[worker];
    event->now_ms = node_wall(w, n);
    event->boot_ms = node_boot(w, n);
    event->boot = n->boot;
}

void sim_worker_start(struct world *w, uint32_t worker)
{
    static const char *const regions[] = { "us-west-2", "us-east-1", "ap-southeast-2" };
    struct sim_node *n = &w->nodes[worker];
    struct sim_worker *s = xcalloc(1, sizeof *s);
    worker_actions_init(&s->out);
    const struct worker_config config = { .name = n->name,
                                          .region = regions[n->region],
                                          .version = "sim",
                                          .root_dir = "/deployments",
                                          .revisions_max = 5,
                                          .resend_ms = w->options.resend_ms };
    s->core = worker_new(&config);
    n->core = s;
    struct record *records = xcalloc(n->disk.count + 1, sizeof *records);
    for (size_t i = 0; i < n->disk.count; i++) {
        records[i] = n->disk.at[i]->record;
        if (records[i].kind != RECORD_ROW) continue;
        uint64_t index;
        memcpy(&index, records[i].row.signed_job.data, sizeof index);
        records[i].row.job = w->jobs[index];
    }
    struct worker_event event = { .type = WORKER_START };
    worker_event_begin(w, worker, &event);
    world_entropy(w, event.entropy);
    event.start.records = records;
    event.start.count = n->disk.count;
    worker_step(s->core, &event, &s->out);
    free(records);
    sim_worker_turn(w, worker);
}

void sim_worker_stop(struct world *w, uint32_t worker)
{
    struct sim_worker *s = w->nodes[worker].core;
    w->nodes[worker].core = NULL;
    if (!s) return;
    worker_free(s->core);
    worker_actions_deinit(&s->out);
    free(s);
}

/* ---- events ---- */

static void feed_step(struct world *w, struct sim_worker *s, struct run *run,
                      struct worker_event *event)
{
    if (run->over) {
        event->type = WORKER_STEP_ENDED;
        event->ended.step = ref_of(&run->ref);
        event->ended.outcome = process_outcome(run);
    } else if (process_lost(w, run)) {
        event->type = WORKER_STEP_LOST;
        event->lost.step = ref_of(&run->ref);
        event->lost.begun = run->begun;
        event->lost.log_tail = "";
    } else {
        return; /* it goes on */
    }
    worker_step(s->core, event, &s->out);
}

static void feed(struct world *w, uint32_t worker, struct sim_worker *s,
                 const struct sim_input *input)
{
    struct worker_event event = { .type = WORKER_TICK };
    worker_event_begin(w, worker, &event);
    switch (input->kind) {
    case INPUT_TICK: worker_step(s->core, &event, &s->out); break;
    case INPUT_PACKET:
        event.type = WORKER_MESSAGE;
        event.message = &input->packet->message;
        worker_step(s->core, &event, &s->out);
        break;
    case INPUT_CONNECTED:
        event.type = WORKER_CONNECTED;
        worker_step(s->core, &event, &s->out);
        break;
    case INPUT_STEP: feed_step(w, s, input->run, &event); break;
    case INPUT_FLEET:
    case INPUT_REQUEST:
    case INPUT_APPROVAL:
    case INPUT_ANSWER:
    case INPUT_SOURCE: break; /* the coordinator's */
    }
}

/* ---- actions ---- */

static void commit(struct world *w, uint32_t worker, const struct worker_actions *out)
{
    struct disk *disk = &w->nodes[worker].disk;
    for (size_t i = 0; i < out->count; i++) {
        const struct worker_action *a = &out->at[i];
        if (a->type == WORKER_DELETE) disk_delete(disk, a->delete_key);
        if (a->type != WORKER_PUT) continue;
        char key[RECORD_KEY_SIZE];
        struct disk_entry *entry = disk_slot(disk, &a->put, key);
        check_worker_put(w, worker, entry ? &entry->record : NULL, &a->put);
        disk_put(disk, key, entry, &a->put);
    }
}

static void perform_step(struct world *w, uint32_t worker, const struct worker_action *a)
{
    const struct sim_step step =
        step_of(a->type == WORKER_LEASE_ACTION ? &a->lease.ref : &a->step.ref);
    if (a->type == WORKER_STEP_START_ACTION) process_start(w, worker, &step, &a->step.spec);
    if (a->type == WORKER_STEP_ADOPT_ACTION) process_adopt(w, worker, &step);
    if (a->type == WORKER_STEP_CANCEL_ACTION) process_cancel(w, worker, &step);
    if (a->type == WORKER_LEASE_ACTION) process_lease(w, worker, &step, a->lease.until_boot_ms);
}

static void perform(struct world *w, uint32_t worker, const struct worker_action *a)
{
    struct sim_node *n = &w->nodes[worker];
    switch (a->type) {
    case WORKER_PUT:
    case WORKER_DELETE: break;
    case WORKER_SEND:
        check_worker_send(w, worker, &a->send);
        if (n->session) net_send(w, worker, false, n->session, &a->send);
        break;
    case WORKER_STEP_START_ACTION:
    case WORKER_STEP_ADOPT_ACTION:
    case WORKER_STEP_CANCEL_ACTION:
    case WORKER_LEASE_ACTION: perform_step(w, worker, a); break;
    case WORKER_FORGET_ACTION: process_forget(w, worker, &a->forget.job, a->forget.attempt); break;
    case WORKER_NOTE: world_trace(w, "%s: %s", n->name, a->note.text); break;
    }
}

/* Asks for the next tick; a deadline that stays in the past is a busy loop. */
static void schedule(struct world *w, uint32_t worker, struct sim_worker *s)
{
    struct sim_node *n = &w->nodes[worker];
    uint64_t deadline = worker_deadline(s->core);
    if (deadline == UINT64_MAX) return;
    uint64_t at = node_true(n, deadline);
    n->spins = at <= w->now ? n->spins + 1 : 0;
    if (n->spins > 100) world_fail(w, "SPIN", "%s asks for turn after turn", n->name);
    if (at < w->now) at = w->now;
    if (at >= n->tick_at) return;
    n->tick_at = at;
    world_at(w, at - w->now, EV_TICK, worker, NULL, n->life);
}

void sim_worker_turn(struct world *w, uint32_t worker)
{
    struct sim_node *n = &w->nodes[worker];
    struct sim_worker *s = n->core;
    size_t inputs = n->input_count;
    for (size_t i = 0; i < inputs; i++) feed(w, worker, s, &n->inputs[i]);
    for (size_t i = 0; i < inputs; i++)
        if (n->inputs[i].packet) net_free(w, n->inputs[i].packet);
    n->input_count = 0;
    size_t performed = s->out.count;
    enum sim_break broken = faults_break(w, s->out.count, &performed);
    if (broken == BREAK_NONE || broken == BREAK_ACTIONS) {
        commit(w, worker, &s->out);
        for (size_t i = 0; i < performed && !w->finding[0]; i++) perform(w, worker, &s->out.at[i]);
    }
    worker_actions_clear(&s->out);
    if (broken != BREAK_NONE) {
        node_stop(w, worker);
        world_at(w, 1 + world_below(w, w->options.down_ms), EV_START, worker, NULL, n->life);
        return;
    }
    schedule(w, worker, s);
}
