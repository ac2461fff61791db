/* sandbox.h - what is left to a process that reads a bundle of unknown origin.
 *
 * sandbox_enter() is for a hand (io/crew.h) that ends afterwards; nothing can be taken back. From
 * then on the process
 *  - makes, changes and removes files below `folder` only (landlock), and reads besides only /etc
 *    and /usr, where the names of accounts, character sets and time zones are;
 *  - has no system calls but those for files and memory (seccomp): no socket, no program, no other
 *    process, no mount;
 *  - has no capability but CAP_CHOWN and CAP_FOWNER, no way to new ones, no core file, and bounds
 *    on memory, open files and the size of a file.
 *
 * Why it keeps its user id: a tar gives its files back their owners when root unpacks it (shared
 * design, worker.md section 2), which takes CAP_CHOWN, and the unpacked revision belongs to root.
 * Another user with that capability could do all the same, and root without the others and with
 * landlock can no more. Names of accounts that come from a daemon (sssd, nscd) are not found, for
 * lack of sockets: such owners are restored by number.
 *
 * Where the kernel has no landlock of its second version (5.19) or this architecture's calls are
 * not listed, *lacks says so, one line for the log; everything else holds.
 * Errors: ERR_RETRY when what the kernel has cannot be set up.
 */
#pragma once
#include "base/error.h"

NODISCARD bool sandbox_enter(const char *folder, const char **lacks, struct error *err);
