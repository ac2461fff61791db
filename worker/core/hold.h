/* hold.h - a deployment that is prepared waits before its files are installed (barrier).
 *
 * A job with `hold` stops before the first event that changes installed files. It tells the
 * coordinator in the words of an interruption (resume_messages.h) and goes on with RESUME_GO_ON.
 * It keeps its target meanwhile and its timeout goes on: then, or when it is cancelled, it ends
 * without having installed anything. The word is durable: it counts through restarts. Pure.
 */
#pragma once
#include "core/model.h"

bool hold_waits(const struct task *task);
/* The next step would change what is installed, and nobody has said so. */
bool hold_due(const struct task *task);
void hold_enter(struct worker *w, struct task *task, struct worker_actions *out);
void hold_release(struct task *task);
