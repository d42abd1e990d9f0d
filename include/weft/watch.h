/* SPDX-License-Identifier: MIT */

/*
 * Watch: tells what happens to files and directories (inotify).
 *
 *     weft_watch *watch;
 *     weft_watch_event event;
 *     WEFT_TRY(weft_watch_open(&watch));
 *     WEFT_TRY(weft_watch_add(watch, "conf.d", WEFT_WATCH_WRITTEN | WEFT_WATCH_CAME));
 *     while ((rc = weft_watch_next(watch, &event)) == 1)
 *         reload(event.name);
 *
 * To watch a file that is replaced by rename, as weft_file_save() does, watch its directory: a
 * watch on the file itself stays with the old one.  The kernel keeps a bounded queue; when that is
 * full events are lost, and WEFT_WATCH_LOST says so: look at everything again.  One task at a time
 * may call weft_watch_next().  In simulation the events are those of the disk in memory.
 */
#ifndef WEFT_WATCH_H
#define WEFT_WATCH_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

typedef struct weft_watch weft_watch;

enum weft_watch_events {
    WEFT_WATCH_CHANGED = 1u, /* bytes were written, or cut off */
    WEFT_WATCH_WRITTEN = 2u, /* who had it open for writing closed it */
    WEFT_WATCH_CAME = 4u,    /* in a directory: made, or moved here */
    WEFT_WATCH_WENT = 8u,    /* in a directory: removed, or moved away */
    WEFT_WATCH_STATUS = 16u, /* mode, owner, times, links */

    WEFT_WATCH_GONE = 32u, /* told without asking: what was watched is gone, and so is the watch */
    WEFT_WATCH_LOST = 64u, /* told without asking: events were lost */
};

typedef struct weft_watch_event {
    int id;           /* what weft_watch_add gave; of a LOST event 0 */
    unsigned events;  /* enum weft_watch_events, at least one */
    const char *name; /* in a watched directory: which; else "".  Borrowed until the next call */
    bool is_directory;
} weft_watch_event;

/* Opens a watch in *out, which watches nothing yet.  -EMFILE, -ENOMEM; -EPERM outside a task. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_watch_open(weft_watch **out);

/* Adds `path`, to be watched for `events`, and returns an id >= 1.  For what is watched already the
 * id is the same, and the new events replace the old.  -ENOENT, -EACCES; -ENOSPC: the system's
 * limit of watches; the text names the path.  -EINVAL: no events. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_watch_add(weft_watch *watch, const char *path,
                                                     unsigned events);

/* Stops watching what has this id; events that were on their way may still come.  -EINVAL: no such
 * id. */
WEFT_API int weft_watch_remove(weft_watch *watch, int id);

/* Waits for the next event and returns 1, with the event in *out.  -ECANCELED: nothing was taken.
 */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_watch_next(weft_watch *watch, weft_watch_event *out);

/* Closes the watch and frees it; no task may be in weft_watch_next().  NULL is fine. */
WEFT_API WEFT_WAITS void weft_watch_close(weft_watch *watch);

WEFT_END_DECLS

#endif
