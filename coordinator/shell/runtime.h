/* runtime.h - the coordinator's turn: gather, step, commit, perform.
 *
 * One thread, one loop. In a turn a bounded batch of events is taken from each source in turn
 * (workers, clients, sources, the core's deadline), the core is stepped with each, all records
 * are committed in one transaction, and only then anything is sent. When the commit fails the
 * core knows more than the disk: the process ends and starts again from the disk.
 */
#pragma once
#include "shell/settings.h"

struct runtime;

/* Opens everything: store, keys, sockets, self-test, HTTPS. `program` is this program's path. */
NODISCARD bool runtime_open(const struct settings *settings, const char *program,
                            const struct log *log, struct runtime **out, struct error *err);
/* Until SIGTERM or SIGINT (true) or an error that only a restart repairs. */
NODISCARD bool runtime_run(struct runtime *runtime, struct error *err);
void runtime_close(struct runtime *runtime); /* accepts NULL */
