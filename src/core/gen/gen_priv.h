/* SPDX-License-Identifier: MIT */

/* A generator's record, for those who show what a task is doing. */
#ifndef WF_GEN_PRIV_H
#define WF_GEN_PRIV_H

#include <weft/gen.h>

#include "core/task/sched_priv.h"

enum wf_gen_state {
    WF_GEN_FRESH,    /* never started; its stack is reserved, not taken */
    WF_GEN_OPEN,     /* suspended in a yield, or running */
    WF_GEN_OPEN_CXX, /* the same, and each pass exchanges `exceptions` */
    WF_GEN_DONE,     /* its body has returned; it has no stack */
};

struct weft_gen {
    wf_fiber fiber;        /* the body, while it is suspended */
    wf_fiber caller;       /* the consumer, while the body runs */
    wf_task *task;         /* whose step is in progress, or NULL */
    weft_gen *outer;       /* the generator whose body made the step */
    struct wf_node *scope; /* the consumer's innermost open one */
    void *out;             /* where the consumer wants the value */
    size_t out_bytes;
    struct wf_sched *sched;
    uint8_t state;    /* enum wf_gen_state */
    bool is_closing;  /* the body has been told */
    bool is_mismatch; /* yield and next do not agree on the size */
    bool is_orphan;   /* its owner, a task, has ended, and closes it */
    bool is_given;    /* to its owner, by weft_gen_give(): that it is open is no news */
    int result;       /* of the body */
    struct wf_exceptions exceptions; /* being handled by the side that does not run */

    struct wf_body *body; /* and its stack; nothing but that is used of it */
    weft_gen_fn *fn;
    void *arg;
    const char *site;       /* "name at file:line" of the open */
    weft_gen *next, **link; /* in the owner's list: a task's or a generator's */
    weft_gen *gens;         /* opened by its body, or given to it, and still open */
    _Alignas(16) unsigned char copy[];
};

/* One whose argument is `bytes` zeroed bytes behind the record, aligned to 16. */
weft_gen *wf_gen_open_room(weft_gen_fn *fn, size_t bytes, const char *site, void **out_room);

/* The same, and the sources are its own from now on; closed at once if it cannot be opened. */
weft_gen *wf_gen_open_over(weft_gen_fn *fn, size_t bytes, weft_gen *const sources[], size_t count,
                           void **out_room, const char *site);

#endif
