/* SPDX-License-Identifier: MIT */

/*
 * The life of an operation: src/core/backend/ops.c and src/core/backend/uring.c against a kernel
 * that answers when it likes.  One record, used again and again; each use is started, perhaps
 * cancelled, and completed.  Operations may come with several completions, of which the last is
 * final.
 *
 * Holds: each use is told of its end once (I02, I03); the buffer is nobody else's while the kernel
 * may write to it; -ECANCELED is told to nobody who was not cancelled; a completed operation is not
 * told as cancelled; a descriptor that is closed while an operation waits for it (I05) gets its
 * number back only when nothing is under way on it.
 *
 * BUG == 1: tokens carry no generation: a cancel that is late meets the next use of the record.
 * BUG == 2: a cancelled operation's record is given back at once.
 * BUG == 3: the descriptor is closed without waiting for the operation.
 */
#ifndef BUG
#define BUG 0
#endif

#define USES 3

mtype = { FREE, PENDING, CANCELLING };   /* enum of op->state */
mtype = { MORE, DONE, CANCELED };        /* what a completion says */

mtype state = FREE;
byte generation = 1;
byte use;                /* which use of the record this is, from 1 */
bool cancel_was_asked;   /* of this use */
byte ends[USES + 1];     /* completions that were final, of each use */

bool buffer_is_kernels;
bool fd_is_open = true, fd_is_closing;

#if BUG == 1
#define TOKEN 1
#else
#define TOKEN generation /* wf_op_token */
#endif

chan submissions = [2] of { byte, byte };       /* token, use */
chan cancels = [USES] of { byte };              /* token: IORING_OP_ASYNC_CANCEL */
chan completions = [4] of { byte, byte, mtype } /* token, use (to check only), what */

/* The kernel: one operation under way at most, as there is one record. */
active proctype kernel()
{
    byte token, which, wanted;
    bool is_under_way;
end:
    do
    :: !is_under_way && submissions ? [_, _] ->
        atomic {
            submissions ? token, which;
            is_under_way = true;
            assert(fd_is_open)
        }
    :: is_under_way -> /* it has happened, wholly */
        atomic {
            completions ! token, which, DONE;
            is_under_way = false
        }
    :: is_under_way && len(completions) < 2 -> /* WEFT_OP_..._MANY: one of several */
        completions ! token, which, MORE
    :: cancels ? wanted ->
        atomic {
            if
            :: is_under_way && wanted == token ->
                completions ! token, which, CANCELED;
                is_under_way = false
            :: else /* -ENOENT, told to TOKEN_NOBODY */
            fi
        }
    od
}

/* op_free() */
inline op_free()
{
    generation++;
    state = FREE
}

/* fd_finish_close(): the number may be another descriptor's from here on. */
inline fd_finish_close()
{
    fd_is_open = false;
    assert(!buffer_is_kernels)
}

/* weft_op_start(): op_new, submit */
inline op_start()
{
    assert(state == FREE);
    assert(!buffer_is_kernels); /* the caller uses its buffer again once the last use was told */
    use++;
    cancel_was_asked = false;
    buffer_is_kernels = true;
    state = PENDING;
    submissions ! TOKEN, use
}

/* weft_op_cancel(), uring_cancel() */
inline op_cancel()
{
    if
    :: state == PENDING ->
        state = CANCELLING;
        cancel_was_asked = true;
        cancels ! TOKEN;
#if BUG == 2
        ends[use]++;
        op_free()
#endif
    :: else
    fi
}

byte token, which;
mtype what;

/* uring's look at a completion: wf_op_of_token(), wf_op_complete() */
inline op_complete()
{
    if
    :: what != MORE -> buffer_is_kernels = false /* the kernel's own promise */
    :: else
    fi;
    if
    :: state != FREE && token == TOKEN ->
        assert(which == use);
        assert(what != CANCELED || cancel_was_asked);
        if
        :: what != MORE ->
            ends[use]++;
            op_free();
            if
            :: fd_is_closing -> fd_finish_close()
            :: else
            fi
        :: else
        fi
    :: else /* the look at the generation is a second belt: nothing stale ever arrives */
        assert(false)
    fi
}

active proctype loop()
{
    do
    :: state == FREE && use < USES && fd_is_open && !fd_is_closing -> op_start()
    :: state == PENDING -> op_cancel()
    :: completions ? token, which, what -> op_complete()
    :: use == USES && state == PENDING && !fd_is_closing -> /* weft_fd_close(): fd_cancel_all */
        fd_is_closing = true;
        op_cancel();
#if BUG == 3
        fd_finish_close()
#endif
    :: use == USES && state == FREE -> break
    od;
    byte i;
    for (i : 1 .. USES) {
        assert(ends[i] == 1)
    }
    assert(empty(completions))
}
