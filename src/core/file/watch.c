/* SPDX-License-Identifier: MIT */

#include <weft/watch.h>

#include <weft/exec.h>
#include <weft/io.h>
#include <weft/sys/opened.h>
#include <weft/sys/park.h>

#include "base/alloc.h"
#include "base/sys.h"
#include "core/file/path.h"

#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>

#define WATCH_BYTES 4096 /* some events at least: the longest has 272 bytes */

/* Invariant: events not yet told are mem[at, end). */
struct weft_watch {
    int fd;
    size_t at, end;
    _Alignas(struct inotify_event) char mem[WATCH_BYTES];
};

static const struct {
    uint32_t kernel;
    unsigned ours;
} watch_events[] = {
    {IN_MODIFY, WEFT_WATCH_CHANGED},  {IN_CLOSE_WRITE, WEFT_WATCH_WRITTEN},
    {IN_CREATE, WEFT_WATCH_CAME},     {IN_MOVED_TO, WEFT_WATCH_CAME},
    {IN_DELETE, WEFT_WATCH_WENT},     {IN_MOVED_FROM, WEFT_WATCH_WENT},
    {IN_ATTRIB, WEFT_WATCH_STATUS},   {IN_IGNORED, WEFT_WATCH_GONE},
    {IN_Q_OVERFLOW, WEFT_WATCH_LOST},
};

#define WATCH_EVENTS_COUNT (sizeof watch_events / sizeof watch_events[0])

static unsigned events_of_mask(uint32_t mask)
{
    unsigned events = 0;
    for (size_t i = 0; i < WATCH_EVENTS_COUNT; i++)
        if (mask & watch_events[i].kernel)
            events |= watch_events[i].ours;
    return events;
}

static uint32_t mask_of_events(unsigned events)
{
    uint32_t mask = 0;
    for (size_t i = 0; i < WATCH_EVENTS_COUNT; i++)
        if (events & watch_events[i].ours)
            mask |= watch_events[i].kernel;
    return mask;
}

static void watch_name(const void *object, char *out, size_t bytes)
{
    snprintf(out, bytes, "of descriptor %d", ((const weft_watch *)object)->fd);
}

static const weft_open_kind watch_kind = {"watch", "weft_watch_close()", watch_name};

int weft_watch_open(weft_watch **out)
{
    int rc = weft_sp_enter();
    if (rc < 0)
        return rc;
    weft_watch *watch = wf_alloc(sizeof *watch);
    if (watch == NULL)
        return -ENOMEM;
    watch->fd = wf_sys_watch_open();
    if (watch->fd < 0) {
        rc = watch->fd;
        wf_free(watch);
        return rc;
    }
    weft_opened(watch, &watch_kind);
    *out = watch;
    return 0;
}

struct watch_add {
    int fd;
    const char *path;
    uint32_t mask;
};

/* On a thread: finding the path may take a disk's time. */
static int add_body(void *arg)
{
    const struct watch_add *add = arg;
    return weft_platform_get()->watch_add(add->fd, add->path, add->mask);
}

int weft_watch_add(weft_watch *watch, const char *path, unsigned events)
{
    struct watch_add add = {.fd = watch->fd, .path = path, .mask = mask_of_events(events)};
    if (path == NULL)
        return path_fail(-EFAULT, path);
    if (add.mask == 0)
        return -EINVAL;
    if (WEFT_FAULT(WEFT_FAULT_CALL, "watch_add"))
        return -ENOSPC;
    int rc = weft_run_blocking(add_body, &add);
    return rc < 0 ? path_fail(rc, path) : rc;
}

int weft_watch_remove(weft_watch *watch, int id)
{
    return weft_platform_get()->watch_remove(watch->fd, id);
}

int weft_watch_next(weft_watch *watch, weft_watch_event *out)
{
    int rc = weft_sp_enter();
    if (rc < 0)
        return rc;
    for (;;) {
        if (watch->at == watch->end) {
            ssize_t count = weft_read(watch->fd, watch->mem, WATCH_BYTES);
            if (count < 0)
                return (int)count;
            watch->at = 0;
            watch->end = (size_t)count;
        }
        const struct inotify_event *event = (const void *)(watch->mem + watch->at);
        watch->at += sizeof *event + event->len;
        unsigned events = events_of_mask(event->mask);
        if (events == 0)
            continue; /* the last name of a watched file went: IN_IGNORED follows */
        *out = (weft_watch_event){
            .id = event->wd > 0 ? event->wd : 0,
            .events = events,
            .name = event->len != 0 ? event->name : "",
            .is_directory = (event->mask & IN_ISDIR) != 0,
        };
        return 1;
    }
}

void weft_watch_close(weft_watch *watch)
{
    if (watch == NULL)
        return;
    weft_closed(watch, &watch_kind);
    (void)weft_close(watch->fd);
    wf_free(watch);
}
