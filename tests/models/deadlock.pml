/* SPDX-License-Identifier: MIT */

/*
 * A deadlock of several threads: wf_loops_rest() and wf_loops_rise() of src/core/loops/loops.c, and where
 * src/core/loop/loop.c (loop_wait) calls them.  Three loops without timers or operations send each other
 * three messages in all, to whomever and whenever they like, and only while they run.
 *
 * Holds (F06): a deadlock is told only when every loop rests and no message lies anywhere; and when
 * that is so it is told.
 *
 * Memory order: a step here is one atomic operation or one load of loops.c and posts.c.
 *
 * BUG == 1: the last to rest does not look for messages.
 * BUG == 2: it does not look at the word again.
 * BUG == 3: the word does not count how often a loop has risen.
 * BUG == 4: only the first to rest looks.
 */
#ifndef BUG
#define BUG 0
#endif

#define LOOPS 3

/* posts->inbound: NULL is neither, ASLEEP is is_asleep, a message is inbox > 0. */
byte inbox[LOOPS];
bool is_asleep[LOOPS];

byte resting, risen; /* loops->rests, changed and read in one step */
bool rests[LOOPS];   /* for the assertion only: has rested, has not risen */
byte sends = 3;
bool is_told;

/* posts_push(); the wake-up is that the mark is gone. */
inline send_some()
{
    do
    :: atomic {
        sends > 0 ->
        sends--;
        select (other : 0 .. LOOPS - 2);
        other = (self + 1 + other) % LOOPS;
        inbox[other]++;
        is_asleep[other] = false
    }
    :: break
    od
}

inline check_all()
{
    byte k;
    for (k : 0 .. LOOPS - 1) {
        assert(rests[k] && inbox[k] == 0)
    }
}

inline look()
{
    all_asleep = true;
#if BUG != 1
    for (i : 0 .. LOOPS - 1) { /* wf_posts_is_asleep */
        if
        :: !is_asleep[i] -> all_asleep = false; break
        :: else
        fi
    }
#endif
    atomic {
        if
#if BUG == 2
        :: all_asleep ->
#else
        :: all_asleep && resting == LOOPS && risen == seen ->
#endif
            check_all();
            is_told = true
        :: else
        fi
    }
}

proctype loop(byte self)
{
    byte other, i, seen;
    bool all_asleep, is_last;
    do
    :: send_some(); /* tasks run */
        if /* wf_posts_sleep */
        :: atomic { inbox[self] == 0 -> is_asleep[self] = true };
            atomic { /* wf_loops_rest */
                resting++;
                rests[self] = true;
                seen = risen;
#if BUG == 4
                is_last = (resting == 1)
#else
                is_last = (resting == LOOPS)
#endif
            }
            if
            :: is_last -> look()
            :: else
            fi;
end_poll:   !is_asleep[self]; /* the back end's poll */
            atomic { /* wf_loops_rise */
                resting--;
#if BUG != 3
                risen++;
#endif
                rests[self] = false
            }
        :: inbox[self] != 0
        fi;
        inbox[self] = 0 /* wf_posts_run */
    od
}

init {
    atomic {
        run loop(0);
        run loop(1);
        run loop(2)
    }
}

ltl it_is_told { <> is_told }
