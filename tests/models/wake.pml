/* SPDX-License-Identifier: MIT */

/*
 * The cross-thread wake-up: src/core/loop/posts.c, src/core/backend/eventfd.c and the turn of
 * src/core/loop/loop.c.  Two threads post two messages each; the last message ends the loop.
 *
 * Holds: every message runs once, those of one thread in order (X03); the loop never sleeps beside
 * a message (X04: that would be a deadlock here); nobody touches a loop that is gone.
 *
 * One word says all (`inbound`), and it is changed by single atomic steps only; so the interleaving
 * of these steps is all there is to check, whatever order other memory is seen in.
 *
 * BUG == 1: the loop looks, and then says that it sleeps, in two steps.
 * BUG == 2: a poster does not pin the loop that it is going to wake.
 * BUG == 3: a loop that was woken by its timer leaves the mark, and the next one finds it.
 */
#ifndef BUG
#define BUG 0
#endif

#define POSTERS 2
#define EACH 2
#define MESSAGES 4
#define NOTHING 0
#define ASLEEP 255 /* &posts_asleep */

byte inbound = NOTHING;   /* posts->inbound: NOTHING, ASLEEP, or the newest message */
byte older[MESSAGES + 1]; /* msg->priv_next */
bool is_readable;         /* the eventfd */

bool is_open = true; /* SLOT_OPEN of the registry */
byte pins;
bool is_gone; /* wf_posts_fini has returned, the loop is freed */

byte ran;              /* messages that have run */
byte ran_of[POSTERS];  /* of each thread; they run in order */

/* posts_push(); the caller says that the loop lives until its message has run. */
proctype poster(byte self)
{
    byte i, msg, before;
    bool is_done, must_unpin;

    for (i : 1 .. EACH) {
        msg = self * EACH + i;
        is_done = false;
        must_unpin = false;
        assert(!is_gone);
        before = inbound; /* atomic_load_explicit */
        do
        :: is_done -> break
        :: else ->
            if
            :: before == ASLEEP && !must_unpin && BUG != 2 -> /* posts_pin */
                atomic {
                    pins++;
                    assert(is_open);
                }
                must_unpin = true
            :: else
            fi;
            older[msg] = (before == ASLEEP -> NOTHING : before);
            atomic { /* atomic_compare_exchange_weak_explicit */
                if
                :: inbound == before -> inbound = msg; is_done = true
                :: else -> before = inbound
                fi
            }
        od;
        if
        :: before == ASLEEP -> /* posts_wake, wf_eventfd_signal */
            assert(!is_gone);
            is_readable = true
        :: else
        fi;
        if
        :: must_unpin -> pins-- /* wf_loop_unref: of a table that is always there */
        :: else
        fi
    }
}

byte newest, oldest, nxt, count, from;

/* wf_posts_run(), posts_reverse() */
inline posts_run()
{
    count = 0;
    if
    :: inbound != NOTHING && inbound != ASLEEP -> /* wf_posts_pending */
        atomic {
            newest = inbound; /* atomic_exchange_explicit */
            inbound = NOTHING
        }
        oldest = NOTHING;
        d_step {
            do
            :: newest != NOTHING ->
                nxt = older[newest];
                older[newest] = oldest;
                oldest = newest;
                newest = nxt
            :: else -> break
            od
        }
        do
        :: oldest != NOTHING ->
            nxt = older[oldest];
            from = (oldest - 1) / EACH;
            assert(oldest == from * EACH + ran_of[from] + 1); /* each once, and in order */
            ran_of[from]++;
            ran++;
            count++;
            oldest = nxt
        :: else -> break
        od
    :: else
    fi
}

bool sleeps;

/* wf_posts_sleep() */
inline posts_sleep()
{
#if BUG == 1
    sleeps = (inbound == NOTHING);
    if
    :: sleeps -> inbound = ASLEEP
    :: else
    fi
#else
    atomic {
        sleeps = (inbound == NOTHING || inbound == ASLEEP);
        if
        :: sleeps -> inbound = ASLEEP
        :: else
        fi
    }
#endif
}

/* wf_posts_awake() */
inline posts_awake()
{
#if BUG == 3
    inbound = NOTHING
#else
    atomic {
        if
        :: inbound == ASLEEP -> inbound = NOTHING
        :: else
        fi
    }
#endif
}

active proctype loop()
{
    byte timers = 2; /* sleeps that end by themselves: the rest need to be woken */

    do
    :: ran == MESSAGES -> break
    :: else -> /* weft_loop_turn */
        posts_run();
        if
        :: count != 0 -> is_readable = false /* poll(0) drains */
        :: else -> /* loop_wait */
            posts_sleep();
            if
            :: sleeps ->
                if
                :: is_readable -> is_readable = false /* poll, wf_eventfd_drain */
                :: timers > 0 -> timers--             /* a deadline */
                fi;
                posts_awake()
            :: else
            fi
        fi;
        posts_run()
    od;

    is_open = false; /* wf_registry_remove */
    pins == 0;
    posts_run();     /* wf_posts_fini: what was accepted before */
    is_gone = true
}

init
{
    run poster(0);
    run poster(1)
}

/* No loop that has work sleeps for ever; and at the end all has run. */
ltl all_messages_run { <> (ran == MESSAGES && is_gone) }
