/* SPDX-License-Identifier: Apache-2.0 */
/* retry.c -- one lock, held through a wait: whoever fails meanwhile queues behind it and, when
 * it comes to its turn, sees that the wait was made. */
#include <poll.h>
#include <sys/random.h>

#include "clock.h"
#include "codes.h"
#include "retry.h"
#include "stop.h"

enum { SLICE_MS = 200 }; /* how soon a request to end is seen */

void
retry_init(struct retry *r, const struct retry_options *o)
{
    *r = (struct retry){ .o = *o };
    pthread_mutex_init(&r->lock, NULL);
}

void
retry_done(struct retry *r)
{
    pthread_mutex_destroy(&r->lock);
}

static struct err *
wait_by_clock(int64_t ms)
{
    struct deadline by = deadline_in_ms(ms);

    while (!deadline_passed(by)) {
        int left = deadline_poll_ms(by);

        TRY(stop_check());
        (void)poll(NULL, 0, left < SLICE_MS ? left : SLICE_MS); /* a signal: the loop looks */
    }
    return stop_check();
}

/* The next wait.  Without chance it is the whole of it, which does no harm. */
static int64_t
next_ms(const struct retry *r)
{
    int64_t ms = RETRY_FIRST_MS;
    uint32_t chance = 0;

    for (unsigned i = 0; i < r->row && ms < RETRY_LONGEST_MS; i++)
        ms *= 2;
    if (ms > RETRY_LONGEST_MS)
        ms = RETRY_LONGEST_MS;
    if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) != (ssize_t)sizeof(chance))
        chance = 0;
    return ms - (int64_t)(chance % (uint32_t)(ms / 4));
}

/* Told once, however many threads it comes out of. */
static struct err *
give_up(struct retry *r, struct err *e)
{
    bool told = r->spent || r->waits == 0;

    r->spent = true;
    if (told)
        return e;
    errno = 0;
    return err_also(e, fail(TriesSpent, (int64_t)r->waits, r->waited_ms / 1000));
}

static struct err *
wait_once(struct retry *r, struct err *e)
{
    int64_t ms = next_ms(r);

    if (r->row >= r->o.most || r->waited_ms + ms > (int64_t)r->o.most * RETRY_LONGEST_MS)
        return give_up(r, e);
    r->row++;
    errno = 0;
    if (r->o.tell != NULL)
        r->o.tell(r->o.arg, err_because(fail(TriedAgain, err_id(e), (ms + 999) / 1000,
                                            (int64_t)r->row, (int64_t)r->o.most), e));
    else
        err_free(e);
    TRY(r->o.wait != NULL ? r->o.wait(r->o.arg, ms) : wait_by_clock(ms));
    r->waits++;
    r->waited_ms += ms;
    return NULL;
}

uint64_t
retry_seen(struct retry *r)
{
    pthread_mutex_lock(&r->lock);
    uint64_t seen = r->waits;
    pthread_mutex_unlock(&r->lock);
    return seen;
}

struct err *
retry_after(struct retry *r, uint64_t seen, struct err *e)
{
    if (err_retry(e) != RETRY_TRANSIENT || r->o.most == 0 || stop_requested())
        return e;
    pthread_mutex_lock(&r->lock);
    if (r->waits != seen) {
        err_free(e);
        e = NULL;
    } else {
        e = wait_once(r, e);
    }
    pthread_mutex_unlock(&r->lock);
    return e;
}

void
retry_worked(struct retry *r)
{
    pthread_mutex_lock(&r->lock);
    r->row = 0;
    r->spent = false;
    pthread_mutex_unlock(&r->lock);
}
