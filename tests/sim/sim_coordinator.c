#include "check.h"
#include "core/coordinator.h"
#include "core/view.h"
#include "net.h"
#include "sim_definition.h"
#include "sim_nodes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct sim_coordinator {
    struct coordinator *core;
    struct coordinator_actions out;
    bool gathering; /* more events of the turn follow */
};

/* ---- events ---- */

static void event_begin(struct world *w, struct coordinator_event *event,
                        enum coordinator_event_type type)
{
    memset(event, 0, sizeof *event);
    event->type = type;
    event->now_ms = node_wall(w, &w->nodes[0]);
    event->boot_ms = node_boot(w, &w->nodes[0]);
    world_entropy(w, event->entropy);
    const struct sim_coordinator *s = w->nodes[0].core;
    event->more = s->gathering;
}

static struct pipeline *parsed_template(const struct world *w, size_t index)
{
    struct pipeline *parsed = sim_pipeline(&w->templates[index]);
    parsed->meaning[0] = (uint8_t)index;
    return parsed;
}

void sim_coordinator_start(struct world *w)
{
    struct sim_node *n = &w->nodes[0];
    struct sim_coordinator *s = xcalloc(1, sizeof *s);
    coordinator_actions_init(&s->out);
    const struct coordinator_config config = { .region = sim_regions[0],
                                               .heartbeat_ms = w->options.heartbeat_ms,
                                               .lease_ms = w->options.lease_ms,
                                               .offer_resend_ms = w->options.resend_ms,
                                               .action_timeout_ms = w->options.action_timeout_ms,
                                               .history_max = 50,
                                               .delta = { .size_max = w->options.deltas ? 1000 : 0,
                                                          .percent_max = 50,
                                                          .timeout_ms = 30000 } };
    s->core = coordinator_new(&config);
    n->core = s;
    struct record *records = xcalloc(n->disk.count + 2, sizeof *records);
    size_t count = n->disk.count;
    for (size_t i = 0; i < n->disk.count; i++) {
        records[i] = n->disk.at[i]->record;
        if (records[i].kind != RECORD_DEFINITION) continue;
        size_t index = (size_t)(records[i].definition.text.data[0] - '0');
        assert(index < w->template_count);
        records[i].definition.parsed = parsed_template(w, index);
    }
    if (w->options.group_rule) {
        records[count].kind = RECORD_RESOURCE;
        records[count++].resource = (struct resource_record){ .kind = RESOURCE_GROUP,
                                                              .name = "app/group0",
                                                              .version = 1,
                                                              .updated_by = "",
                                                              .parsed = sim_group(&w->options) };
    }
    struct coordinator_event event;
    event_begin(w, &event, COORDINATOR_START);
    event.start.records = records;
    event.start.count = count;
    coordinator_step(s->core, &event, &s->out);
    free(records);
    world_input(w, 0, (struct sim_input){ .kind = INPUT_FLEET });
    sim_coordinator_turn(w);
}

void sim_coordinator_stop(struct world *w)
{
    struct sim_coordinator *s = w->nodes[0].core;
    w->nodes[0].core = NULL;
    if (!s) return;
    coordinator_free(s->core);
    coordinator_actions_deinit(&s->out);
    free(s);
}

static void feed_fleet(struct world *w, struct sim_coordinator *s)
{
    struct enrolled_worker fleet[SIM_NODES_MAX];
    size_t count = 0;
    for (uint32_t i = 1; i <= w->options.workers; i++)
        fleet[count++] = (struct enrolled_worker){ .name = w->nodes[i].name,
                                                   .region = sim_regions[w->nodes[i].region],
                                                   .builds = true };
    struct coordinator_event event;
    event_begin(w, &event, COORDINATOR_FLEET);
    event.fleet.workers = fleet;
    event.fleet.count = count;
    coordinator_step(s->core, &event, &s->out);
}

static struct revision newest(struct world *w, uint32_t pipeline)
{
    const struct sim_revision *from = &w->revisions[pipeline][w->revision_count[pipeline] - 1];
    struct revision r = {
        .action = "Source",
        .artifact = "App",
        .revision_id = from->version_id,
        .summary = "",
        .ref = { .store = "source-bucket",
                 .key = pipeline ? "app1.zip" : "app0.zip",
                 .version_id = from->version_id,
                 .etag = "",
                 .size = 1000 },
    };
    memcpy(r.ref.sha256, from->sha256, SHA256_SIZE);
    return r;
}

static void feed_source(struct world *w, struct sim_coordinator *s, uint32_t pipeline)
{
    struct revision revision = newest(w, pipeline);
    struct coordinator_event event;
    event_begin(w, &event, COORDINATOR_SOURCE);
    event.source.pipeline = pipeline ? "p1" : "p0";
    event.source.action = "Source";
    event.source.revision = &revision;
    if (coordinator_view_definition(s->core, event.source.pipeline))
        coordinator_step(s->core, &event, &s->out);
}

static const char *const stage_names[] = { "Stage1", "Stage2", "Stage3" };

static void feed_request(struct world *w, struct sim_coordinator *s, uint32_t number)
{
    const struct sim_op *op = &w->ops[number];
    char text[2] = { (char)('0' + op->template), '\0' };
    const char *name = op->pipeline ? "p1" : "p0";
    struct revision revision = newest(w, op->pipeline);
    struct request request = { .token = number, .kind = op->kind };
    struct coordinator_event event;
    event_begin(w, &event, COORDINATOR_REQUEST);
    event.request.client = "somebody";
    event.request.role = ROLE_ADMIN;
    event.request.origin = number;
    event.request.request = &request;
    event.request.failure = (struct failure){ ERR_NONE, "", "", "" };
    if (op->kind == REQUEST_APPLY) {
        request.apply = (struct apply_request){ .submission = op->submission,
                                                .file = "sim",
                                                .text = bytes_of(text, 1) };
        event.request.parsed = parsed_template(w, op->template);
    } else if (op->kind == REQUEST_RUN) {
        request.run =
            (struct run_request){ .submission = op->submission, .pipeline = name, .revision = "" };
        event.request.revisions = &revision;
        event.request.revision_count = 1;
    } else if (op->kind == REQUEST_TRANSITION) {
        request.transition =
            (struct transition_request){ op->submission, name, stage_names[op->stage - 1],
                                         op->enable, "sim" };
    } else if (op->kind == REQUEST_DRAIN) {
        request.drain =
            (struct drain_request){ op->submission, w->nodes[op->worker].name, !op->enable, "sim" };
    } else if (op->kind == REQUEST_RETRY) {
        request.retry = (struct retry_request){
            .submission = op->submission, .pipeline = name, .execution = "", .stage = ""
        };
        request.retry.mode = op->enable ? RETRY_ALL_ACTIONS : RETRY_FAILED_ACTIONS;
    } else if (op->kind == REQUEST_OVERRIDE) {
        request.override = (struct override_request){
            .submission = op->submission, .pipeline = name, .execution = "", .reason = "sim"
        };
        request.override.stage = stage_names[op->stage - 1];
        request.override.condition = op->enable ? CONDITION_BEFORE_ENTRY : CONDITION_ON_SUCCESS;
    } else if (op->kind == REQUEST_ROLLBACK) {
        request.rollback =
            (struct rollback_request){ op->submission, name, stage_names[op->stage - 1], "" };
    } else if (op->kind == REQUEST_RESUME) {
        request.resume = (struct resume_request){ .submission = op->submission,
                                                  .pipeline = "",
                                                  .execution = op->execution.text,
                                                  .action = "",
                                                  .worker = w->nodes[op->worker].name,
                                                  .verb = op->verb };
    } else {
        request.stop = (struct stop_request){ .submission = op->submission,
                                              .pipeline = name,
                                              .execution = "",
                                              .abandon = op->abandon,
                                              .reason = "sim" };
    }
    coordinator_step(s->core, &event, &s->out);
}

/* Often with the token, sometimes the wrong one, in a few cases a no. */
static void feed_approval(struct world *w, struct sim_coordinator *s, uint32_t pipeline)
{
    struct id execution;
    const struct action_state *action = client_question(w, pipeline, &execution);
    if (!action) return;
    struct request request = { .token = SIM_OPS_MAX, .kind = REQUEST_APPROVAL };
    request.approval = (struct approval_request){ .submission = id_new_uuid(&w->random),
                                                  .pipeline = "",
                                                  .execution = execution.text,
                                                  .action = action->name,
                                                  .approve = world_chance(w, 8500),
                                                  .summary = "sim" };
    if (world_chance(w, 8000)) request.approval.token = action->token;
    if (world_chance(w, 500)) request.approval.token = action->id;
    struct coordinator_event event;
    event_begin(w, &event, COORDINATOR_REQUEST);
    event.request.client = "ana";
    event.request.role = ROLE_APPROVER;
    event.request.origin = SIM_OPS_MAX;
    event.request.request = &request;
    event.request.failure = (struct failure){ ERR_NONE, "", "", "" };
    coordinator_step(s->core, &event, &s->out);
}

/* Mostly good, sometimes nobody's, now and then what the rule forbids. */
static void feed_answers(struct world *w, struct sim_coordinator *s)
{
    const struct rule_question *list = NULL;
    struct coordinator_event event;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    size_t count = coordinator_view_questions(s->core, &arena, &list);
    for (size_t i = 0; i < count; i++) {
        uint32_t lot = world_below(w, 100);
        event_begin(w, &event, COORDINATOR_ANSWER);
        event.answer.rule = list[i].rule;
        event.answer.verdict = lot < 4 ? ANSWER_BAD : lot < 15 ? ANSWER_NONE : ANSWER_GOOD;
        event.answer.text = "sim";
        coordinator_step(s->core, &event, &s->out);
    }
    arena_deinit(&arena);
}

static void feed_packet(struct world *w, struct sim_coordinator *s, const struct packet *packet)
{
    struct coordinator_event event;
    event_begin(w, &event, COORDINATOR_MESSAGE);
    event.message.worker = w->nodes[packet->worker].name;
    event.message.session = packet->session;
    event.message.message = &packet->message;
    coordinator_step(s->core, &event, &s->out);
}

static void feed(struct world *w, struct sim_coordinator *s, const struct sim_input *input)
{
    struct coordinator_event event;
    switch (input->kind) {
    case INPUT_TICK:
        event_begin(w, &event, COORDINATOR_TICK);
        coordinator_step(s->core, &event, &s->out);
        break;
    case INPUT_PACKET: feed_packet(w, s, input->packet); break;
    case INPUT_FLEET: feed_fleet(w, s); break;
    case INPUT_REQUEST: feed_request(w, s, input->number); break;
    case INPUT_SOURCE: feed_source(w, s, input->number); break;
    case INPUT_APPROVAL: feed_approval(w, s, input->number); break;
    case INPUT_ANSWER: feed_answers(w, s); break;
    case INPUT_CONNECTED:
    case INPUT_STEP: break; /* a worker's */
    }
}

/* ---- actions ---- */

static void commit(struct world *w, const struct coordinator_actions *out)
{
    struct disk *disk = &w->nodes[0].disk;
    struct sim_turn *turn = log_turn_begin(w);
    for (size_t i = 0; i < out->count; i++) {
        const struct coordinator_action *a = &out->at[i];
        if (a->type == COORDINATOR_DELETE) {
            log_turn_add(turn, a->delete_key, NULL);
            disk_delete(disk, a->delete_key);
        }
        if (a->type != COORDINATOR_PUT) continue;
        char key[RECORD_KEY_SIZE];
        struct disk_entry *entry = disk_slot(disk, &a->put, key);
        check_coordinator_put(w, entry ? &entry->record : NULL, &a->put);
        log_turn_add(turn, key, &a->put);
        disk_put(disk, key, entry, &a->put);
    }
    log_turn_end(turn);
    check_log_sometimes(w);
    for (size_t i = 0; i < out->count; i++)
        if (out->at[i].type == COORDINATOR_PUT) check_coordinator_committed(w, &out->at[i].put);
}

/* The shell encodes and signs: what the bytes say is the job at their index. */
static uint64_t sign_job(struct world *w, const struct job *job)
{
    if (w->job_count == w->job_cap) {
        w->job_cap = w->job_cap ? w->job_cap * 2 : 32;
        w->jobs = xrealloc(w->jobs, w->job_cap * sizeof *w->jobs);
    }
    struct job copy = *job;
    const struct grant none = { "", "", 0 };
    copy.read = copy.write = none;
    w->jobs[w->job_count] = disk_copy_job(&w->arena, &copy);
    return w->job_count++;
}

static uint32_t worker_number(const struct coordinator_action *a)
{
    return (uint32_t)(a->send.worker[1] - '0');
}

/* Which of the offers were assigned already. */
static const bool *assigned_before(struct world *w, const struct coordinator_actions *out)
{
    bool *before = arena_calloc(&w->arena, out->count + 1, sizeof *before);
    for (size_t i = 0; i < out->count; i++)
        if (out->at[i].type == COORDINATOR_SEND && out->at[i].send.message.type == MESSAGE_OFFER)
            before[i] = check_assigned(w, worker_number(&out->at[i]), out->at[i].send.offer_job);
    return before;
}

static void perform_send(struct world *w, const struct coordinator_action *a, bool before)
{
    uint32_t worker = worker_number(a);
    struct message m = a->send.message;
    uint64_t index;
    if (m.type == MESSAGE_CANCEL) m.cancel.cancel = a->send.cancel;
    if (m.type == MESSAGE_RESUME) m.resume.resume = a->send.resume;
    check_coordinator_send(w, worker, &m, a->send.offer_job, before);
    if (m.type == MESSAGE_OFFER) {
        index = sign_job(w, a->send.offer_job);
        m.offer.signed_job = bytes_of(&index, sizeof index);
        m.offer.job = w->jobs[index];
    }
    net_send(w, worker, true, a->send.session, &m);
}

static void perform(struct world *w, const struct coordinator_action *a, bool before)
{
    switch (a->type) {
    case COORDINATOR_PUT:
    case COORDINATOR_DELETE:
    case COORDINATOR_ERASE: break;
    case COORDINATOR_SEND: perform_send(w, a, before); break;
    case COORDINATOR_REPLY: client_answered(w, (uint32_t)a->reply.origin, &a->reply.reply); break;
    case COORDINATOR_NOTE: world_trace(w, "coordinator: %s", a->note.text); break;
    }
}

static void schedule(struct world *w, struct sim_coordinator *s)
{
    struct sim_node *n = &w->nodes[0];
    uint64_t deadline = coordinator_deadline(s->core), wall = node_wall(w, n);
    if (deadline == UINT64_MAX) return;
    uint64_t wait = deadline > wall ? deadline - wall : 0;
    n->spins = wait ? 0 : n->spins + 1;
    if (n->spins > 100) world_fail(w, "SPIN", "the coordinator asks for turn after turn");
    if (w->now + wait >= n->tick_at) return;
    n->tick_at = w->now + wait;
    world_at(w, wait, EV_TICK, 0, NULL, n->life);
}

void sim_coordinator_turn(struct world *w)
{
    struct sim_node *n = &w->nodes[0];
    struct sim_coordinator *s = n->core;
    /* Half of the worlds let the core decide once a turn, as the shell does, the others after every
     * event: both must be right. */
    s->gathering = w->seed % 2 && n->input_count > 0;
    bool gathered = s->gathering;
    for (size_t i = 0; i < n->input_count; i++) feed(w, s, &n->inputs[i]);
    s->gathering = false;
    if (gathered) feed(w, s, &(struct sim_input){ .kind = INPUT_TICK });
    for (size_t i = 0; i < n->input_count; i++)
        if (n->inputs[i].packet) net_free(w, n->inputs[i].packet);
    n->input_count = 0;
    size_t performed = s->out.count;
    enum sim_break broken = faults_break(w, s->out.count, &performed);
    if (broken == BREAK_NONE || broken == BREAK_ACTIONS) {
        const bool *before = assigned_before(w, &s->out);
        commit(w, &s->out);
        for (size_t i = 0; i < performed && !w->finding[0]; i++)
            perform(w, &s->out.at[i], before[i]);
    }
    coordinator_actions_clear(&s->out);
    if (broken != BREAK_NONE) {
        node_stop(w, 0);
        world_at(w, 1 + world_below(w, w->options.down_ms), EV_START, 0, NULL, n->life);
        return;
    }
    schedule(w, s);
}

/* ---- views ---- */

static void check_view(struct world *w, const struct execution *e,
                       const struct execution_view *view)
{
    bool same = view->execution.status == e->status && view->execution.copy_count == e->copy_count;
    for (size_t s = 0; same && s < e->stage_count; s++) {
        same = view->execution.stages[s].status == e->stages[s].status;
        for (size_t a = 0; same && a < e->stages[s].action_count; a++)
            same = view->execution.stages[s].actions[a].status == e->stages[s].actions[a].status;
    }
    for (size_t j = 0; same && j < view->job_count; j++) {
        const struct job_state *job = check_job(w, &view->jobs[j].id);
        same = job && job->status == view->jobs[j].status && job->attempt == view->jobs[j].attempt;
    }
    if (!same)
        world_fail(w, "VIEW", "execution %s is shown otherwise than it is in the journal",
                   e->id.text);
}

void sim_coordinator_check_views(struct world *w)
{
    struct sim_coordinator *s = w->nodes[0].core;
    const struct disk *disk = &w->nodes[0].disk;
    struct arena arena;
    arena_init(&arena, 64 << 20);
    for (size_t i = 0; i < disk->count; i++) {
        const struct record *r = &disk->at[i]->record;
        struct execution_view view;
        struct error err = { 0 };
        if (r->kind != RECORD_EXECUTION) continue;
        if (coordinator_view_execution(s->core, "", r->execution.id.text, &arena, &view, &err))
            check_view(w, &r->execution, &view);
        else
            world_fail(w, "VIEW", "execution %s is not shown: %s", r->execution.id.text, err.text);
    }
    const struct worker_summary *workers;
    size_t count = coordinator_view_workers(s->core, &arena, &workers);
    for (size_t i = 0; i < count; i++)
        if (!workers[i].connected)
            world_fail(w, "L2", "worker %s is not connected", workers[i].name);
    arena_deinit(&arena);
}
