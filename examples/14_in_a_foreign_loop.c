/* SPDX-License-Identifier: MIT */

/* Lesson: Weft inside somebody else's loop.  Here that is epoll by hand: it watches one descriptor
 * of ours beside its own, and lets us turn. */

#include <weft.h>
#include <weft/sys/embed.h>

#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

struct kitchen {
    int bell[2];      /* a pipe that the foreign loop watches: tasks ring it */
    weft_event ready; /* which a foreign callback sets */
};

static int cook(void *arg)
{
    struct kitchen *kitchen = arg;
    WEFT_TRY(weft_sleep(5 * WEFT_MS));
    printf("cook: the soup is done\n");
    return weft_write(kitchen->bell[1], "!", 1) == 1 ? 0 : -EIO;
}

static int dinner(void *arg)
{
    struct kitchen *kitchen = arg;
    weft_task cook_task = weft_spawn(cook, kitchen);
    WEFT_TRY(weft_event_wait(&kitchen->ready));
    printf("guest: thank you\n");
    return weft_await(cook_task);
}

/* A callback of the foreign loop. */
static void on_bell(struct kitchen *kitchen)
{
    char ring;
    if (read(kitchen->bell[0], &ring, 1) == 1)
        printf("waiter: I heard the bell\n");
    weft_event_set(&kitchen->ready);
}

static int watch(int epoll_fd, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* How long epoll_wait() may wait for us, rounded up. */
static int patience_ms(const weft_embed *embed)
{
    weft_time timeout = weft_embed_timeout(embed);
    return timeout == WEFT_FOREVER ? -1 : (int)((timeout + WEFT_MS - 1) / WEFT_MS);
}

static int foreign_loop(weft_embed *embed, struct kitchen *kitchen)
{
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0 || watch(epoll_fd, weft_embed_descriptor(embed)) < 0 ||
        watch(epoll_fd, kitchen->bell[0]) < 0)
        return -1;
    do {
        struct epoll_event event;
        if (epoll_wait(epoll_fd, &event, 1, patience_ms(embed)) == 1 &&
            event.data.fd == kitchen->bell[0])
            on_bell(kitchen);
    } while (weft_embed_turn(embed) > 0); /* whatever came */
    return close(epoll_fd);
}

int main(void)
{
    struct kitchen kitchen = {.bell = {-1, -1}};
    weft_embed *embed;
    if (pipe(kitchen.bell) < 0 || weft_embed_open(&embed, NULL, dinner, &kitchen) < 0)
        return 1;
    int failed = foreign_loop(embed, &kitchen);
    int rc = weft_embed_close(embed);
    printf("the run came to: %s\n", weft_strerror(rc));
    return rc < 0 || failed < 0;
}
