/* SPDX-License-Identifier: MIT */

/*
 * The end of a run with tasks and blocking work: src/core/loop/run.c (run_loop), src/core/exec/exec_batch.c,
 * src/core/exec/pool.c and the message that tells the loop.  Two detached tasks wait for a body each on
 * a pool of at most two threads; the main task waits for them, or ends when it likes.
 *
 * Holds (K03, K04, B01): the run ends; every body that began was waited for, every body that did
 * not was withdrawn; no thread touches a job after its task has gone on, the pool after it is
 * freed, or the loop after it is gone; every thread is joined once.
 *
 * BUG == 1: a cancelled wait for a running body ends at once.
 * BUG == 2: the pool is freed without waiting for its threads.
 * BUG == 3: a thread touches its job after it has posted it.
 * BUG == 4: an ended thread is joined by nobody.
 * BUG == 5: a thread that was idle too long ends without another look at the queue.
 */
#ifndef BUG
#define BUG 0
#endif

#define TASKS 2
#define THREADS 2
#define NOBODY 255

mtype = { UNBORN, WAITING, WOKEN, GONE };            /* a task */
mtype = { UNUSED, QUEUED, TAKEN, POSTED, WITHDRAWN }; /* its job, on its stack */

mtype task[TASKS];
mtype job[TASKS];
byte ran[TASKS];      /* how often the body ran */
byte live;            /* sched->detached.live */

/* The pool.  `lock` is modelled by atomic steps; what a thread does outside it are steps alone. */
chan queue = [TASKS] of { byte };
byte thread_count, idle_count, started, joined;
byte waiting, signals; /* threads in pthread_cond_timedwait, and those of them to be woken */
byte timeouts = 2;     /* idle ends that come by themselves */
byte ended = NOBODY;   /* pool->ended: the last that ended, not yet joined */
bool has_ended[THREADS];
bool must_stop, pool_is_gone, loop_is_gone;

chan messages = [TASKS] of { byte }; /* weft_post_msg: job->msg */

/* pool_join(): waits for the thread itself, not only for its word. */
inline pool_join(which)
{
    if
    :: which != NOBODY ->
        has_ended[which];
        joined++
    :: else
    fi
}

/* pool_next(), with the lock held but for the wait in the middle; leaves the thread's loop to end. */
inline pool_next(has_timed_out)
{
    has_timed_out = false;
    do
    :: atomic {
        assert(!pool_is_gone);
        if
#if BUG == 5
        :: has_timed_out -> goto ends
        :: nempty(queue) && !has_timed_out -> queue ? mine; job[mine] = TAKEN; break
#else
        :: nempty(queue) -> queue ? mine; job[mine] = TAKEN; break
#endif
        :: empty(queue) && (must_stop || has_timed_out) -> goto ends
        :: empty(queue) && !must_stop && !has_timed_out -> idle_count++; waiting++
        fi
    }
        if
        :: atomic { signals > 0 -> signals--; waiting-- }
        :: atomic { timeouts > 0 && signals < waiting -> timeouts--; waiting--; has_timed_out = true }
        fi;
        atomic { /* it has the lock again */
            idle_count--
        }
    od
}

/* pool_thread_main() */
proctype thread(byte self)
{
    byte mine, before;
    bool timed_out;
    do
    :: pool_next(timed_out);
        assert(task[mine] == WAITING); /* wf_exec_job_run: the job is on the task's stack */
        ran[mine]++;
        assert(task[mine] == WAITING && !loop_is_gone);
        atomic {
            job[mine] = POSTED;
            messages ! mine /* job_on_pool: weft_post_msg is the last touch */
        }
#if BUG == 3
        assert(task[mine] == WAITING)
#endif
    od;
ends:
    atomic { /* pool_thread_end, with the lock held */
        assert(!pool_is_gone);
        before = ended;
        ended = self;
        thread_count--
    }
#if BUG != 4
    pool_join(before); /* the pool may be gone from here on */
#endif
    has_ended[self] = true
}

bool wants_thread;

/* wf_pool_submit(), from the loop's thread */
inline pool_submit(which)
{
    atomic {
        job[which] = QUEUED;
        queue ! which;
        if
        :: signals < waiting -> signals++ /* pthread_cond_signal */
        :: else
        fi;
        wants_thread = (len(queue) > idle_count && thread_count < THREADS)
    }
    if
    :: wants_thread -> /* pool_start_thread */
        atomic {
            thread_count++;
            started++
        }
        run thread(started - 1)
    :: else
    fi
}

byte told;

/* A turn of the loop: job_finished() for each message; the task that was woken runs and ends. */
inline turn()
{
    messages ? told;
    if
    :: task[told] == WAITING -> task[told] = WOKEN
    :: else -> assert(false) /* it has gone on: the job was on its stack */
    fi;
    task[told] = GONE;
    live--
}

/* batch_cancel(): withdraws what has not begun; waits for what has. */
inline cancel(which)
{
    atomic {
        if
        :: task[which] == WAITING && job[which] == QUEUED ->
            queue ?? eval(which); /* wf_pool_withdraw, with the lock held */
            job[which] = WITHDRAWN;
            task[which] = GONE;
            live--
#if BUG == 1
        :: task[which] == WAITING && job[which] == TAKEN ->
            task[which] = GONE;
            live--
#endif
        :: else
        fi
    }
}

active proctype loop()
{
    byte i;
    bool main_waits; /* for the two; else it ends at any time */

    for (i : 0 .. TASKS - 1) { /* weft_detach, weft_run_blocking */
        live++;
        task[i] = WAITING;
        pool_submit(i)
    }

    if
    :: main_waits = true
    :: main_waits = false
    fi;
    do /* run_turns(main_live) */
    :: nempty(messages) -> turn()
    :: !main_waits || live == 0 -> break /* the main task has ended */
    od;

    for (i : 0 .. TASKS - 1) { /* run_end_detached: wf_node_cancel(&sched->top) */
        cancel(i)
    }
    do
    :: live == 0 -> break
    :: nempty(messages) -> turn()
    od;

    atomic { /* wf_exec_fini, wf_pool_free */
        assert(empty(queue));
        must_stop = true;
        signals = waiting /* pthread_cond_broadcast */
    }
#if BUG != 2
    thread_count == 0; /* pthread_cond_wait(&pool->all_ended) */
#endif
    pool_join(ended);
    pool_is_gone = true;

    assert(empty(messages)); /* run_drain, weft_loop_free */
    loop_is_gone = true;
    assert(joined == started);
    for (i : 0 .. TASKS - 1) {
        assert(ran[i] == (job[i] == WITHDRAWN -> 0 : 1))
    }
}

ltl the_run_ends { <> loop_is_gone }
