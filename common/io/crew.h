/* crew.h - one piece of work shared among a few processes, because there are no threads.
 *
 * crew_run() forks `count` hands, each of which runs work(owner, its number, err) on its copy of
 * the caller's memory and ends; what a hand finds out reaches the caller through memory of
 * crew_memory() only. The caller waits and asks `watch` ten times a second whether to go on. The
 * first failure, of a hand or of `watch`, ends the other hands and is the result. No hand outlives
 * the caller, whatever kills it. Descriptors are shared with the caller: a lock that it holds is
 * held until the last hand has ended.
 *
 * Errors: those of `work` and `watch`; ERR_RETRY when a process cannot be made or was killed.
 */
#pragma once
#include "base/error.h"
#include <stddef.h>

enum { CREW_MAX = 8 };

typedef bool crew_work_fn(void *owner, unsigned number, struct error *err);
typedef bool crew_watch_fn(void *owner, struct error *err);

/* The processors that this process may use, at most CREW_MAX. */
unsigned crew_size(void);
NODISCARD bool crew_run(unsigned count, crew_work_fn *work, crew_watch_fn *watch, void *owner,
                        struct error *err);
/* Zeroed memory that hands and caller see alike; given back with crew_memory_free(). */
void *crew_memory(size_t size);
void crew_memory_free(void *memory, size_t size);
