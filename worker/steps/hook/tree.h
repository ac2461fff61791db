/* tree.h - all processes that a script has left below us, found in /proc.
 *
 * The step is a subreaper (prctl), so whatever a script starts stays among its descendants, even
 * what made its own session. Children that were there before the script (daemons that an earlier
 * script of the event has rightly left running) are kept out by tree_keep().
 */
#pragma once
#include "base/bytes.h"
#include <sys/types.h>

enum { TREE_MAX = 65536, TREE_HOLDERS_MAX = 8 };

struct tree {
    pid_t *kept;
    size_t kept_count;
};

/* Remembers our present children. */
void tree_keep(struct tree *tree);
void tree_deinit(struct tree *tree);
/* Sends the signal to every living descendant but the kept ones and theirs; returns how many there
 * were. Signal 0 only counts. */
size_t tree_signal(const struct tree *tree, int number);

struct tree_holder {
    pid_t pid;
    char name[32]; /* of its program */
};
/* Who has that pipe open, beside us. */
size_t tree_holders(ino_t pipe_inode, struct tree_holder out[TREE_HOLDERS_MAX]);
