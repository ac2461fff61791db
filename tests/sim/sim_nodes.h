/* sim_nodes.h - the two shells, as far as the cores can tell.
 *
 * A turn: every gathered input is one event of the core; then the records are committed; then the
 * other actions are performed. The process may die before the commit, after it, or between any
 * two actions; a refused commit ends it as well.
 */
#pragma once
#include "process.h"

void sim_worker_start(struct world *w, uint32_t worker);
void sim_worker_stop(struct world *w, uint32_t worker);
void sim_worker_turn(struct world *w, uint32_t worker);

void sim_coordinator_start(struct world *w);
void sim_coordinator_stop(struct world *w);
void sim_coordinator_turn(struct world *w);
/* What the core shows is what the journal says. */
void sim_coordinator_check_views(struct world *w);

/* Where a turn breaks off. */
enum sim_break { BREAK_NONE, BREAK_BEFORE_COMMIT, BREAK_REFUSED, BREAK_ACTIONS };
enum sim_break faults_break(struct world *w, size_t actions, size_t *performed);

/* client.c */
void client_plan(struct world *w);
void client_op(struct world *w, uint32_t number);     /* EV_OP */
void client_source(struct world *w, uint32_t number); /* EV_SOURCE */
/* An approval that waits, as the journal has it; NULL when none does. */
const struct action_state *client_question(const struct world *w, uint32_t pipeline,
                                           struct id *execution);
void client_poll(struct world *w, uint32_t pipeline); /* EV_POLL */
const char *client_unrest(const struct world *w);     /* NULL: everybody has what they want */
void client_answered(struct world *w, uint32_t number, const struct reply *reply);

/* faults.c */
void faults_options(struct world *w);
void faults_strike(struct world *w); /* EV_FAULT */
void faults_heal(struct world *w);   /* EV_HEAL */
