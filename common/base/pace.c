#include "base/pace.h"

enum { CREDIT_MS = 1000 };

static uint64_t due_ms(const struct pace *p)
{
    return p->begun_ms + p->moved * 1000 / p->rate;
}

uint64_t pace_take(struct pace *p, uint64_t bytes, uint64_t now_ms)
{
    if (p->rate == 0) return 0;
    if (p->moved == 0) p->begun_ms = now_ms;
    if (now_ms > due_ms(p) + CREDIT_MS) {
        p->begun_ms = now_ms - CREDIT_MS;
        p->moved = 0;
    }
    p->moved += bytes;
    return due_ms(p) > now_ms ? due_ms(p) - now_ms : 0;
}
