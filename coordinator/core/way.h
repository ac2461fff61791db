/* way.h - what a copy has cost: bytes that crossed regions, bytes that did not have to, money.
 *
 * Prices are the configuration's (struct copy_price), as they are when the copy is made. A copy
 * between regions without a price has none; within one region nothing crosses.
 */
#pragma once
#include "core/model.h"

/* Fills way, note, saved and the costs of a copy that is there; ref.size and bytes are set. */
void way_settle(struct coordinator *c, const struct model_execution *e, struct copy_state *copy,
                enum copy_way way, const char *note);
/* Other bytes take its place. */
void way_clear(struct copy_state *copy);
/* A copy, whose texts are borrowed, as a later execution has it that finds it there. */
void way_carry(struct copy_state *copy);
/* Nano-dollars for so many bytes; false when the price is not known. */
bool way_price(const struct coordinator *c, const char *from, const char *to, uint64_t bytes,
               uint64_t *nano);
