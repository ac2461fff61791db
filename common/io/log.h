/* log.h - one line for each event, to standard error.
 *
 *     log_event(&log, LOG_INFO, "job accepted", "job", id, "region", region, NULL);
 *
 * writes  time=2026-11-22T19:11:27Z level=info msg="job accepted" job=... region=...  as one
 * write(2); log_held() collects the lines of a turn for one write. Under systemd (JOURNAL_STREAM
 * names our standard error) the time is left out and the line begins with "<6>". Values are quoted
 * when they need it, control bytes and broken UTF-8 are escaped; a line longer than LOG_LINE_MAX is
 * cut. Only shells, steps, the client and main log. error = somebody must act, warning = handled,
 * info = state change, debug = the rest.
 */
#pragma once
#include "base/bytes.h"

enum { LOG_LINE_MAX = 4096 };

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

struct log {
    int fd;
    enum log_level level; /* the most talkative level that is written */
    bool journal;
    struct buf *held; /* lines that are not written yet; NULL: each is written at once */
};

void log_init(struct log *log, enum log_level level); /* to standard error */
NODISCARD bool log_level_parse(const char *text, enum log_level *out);
/* Pairs of text end with NULL; a NULL value is written as "". Keeps errno. */
void log_event(const struct log *log, enum log_level level, const char *message, ...)
    __attribute__((sentinel));
/* The same log, whose lines wait in `held` until log_flush() or until it is full. */
struct log log_held(const struct log *log, struct buf *held);
void log_flush(const struct log *log);
/* The error's text under the key "error". */
void log_failure(const struct log *log, enum log_level level, const char *message,
                 const struct error *err);
