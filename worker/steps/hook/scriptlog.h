/* scriptlog.h - logs/scripts.log of a deployment, in the agent's format, of bounded size.
 *
 * One line for each entry: "YYYY-MM-DD HH:MM:SS " (local time) and then "LifecycleEvent - NAME",
 * "Script - LOCATION", "[stdout]line" or "[stderr]line", bytes as the script wrote them. Whole
 * lines are written at once, so that two streams never tear each other's lines. At
 * SCRIPTLOG_FILE_MAX the file becomes scripts.log.1, of which SCRIPTLOG_FILES - 1 are kept. A full
 * disk loses log lines, never a deployment.
 *
 * The tail is for the outcome: the last whole lines of this step within the agent's 2,048 bytes,
 * without dates, control bytes and broken UTF-8 escaped; a longer single line is cut at its front.
 */
#pragma once
#include "io/fs.h"
#include "steps/build/redact.h"

enum {
    SCRIPTLOG_FILE_MAX = 64 << 20,
    SCRIPTLOG_FILES = 8,
    SCRIPTLOG_LINE_MAX = 64 << 10, /* a longer one is written in pieces */
    SCRIPTLOG_TAIL_MAX = 2047
};

struct scriptlog {
    int fd; /* -1: what is written is lost */
    char path[FS_PATH_MAX];
    uint64_t size;
    struct buf out;
    struct buf tail;
    const struct redact *redact; /* borrowed; NULL: nothing is hidden */
};

/* One stream of a script. */
struct scriptlog_stream {
    const char *prefix; /* "[stdout]" */
    struct buf line;    /* not ended yet */
};

NODISCARD bool scriptlog_open(struct scriptlog *log, const char *folder, struct error *err);
void scriptlog_close(struct scriptlog *log); /* accepts a zeroed one whose fd is -1 */
void scriptlog_entry(struct scriptlog *log, const char *format, ...) PRINTF_LIKE(2, 3);

void scriptlog_stream_init(struct scriptlog_stream *stream, const char *prefix);
void scriptlog_stream_deinit(struct scriptlog_stream *stream);
void scriptlog_output(struct scriptlog *log, struct scriptlog_stream *stream, struct bytes data);
/* Writes what the script did not end with a newline. */
void scriptlog_stream_end(struct scriptlog *log, struct scriptlog_stream *stream);

void scriptlog_tail(const struct scriptlog *log, char out[SCRIPTLOG_TAIL_MAX + 1]);
/* The tail begins with what lies in the file: the last words of a step that was lost. */
void scriptlog_recall(struct scriptlog *log);
