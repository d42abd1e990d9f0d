/* SPDX-License-Identifier: MIT */

/* A service in C that asyncio_test.py drives: what it calls besides <weft/sys/embed.h>. */

#include <weft.h>
#include <weft/sys/embed.h>

#include <stdio.h>

/* What the body of the run is given; the other side has the same as a ctypes.Structure. */
struct guest {
    int fd;         /* a socket, whose other end asyncio has */
    int sleepers;   /* tasks that sleep, each a little longer */
    int slept;      /* how many have */
    int blocked;    /* a body on a thread has run */
    weft_event ask; /* set from asyncio by guest_ask() */
    int asked;
};

struct sleeper {
    struct guest *guest;
    int number;
};

static int sleep_a_little(void *arg)
{
    struct sleeper *self = arg;
    WEFT_TRY(weft_sleep(self->number * WEFT_MS));
    self->guest->slept++;
    return 0;
}

static int block(void *arg)
{
    ((struct guest *)arg)->blocked = 1;
    return 0;
}

/* Answers each line in capitals, until the other end closes. */
static int answer(void *arg)
{
    const struct guest *guest = arg;
    char line[128];
    for (ssize_t got; (got = weft_read(guest->fd, line, sizeof line)) != 0;) {
        if (got < 0)
            return (int)got;
        for (ssize_t i = 0; i < got; i++)
            line[i] = (char)(line[i] >= 'a' && line[i] <= 'z' ? line[i] - 32 : line[i]);
        ssize_t sent = weft_write_all(guest->fd, line, (size_t)got);
        if (sent < 0)
            return (int)sent;
    }
    return 0;
}

WEFT_API int guest_main(void *arg);
WEFT_API void guest_ask(struct guest *guest);

int guest_main(void *arg)
{
    struct guest *guest = arg;
    WEFT_GROUP(group);
    WEFT_TRY(weft_group_spawn(group, answer, guest));
    for (int i = 0; i < guest->sleepers; i++) {
        struct sleeper sleeper = {.guest = guest, .number = i};
        weft_release(weft_spawn_copy(sleep_a_little, sleeper));
    }
    WEFT_TRY(weft_run_blocking(block, guest));
    WEFT_TRY(weft_event_wait(&guest->ask));
    guest->asked++;
    WEFT_TRY(weft_group_wait(group));
    return guest->asked;
}

/* From a callback of asyncio. */
void guest_ask(struct guest *guest)
{
    weft_event_set(&guest->ask);
}
