#include "io/proc.h"

#include "base/number.h"
#include "io/fs.h"

#include <stdio.h>
#include <string.h>

enum { STAT_MAX = 4096, BOOT_ID_MAX = 64, START_TIME_FIELD = 22 };

static bool boot_id_valid(struct bytes text)
{
    if (text.len != PROC_BOOT_ID_SIZE - 1) return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (dash ? c != '-' : !hex) return false;
    }
    return true;
}

bool proc_boot_id(char out[PROC_BOOT_ID_SIZE], struct error *err)
{
    AUTO(buf_deinit) struct buf text = { .max = BOOT_ID_MAX };
    if (!fs_read_file("/proc/sys/kernel/random/boot_id", &text, err)) return false;
    struct bytes id = buf_bytes(&text);
    if (id.len > 0 && id.data[id.len - 1] == '\n') id.len--;
    if (!boot_id_valid(id)) return error_set(err, ERR_FATAL, "the kernel's boot id is no UUID");
    memcpy(out, id.data, id.len);
    out[id.len] = '\0';
    return true;
}

bool proc_stat_parse(struct bytes stat, uint64_t *start_time, struct error *err)
{
    size_t at = stat.len;
    while (at > 0 && stat.data[at - 1] != ')') at--;
    /* stat.data[at] is the space before field 3. */
    for (unsigned field = 3; at > 0 && at < stat.len && stat.data[at] == ' '; field++) {
        size_t end = ++at;
        while (end < stat.len && stat.data[end] != ' ' && stat.data[end] != '\n') end++;
        if (field == START_TIME_FIELD) {
            if (number_parse_bytes(bytes_of(stat.data + at, end - at), UINT64_MAX, start_time))
                return true;
            break;
        }
        at = end;
    }
    return error_set(err, ERR_CORRUPT, "no start time in the process's stat line");
}

bool proc_start_time(pid_t pid, uint64_t *out, struct error *err)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    AUTO(buf_deinit) struct buf text = { .max = STAT_MAX };
    if (!fs_read_file(path, &text, err)) {
        /* ESRCH: the process went between open and read. */
        if (err->code == ERR_RETRY) err->code = ERR_NOT_FOUND;
        return false;
    }
    if (text.len == 0) return error_set(err, ERR_NOT_FOUND, "process %ld has ended", (long)pid);
    return proc_stat_parse(buf_bytes(&text), out, err);
}

bool proc_identify(pid_t pid, struct proc_identity *out, struct error *err)
{
    struct proc_identity id = { .pid = pid };
    if (!proc_start_time(pid, &id.start_time, err)) return false;
    if (!proc_boot_id(id.boot_id, err)) return false;
    *out = id;
    return true;
}

void proc_identity_format(const struct proc_identity *id, char out[PROC_LINE_SIZE])
{
    snprintf(out, PROC_LINE_SIZE, "%ld %llu %s\n", (long)id->pid,
             (unsigned long long)id->start_time, id->boot_id);
}

/* The bytes up to the next `end`, which is skipped; false when there is none. */
static bool take_word(struct bytes *rest, char end, struct bytes *word)
{
    const uint8_t *at = rest->len ? memchr(rest->data, end, rest->len) : NULL;
    if (!at) return false;
    *word = bytes_of(rest->data, (size_t)(at - rest->data));
    *rest = bytes_of(at + 1, rest->len - word->len - 1);
    return true;
}

bool proc_identity_parse(struct bytes line, struct proc_identity *out, struct error *err)
{
    struct bytes pid, start, boot;
    uint64_t number;
    struct proc_identity id = { 0 };
    bool ok = take_word(&line, ' ', &pid) && take_word(&line, ' ', &start) &&
              take_word(&line, '\n', &boot) && line.len == 0;
    ok = ok && number_parse_bytes(pid, INT32_MAX, &number) && number > 0;
    ok = ok && number_parse_bytes(start, UINT64_MAX, &id.start_time) && boot_id_valid(boot);
    if (!ok) return error_set(err, ERR_CORRUPT, "not a process identity line");
    id.pid = (pid_t)number;
    memcpy(id.boot_id, boot.data, boot.len);
    *out = id;
    return true;
}
