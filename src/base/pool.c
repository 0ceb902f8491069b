/* SPDX-License-Identifier: Apache-2.0 */
/* pool.c -- a queue, some workers, two conditions.
 *
 * Tasks are large (a megabyte or more of work), so one lock serves queue and results. */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "codes.h"
#include "pool.h"

enum { TASK_IDLE, TASK_QUEUED, TASK_DONE };

struct worker {
    struct pool *pool;
    pthread_t thread;
    unsigned number;
};

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    struct pool_task *first, **last;
    bool closing, gentle;
    unsigned nworkers, nstarted;
    struct worker worker[];
};

/* Of this thread alone, and never refused: a nice value may always rise. */
static void
give_way(void)
{
    id_t self = (id_t)gettid();

    (void)setpriority(PRIO_PROCESS, self, getpriority(PRIO_PROCESS, self) + POOL_GENTLE);
}

static void *
work(void *arg)
{
    struct worker *w = arg;
    struct pool *p = w->pool;

    if (p->gentle)
        give_way();
    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (p->first == NULL && !p->closing)
            pthread_cond_wait(&p->work, &p->lock);
        if (p->first == NULL)
            break;
        struct pool_task *t = p->first;
        p->first = t->next_;
        if (p->first == NULL)
            p->last = &p->first;
        pthread_mutex_unlock(&p->lock);
        struct err *e = t->run(t, w->number);
        pthread_mutex_lock(&p->lock);
        t->result_ = e;
        t->state_ = TASK_DONE;
        pthread_cond_broadcast(&p->done);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* Signals are for the thread that runs main. */
static int
start_worker(struct worker *w)
{
    sigset_t all, was;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &was);
    int failed = pthread_create(&w->thread, NULL, work, w);
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    return failed;
}

/* pthread_create has one number, EAGAIN, for a want of memory and for a limit on threads. */
static bool
has_room_for_stack(void)
{
    pthread_attr_t usual;
    size_t len = 0, guard = 0;

    if (pthread_attr_init(&usual) != 0)
        return false;
    (void)pthread_attr_getstacksize(&usual, &len);
    (void)pthread_attr_getguardsize(&usual, &guard);
    (void)pthread_attr_destroy(&usual);
    void *stack = mmap(NULL, len + guard, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

    return stack != MAP_FAILED && munmap(stack, len + guard) == 0;
}

static struct err *
refused(int number)
{
    if (!has_room_for_stack())
        return fail(OutOfMemory);
    return err_with_os(fail(SystemCallFailed, "pthread_create"), number);
}

static struct err *
start(unsigned workers, bool gentle, struct pool **ret)
{
    assert(workers >= 1 && workers <= POOL_WORKERS_MAX);
    auto_ptr(pool) p = calloc(1, sizeof(*p) + workers * sizeof(p->worker[0]));

    if (p == NULL)
        return fail(OutOfMemory);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->done, NULL);
    p->last = &p->first;
    p->nworkers = workers;
    p->gentle = gentle;
    for (; p->nstarted < workers; p->nstarted++) {
        struct worker *w = &p->worker[p->nstarted];

        w->pool = p;
        w->number = p->nstarted;
        int number = start_worker(w);
        if (number != 0)
            return refused(number);
    }
    *ret = take(p);
    return NULL;
}

struct err *
pool_new(unsigned workers, struct pool **ret)
{
    return start(workers, false, ret);
}

struct err *
pool_new_gentle(unsigned workers, struct pool **ret)
{
    return start(workers, true, ret);
}

unsigned
pool_workers(const struct pool *p)
{
    return p->nworkers;
}

unsigned
pool_cpus(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
        return (unsigned)CPU_COUNT(&set);
    return 1;
}

void
pool_submit(struct pool *p, struct pool_task *t)
{
    pthread_mutex_lock(&p->lock);
    t->next_ = NULL;
    t->result_ = NULL;
    t->state_ = TASK_QUEUED;
    *p->last = t;
    p->last = &t->next_;
    pthread_cond_signal(&p->work);
    pthread_mutex_unlock(&p->lock);
}

struct err *
pool_wait(struct pool *p, struct pool_task *t)
{
    pthread_mutex_lock(&p->lock);
    assert(t->state_ != TASK_IDLE);
    while (t->state_ != TASK_DONE)
        pthread_cond_wait(&p->done, &p->lock);
    struct err *e = t->result_;
    t->result_ = NULL;
    t->state_ = TASK_IDLE;
    pthread_mutex_unlock(&p->lock);
    return e;
}

bool
pool_done(struct pool *p, const struct pool_task *t)
{
    pthread_mutex_lock(&p->lock);
    bool done = t->state_ == TASK_DONE;
    pthread_mutex_unlock(&p->lock);
    return done;
}

void
pool_free(struct pool *p)
{
    if (p == NULL)
        return;
    int kept = errno;
    pthread_mutex_lock(&p->lock);
    p->closing = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->nstarted; i++)
        pthread_join(p->worker[i].thread, NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->work);
    pthread_cond_destroy(&p->done);
    free(p);
    errno = kept;
}
