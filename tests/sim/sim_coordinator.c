#include "check.h"
#include "core/coordinator.h"
#include "core/view.h"
#include "net.h"
#include "sim_nodes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct sim_coordinator {
    struct coordinator *core;
    struct coordinator_actions out;
    bool gathering; /* more events of the turn follow */
};

static const char *const regions[] = { "us-west-2", "us-east-1", "ap-southeast-2" };

/* ---- definitions ---- */

static struct pipeline_setting *settings(struct arena *arena, const char *key_a,
                                         const char *value_a, const char *key_b,
                                         const char *value_b)
{
    struct pipeline_setting *all = arena_calloc(arena, 2, sizeof *all);
    all[0] = (struct pipeline_setting){ .key = key_a, .value = value_a };
    all[1] = (struct pipeline_setting){ .key = key_b, .value = value_b };
    return all;
}

static const char *const artifacts[] = { "App" };

static void source_stage(struct arena *arena, struct pipeline_stage *stage, uint32_t pipeline)
{
    struct pipeline_action *action = arena_calloc(arena, 1, sizeof *action);
    *action = (struct pipeline_action){
        .name = "Source",
        .category = CATEGORY_SOURCE,
        .owner = OWNER_AWS,
        .provider = "S3",
        .version = "1",
        .run_order = 1,
        .configuration = settings(arena, "S3Bucket", "source-bucket", "S3ObjectKey",
                                  arena_format(arena, "app%u.zip", pipeline)),
        .configuration_count = 2,
        .outputs = artifacts,
        .output_count = 1,
        .region = "",
        .namespace = "",
    };
    *stage = (struct pipeline_stage){ .name = "Source", .actions = action, .action_count = 1 };
}

static const char *const built[] = { "Built" };

static void build_stage(struct arena *arena, struct pipeline_stage *stage, uint32_t number,
                        const struct template_stage *from)
{
    struct pipeline_action *action = arena_calloc(arena, 1, sizeof *action);
    struct pipeline_setting *project = arena_calloc(arena, 1, sizeof *project);
    *project = (struct pipeline_setting){ .key = "ProjectName", .value = "shop" };
    *action = (struct pipeline_action){
        .name = arena_format(arena, "Build%u", number),
        .category = CATEGORY_BUILD,
        .owner = OWNER_AWS,
        .provider = "CodeBuild",
        .version = "1",
        .run_order = 1,
        .configuration = project,
        .configuration_count = 1,
        .inputs = artifacts,
        .input_count = 1,
        .outputs = built,
        .output_count = 1,
        .region = regions[from->actions[0].region],
        .namespace = "",
    };
    *stage = (struct pipeline_stage){ .name = arena_format(arena, "Stage%u", number),
                                      .actions = action,
                                      .action_count = 1 };
}

static void deploy_stage(struct arena *arena, struct pipeline_stage *stage, uint32_t number,
                         const struct template_stage *from, const char *const *inputs)
{
    struct pipeline_action *actions = arena_calloc(arena, from->action_count, sizeof *actions);
    for (uint32_t a = 0; a < from->action_count; a++)
        actions[a] = (struct pipeline_action){
            .name = arena_format(arena, "Deploy%u-%u", number, a),
            .category = CATEGORY_DEPLOY,
            .owner = OWNER_AWS,
            .provider = "CodeDeploy",
            .version = "1",
            .run_order = from->actions[a].run_order,
            .configuration = settings(arena, "ApplicationName", "app", "DeploymentGroupName",
                                      arena_format(arena, "group%u", from->actions[a].group)),
            .configuration_count = 2,
            .inputs = inputs,
            .input_count = 1,
            .region = regions[from->actions[a].region],
            .namespace = "",
        };
    *stage = (struct pipeline_stage){ .name = arena_format(arena, "Stage%u", number),
                                      .actions = actions,
                                      .action_count = from->action_count };
}

static struct pipeline *pipeline_of(const struct template *t)
{
    struct pipeline *p = pipeline_new();
    struct arena *arena = &p->arena;
    p->name = arena_format(arena, "p%u", t->pipeline);
    p->version = 1;
    p->mode = (enum execution_mode)t->mode;
    struct pipeline_store *stores = arena_calloc(arena, SIM_REGIONS_MAX, sizeof *stores);
    for (uint32_t r = 0; r < SIM_REGIONS_MAX; r++)
        stores[r] = (struct pipeline_store){ .region = regions[r],
                                             .location = arena_format(arena, "store-%u", r) };
    p->stores = stores;
    p->store_count = SIM_REGIONS_MAX;
    p->stores_is_map = true;
    struct pipeline_stage *stages = arena_calloc(arena, t->stage_count + 1, sizeof *stages);
    source_stage(arena, &stages[0], t->pipeline);
    const char *const *inputs = artifacts;
    for (uint32_t s = 0; s < t->stage_count; s++) {
        if (!t->stages[s].build) {
            deploy_stage(arena, &stages[s + 1], s + 1, &t->stages[s], inputs);
            continue;
        }
        build_stage(arena, &stages[s + 1], s + 1, &t->stages[s]);
        inputs = built;
    }
    p->stages = stages;
    p->stage_count = t->stage_count + 1;
    return p;
}

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

void sim_coordinator_start(struct world *w)
{
    struct sim_node *n = &w->nodes[0];
    struct sim_coordinator *s = xcalloc(1, sizeof *s);
    coordinator_actions_init(&s->out);
    const struct coordinator_config config = { .region = regions[0],
                                               .heartbeat_ms = w->options.heartbeat_ms,
                                               .lease_ms = w->options.lease_ms,
                                               .offer_resend_ms = w->options.resend_ms,
                                               .action_timeout_ms = w->options.action_timeout_ms,
                                               .history_max = 50 };
    s->core = coordinator_new(&config);
    n->core = s;
    struct record *records = xcalloc(n->disk.count + 1, sizeof *records);
    for (size_t i = 0; i < n->disk.count; i++) {
        records[i] = n->disk.at[i]->record;
        if (records[i].kind != RECORD_DEFINITION) continue;
        size_t index = (size_t)(records[i].definition.text.data[0] - '0');
        assert(index < w->template_count);
        records[i].definition.parsed = pipeline_of(&w->templates[index]);
    }
    struct coordinator_event event;
    event_begin(w, &event, COORDINATOR_START);
    event.start.records = records;
    event.start.count = n->disk.count;
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
                                                   .region = regions[w->nodes[i].region],
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
        event.request.parsed = pipeline_of(&w->templates[op->template]);
    } else if (op->kind == REQUEST_RUN) {
        request.run = (struct run_request){ op->submission, name, "" };
        event.request.revisions = &revision;
        event.request.revision_count = 1;
    } else if (op->kind == REQUEST_TRANSITION) {
        request.transition =
            (struct transition_request){ op->submission, name, stage_names[op->stage - 1],
                                         op->enable, "sim" };
    } else {
        request.stop = (struct stop_request){ .submission = op->submission,
                                              .pipeline = name,
                                              .execution = "",
                                              .abandon = op->abandon,
                                              .reason = "sim" };
    }
    coordinator_step(s->core, &event, &s->out);
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
    case INPUT_CONNECTED:
    case INPUT_STEP: break; /* a worker's */
    }
}

/* ---- actions ---- */

static void commit(struct world *w, const struct coordinator_actions *out)
{
    struct disk *disk = &w->nodes[0].disk;
    for (size_t i = 0; i < out->count; i++) {
        const struct coordinator_action *a = &out->at[i];
        if (a->type == COORDINATOR_DELETE) disk_delete(disk, a->delete_key);
        if (a->type != COORDINATOR_PUT) continue;
        char key[RECORD_KEY_SIZE];
        struct disk_entry *entry = disk_slot(disk, &a->put, key);
        check_coordinator_put(w, entry ? &entry->record : NULL, &a->put);
        disk_put(disk, key, entry, &a->put);
    }
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
    case COORDINATOR_DELETE: break;
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
