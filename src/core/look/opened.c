/* SPDX-License-Identifier: MIT */

/*
 * One table for the process: what one loop opened another may close, or a thread that has no loop.
 * It is small and not in order, since only runs in debug mode write to it.
 */

#include "core/look/opened.h"

#include "base/sys.h"
#include "core/look/debug.h"
#include "core/look/symbol.h"
#include "core/look/trace.h"
#include "core/process/fork.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define OPENED_FRAMES 12     /* callers that are kept */
#define OPENED_FRAMES_TOLD 3 /* of those that are not ours */
#define OPENED_NAME_BYTES 128
#define OPENED_PLACE_BYTES 256

struct opened {
    const void *object;
    const weft_open_kind *kind;
    const struct wf_sched *sched; /* whose end tells it */
    const char *site;             /* where the task that opened it was spawned; NULL: a callback */
    int frame_count;
    void *frames[OPENED_FRAMES];
};

static struct {
    pthread_mutex_t lock; /* protects the rest */
    size_t count;
    struct opened all[WF_OPENED_MAX];
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

unsigned weft_debug_runs_;

/* What the parent has open is told there, and who held the lock may be gone. */
void wf_opened_after_fork(void)
{
    table.lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    table.count = 0;
    weft_debug_runs_ = 0;
}

/* With the lock. */
static void forget(size_t index)
{
    table.all[index] = table.all[--table.count];
}

static void forget_object(const void *object, const weft_open_kind *kind)
{
    for (size_t i = 0; i < table.count; i++) {
        if (table.all[i].object == object && (kind == NULL || table.all[i].kind == kind)) {
            forget(i);
            return;
        }
    }
}

void weft_opened_(const void *object, const weft_open_kind *kind)
{
    const struct wf_sched *sched = wf_sched_current;
    struct opened opened = {.object = object, .kind = kind, .sched = sched};
    if (sched == NULL || sched->debug == NULL)
        return;
    opened.site = sched->current != NULL ? wf_task_site(sched->current) : NULL;
    opened.frame_count = wf_trace_callers(opened.frames, OPENED_FRAMES);
    pthread_mutex_lock(&table.lock);
    forget_object(object, kind);
    if (table.count < WF_OPENED_MAX)
        table.all[table.count++] = opened;
    pthread_mutex_unlock(&table.lock);
}

void weft_closed_(const void *object, const weft_open_kind *kind)
{
    pthread_mutex_lock(&table.lock);
    forget_object(object, kind);
    pthread_mutex_unlock(&table.lock);
}

/* ---- descriptors ---- */

static void fd_name(const void *object, char *out, size_t bytes)
{
    snprintf(out, bytes, "%d", (int)(intptr_t)object);
}

static const weft_open_kind fd_kind = {"descriptor", "weft_close()", fd_name};

int wf_opened_fd(int fd)
{
    if (fd >= 0)
        weft_opened((const void *)(intptr_t)fd, &fd_kind);
    return fd;
}

/* False also if somebody has closed it with close(2). */
static bool fd_is_open(int fd)
{
    struct stat status;
    return wf_sys_fstat(fd, &status) == 0;
}

void wf_closed_fd(int fd)
{
    weft_closed((const void *)(intptr_t)fd, &fd_kind);
}

/* ---- telling ---- */

static bool is_same_place(const struct opened *left, const struct opened *right)
{
    return left->kind == right->kind && left->frame_count == right->frame_count &&
           memcmp(left->frames, right->frames,
                  (size_t)left->frame_count * sizeof left->frames[0]) == 0;
}

/* Takes the first one of the loop off the table, with those of the same place: how many; 0: there
 * is none.  Its name too: while the table is locked, nobody who closes it has begun. */
static size_t take_place(const struct wf_sched *sched, struct opened *out,
                         char name[OPENED_NAME_BYTES])
{
    size_t found = 0;
    pthread_mutex_lock(&table.lock);
    for (size_t i = 0; i < table.count;) {
        const struct opened *at = &table.all[i];
        if (at->sched != sched || (found != 0 && !is_same_place(at, out))) {
            i++;
            continue;
        }
        if (found++ == 0) {
            *out = *at;
            name[0] = '\0';
            if (at->kind->name != NULL)
                at->kind->name(at->object, name, OPENED_NAME_BYTES);
        }
        forget(i);
    }
    pthread_mutex_unlock(&table.lock);
    return found;
}

/* Programs have our libraries in them or beside them. */
static bool is_ours(const char *text)
{
    return strncmp(text, "weft_", 5) == 0 || strncmp(text, "wf_", 3) == 0 ||
           strstr(text, " in libweft") != NULL;
}

/* The callers that are not ours: "connect_all+0x2c in app < page+0x9 in app". */
static void place_text(struct wf_symbols *symbols, const struct opened *opened, char *out,
                       size_t bytes)
{
    size_t length = 0;
    int told = 0;
    out[0] = '\0';
    for (int i = 0; i < opened->frame_count && told < OPENED_FRAMES_TOLD; i++) {
        char text[WF_SYMBOL_TEXT_BYTES];
        wf_symbols_text(symbols, opened->frames[i], text, sizeof text);
        if (is_ours(text))
            continue;
        const char *before = told++ != 0 ? " < " : "";
        if (length + strlen(before) + strlen(text) >= bytes)
            break;
        length += (size_t)snprintf(out + length, bytes - length, "%s%s", before, text);
    }
}

static void tell(struct wf_sched *sched, struct wf_symbols *symbols, const struct opened *opened,
                 const char *name, size_t count)
{
    char place[OPENED_PLACE_BYTES], others[48] = "";
    place_text(symbols, opened, place, sizeof place);
    if (count > 1)
        snprintf(others, sizeof others, " (and %zu more of that place)", count - 1);
    wf_sched_log(sched, "debug: %s%s%s%s was never closed: %s it; opened: %s; by %s%s",
                 opened->kind->what, name[0] != '\0' ? " " : "", name, others, opened->kind->close,
                 place, opened->site != NULL ? "the task spawned: " : "a callback",
                 opened->site != NULL ? opened->site : "");
}

void wf_opened_end(struct wf_sched *sched)
{
    struct wf_symbols symbols = {0};
    struct opened opened = {0};
    char name[OPENED_NAME_BYTES];
    size_t count;
    if (sched->debug == NULL)
        return;
    while ((count = take_place(sched, &opened, name)) != 0) {
        if (opened.kind != &fd_kind || fd_is_open((int)(intptr_t)opened.object))
            tell(sched, &symbols, &opened, name, count);
    }
    wf_symbols_fini(&symbols);
}
