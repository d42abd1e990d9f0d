/* SPDX-License-Identifier: MIT */

/* How much stack a body needs: its stack is painted before and looked at afterwards. */
#ifndef WF_TESTS_STACK_USE_H
#define WF_TESTS_STACK_USE_H

#include <weft.h>

#define STACK_USE_BYTES ((size_t)512 * 1024)
#define STACK_USE_PAINT 0xa5
#define STACK_USUAL_BYTES ((size_t)64 * 1024) /* of a task */

struct stack_use {
    weft_fn *fn;
    void *arg;
    size_t used;
};

#define STACK_USE_BELOW (STACK_USE_BYTES - (size_t)32 * 1024)

/* The same bytes in each function that calls it: the frame of the body comes to lie there between.
 */
#define STACK_USE_ARRAY(name)                                                                      \
    unsigned char name##_room[STACK_USE_BELOW], *name = name##_room;                               \
    __asm__ volatile("" : "+r"(name) : : "memory") /* the compiler is not to know what is there */

__attribute__((noinline)) static void stack_use_paint(void)
{
    STACK_USE_ARRAY(below);
    memset(below, STACK_USE_PAINT, STACK_USE_BELOW);
    __asm__ volatile("" : : "r"(below) : "memory");
}

__attribute__((noinline)) static size_t stack_use_look(void)
{
    STACK_USE_ARRAY(below);
    size_t clean = 0;
    while (clean < STACK_USE_BELOW && below[clean] == STACK_USE_PAINT)
        clean++;
    return STACK_USE_BELOW - clean;
}

static int stack_use_body(void *arg)
{
    struct stack_use *self = arg;
    stack_use_paint();
    int rc = self->fn(self->arg);
    self->used = stack_use_look();
    return rc;
}

/* Runs the body in a task of its own; bytes.  Sanitizers make it more. */
static size_t stack_use(weft_fn *fn, void *arg)
{
    struct stack_use self = {.fn = fn, .arg = arg};
    int rc = weft_await(weft_spawn_stack(stack_use_body, &self, STACK_USE_BYTES));
    return rc < 0 ? 0 : self.used;
}

#endif
