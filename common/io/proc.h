/* proc.h - who a process is, beyond a number that the kernel uses again.
 *
 * A process is named for ever by its pid, its start time (clock ticks since boot, field 22 of
 * /proc/PID/stat) and the host's boot id. The text form is one line, "pid start-time boot-id\n": a
 * step writes it into its claim file, the daemon compares it before it adopts or kills.
 */
#pragma once
#include "base/bytes.h"
#include <sys/types.h>

enum { PROC_BOOT_ID_SIZE = 37, PROC_LINE_SIZE = 96 };

struct proc_identity {
    pid_t pid;
    uint64_t start_time;             /* clock ticks since boot */
    char boot_id[PROC_BOOT_ID_SIZE]; /* UUID text */
};

NODISCARD bool proc_boot_id(char out[PROC_BOOT_ID_SIZE], struct error *err);
/* ERR_NOT_FOUND when there is no such process; zombies still count. */
NODISCARD bool proc_start_time(pid_t pid, uint64_t *out, struct error *err);
/* The three of them; of this process with pid = getpid(). */
NODISCARD bool proc_identify(pid_t pid, struct proc_identity *out, struct error *err);
/* ERR_CORRUPT unless the text is exactly one such line. */
NODISCARD bool proc_identity_parse(struct bytes line, struct proc_identity *out, struct error *err);
void proc_identity_format(const struct proc_identity *id, char out[PROC_LINE_SIZE]);
/* What proc_start_time() does with the file's text: the command name may hold ") (" and
 * newlines, so fields count from the last ')'. For tests and the fuzzer. */
NODISCARD bool proc_stat_parse(struct bytes stat, uint64_t *start_time, struct error *err);
