/* SPDX-License-Identifier: Apache-2.0 */
/* The progress line: redrawn in place at most five times a second, on a terminal only.  The
 * rate is that of the stage so far, and what is left follows from it. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cmd.h"
#include "frozen.h"
#include "text.h"

#define REDRAW_NS 200000000
#define SECOND_NS 1000000000

static int64_t
now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * SECOND_NS + t.tv_nsec;
}

void
cmd_meter_clear(struct cmd *c)
{
    if (c->meter.drawn)
        (void)fputs("\r\033[K", stderr);
    c->meter.drawn = false;
}

static void
draw(struct cmd *c, const struct job_progress *p, int64_t now)
{
    char done[TEXT_SIZE_MAX], total[TEXT_SIZE_MAX], fresh[TEXT_SIZE_MAX], rate[TEXT_SIZE_MAX];
    uint64_t ms = (uint64_t)(now - c->meter.began_ns) / 1000000;
    uint64_t per_s = ms < 500 ? 0 : (uint64_t)((double)p->done * 1000.0 / (double)ms);

    (void)text_size(done, p->done);
    (void)text_size(total, p->total);
    (void)text_size(fresh, p->fresh);
    (void)text_size(rate, per_s);
    cmd_meter_clear(c);
    (void)fprintf(stderr, "%s  %s", c->meter.stage, done);
    if (p->total > 0)
        (void)fprintf(stderr, " of %s (%" PRIu64 " %%)", total,
            (uint64_t)((double)p->done * 100.0 / (double)p->total));
    if (per_s > 0)
        (void)fprintf(stderr, "  %s/s", rate);
    if (p->fresh > 0)
        (void)fprintf(stderr, "  new %s", fresh);
    if (per_s > 0 && p->total > p->done) {
        uint64_t left = (p->total - p->done) / per_s + 1;

        (void)fprintf(stderr, "  %" PRIu64 ":%02" PRIu64 " left", left / 60, left % 60);
    }
    (void)fflush(stderr);
    c->meter.drawn = true;
    c->meter.drawn_ns = now;
}

void
cmd_progress(void *arg, const struct job_progress *p)
{
    frozen_forbids();
    struct cmd *c = arg;
    struct cmd_meter *m = &c->meter;
    const char *stage = p->stage == NULL ? "working" : p->stage;
    int64_t now;
    size_t n = 0;

    if (!m->shown)
        return;
    now = now_ns();
    if (m->began_ns == 0 || strncmp(m->stage, stage, strlen(m->stage)) != 0) {
        for (; stage[n] != '\0' && n + 1 < sizeof(m->stage); n++)
            m->stage[n] = stage[n] >= ' ' && stage[n] <= '~' ? stage[n] : '?';
        m->stage[n] = '\0';
        m->began_ns = m->drawn_ns = now;
    }
    if (now - m->drawn_ns < REDRAW_NS)
        return;
    flockfile(stderr); /* see cmd_warn */
    draw(c, p, now);
    funlockfile(stderr);
}
