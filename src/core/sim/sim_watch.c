/* SPDX-License-Identifier: MIT */

/*
 * Watches of the simulated disk: what inotify(7) tells, in its order and its format.
 *
 * A mark joins a descriptor and a node, and lives until it is taken away, the node is gone (no name
 * and nobody has it open) or the descriptor is closed.
 */

#include "core/sim/sim_watch.h"

#include "base/alloc.h"
#include "core/sim/sim_disk.h"
#include "core/sim/sim_socket.h"
#include "core/sim/sim_world.h"

#include <poll.h>
#include <string.h>
#include <sys/inotify.h>

#define WATCH_TOLD_MAX 1024 /* events that nobody has read; then they are lost */

struct sim_mark {
    wf_list link;             /* of the world's, in order of their making */
    struct sim_socket *watch; /* the descriptor */
    struct sim_node *node;    /* a reference */
    int id;
    uint32_t mask;
};

/* An event that has not been read. */
struct sim_told {
    wf_list link;
    int id;
    uint32_t mask, name_bytes; /* with as many NULs as the kernel's */
    char name[];
};

static struct sim_mark *mark_at(wf_list *pos)
{
    return wf_container(pos, struct sim_mark, link);
}

/* ---- events ---- */

/* The same as the last that nobody has read: the kernel tells it once. */
static bool told_is_again(const struct sim_socket *watch, int id, uint32_t mask, const char *name)
{
    if (wf_list_is_empty(&watch->told))
        return false;
    const struct sim_told *last = wf_container(watch->told.prev, struct sim_told, link);
    return last->id == id && last->mask == mask &&
           strcmp(last->name_bytes != 0 ? last->name : "", name) == 0;
}

static struct sim_told *told_new(int id, uint32_t mask, const char *name)
{
    const size_t unit = sizeof(struct inotify_event);
    size_t bytes = strlen(name), room = bytes == 0 ? 0 : (bytes + unit) / unit * unit;
    struct sim_told *told = wf_alloc(sizeof *told + room);
    if (told == NULL)
        return NULL;
    told->id = id;
    told->mask = mask;
    told->name_bytes = (uint32_t)room;
    memcpy(told->name, name, bytes);
    return told;
}

static void watch_tell(struct sim_socket *watch, int id, uint32_t mask, const char *name)
{
    if (watch->has_lost || told_is_again(watch, id, mask, name))
        return;
    struct sim_told *told = watch->told_count < WATCH_TOLD_MAX ? told_new(id, mask, name) : NULL;
    if (told == NULL) {
        watch->has_lost = true;
    } else {
        wf_list_append(&watch->told, &told->link);
        watch->told_count++;
    }
    wf_sim_wake(watch);
}

static void marks_tell(struct sim_world *world, const struct sim_node *node, uint32_t mask,
                       const char *name)
{
    wf_list_each (pos, &world->marks) {
        const struct sim_mark *mark = mark_at(pos);
        if (mark->node == node && (mark->mask & mask) != 0)
            watch_tell(mark->watch, mark->id, mask, name);
    }
}

void wf_sim_watch_node(struct sim_world *world, const struct sim_node *node, uint32_t mask)
{
    if (wf_list_is_empty(&world->marks))
        return;
    if (node->parent != NULL)
        marks_tell(world, node->parent, mask, node->name);
    marks_tell(world, node, mask, "");
}

void wf_sim_watch_self(struct sim_world *world, const struct sim_node *node, uint32_t mask)
{
    marks_tell(world, node, mask, "");
}

void wf_sim_watch_name(struct sim_world *world, const struct sim_node *dir, const char *name,
                       const struct sim_node *node, uint32_t mask)
{
    marks_tell(world, dir, mask | (node->is_dir ? IN_ISDIR : 0), name);
}

/* ---- marks ---- */

static void mark_end(struct sim_world *world, struct sim_mark *mark)
{
    watch_tell(mark->watch, mark->id, IN_IGNORED, "");
    wf_list_remove(&mark->link);
    wf_sim_node_unref(world, mark->node);
    wf_free(mark);
}

void wf_sim_watch_gone(struct sim_world *world, struct sim_node *node)
{
    if (node->name != NULL || node->open_count != 0)
        return;
    wf_sim_node_ref(node); /* past its last mark */
    wf_list_each_safe (pos, &world->marks) {
        struct sim_mark *mark = mark_at(pos);
        if (mark->node == node)
            mark_end(world, mark);
    }
    wf_sim_node_unref(world, node);
}

static struct sim_mark *mark_of_node(const struct sim_socket *watch, const struct sim_node *node)
{
    wf_list_each (pos, &watch->world->marks) {
        struct sim_mark *mark = mark_at(pos);
        if (mark->watch == watch && mark->node == node)
            return mark;
    }
    return NULL;
}

int wf_sim_watch_add(struct sim_socket *watch, const char *path, uint32_t mask)
{
    struct sim_node *node;
    int rc = wf_sim_disk_find(watch->world, path, &node);
    if (rc < 0)
        return rc;
    struct sim_mark *mark = mark_of_node(watch, node);
    if (mark == NULL) {
        mark = wf_alloc(sizeof *mark);
        if (mark == NULL)
            return -ENOMEM;
        mark->watch = watch;
        mark->node = wf_sim_node_ref(node);
        mark->id = ++watch->last_mark;
        wf_list_append(&watch->world->marks, &mark->link);
    }
    mark->mask = mask;
    return mark->id;
}

int wf_sim_watch_remove(struct sim_socket *watch, int id)
{
    wf_list_each (pos, &watch->world->marks) {
        struct sim_mark *mark = mark_at(pos);
        if (mark->watch == watch && mark->id == id) {
            mark_end(watch->world, mark);
            return 0;
        }
    }
    return -EINVAL;
}

/* ---- the descriptor ---- */

int wf_sim_watch_events(const struct sim_socket *watch)
{
    return !wf_list_is_empty(&watch->told) || watch->has_lost ? POLLIN : 0;
}

static void told_drop(struct sim_socket *watch, struct sim_told *told)
{
    wf_list_remove(&told->link);
    watch->told_count--;
    wf_free(told);
}

static size_t event_put(char *out, int id, uint32_t mask, uint32_t name_bytes, const char *name)
{
    const struct inotify_event event = {.wd = id, .mask = mask, .len = name_bytes};
    memcpy(out, &event, sizeof event);
    if (name_bytes != 0)
        memcpy(out + sizeof event, name, name_bytes);
    return sizeof event + name_bytes;
}

/* As many whole events as there is room for; that some were lost comes behind them. */
ssize_t wf_sim_watch_read(struct sim_socket *watch, void *buf, size_t bytes)
{
    const size_t head = sizeof(struct inotify_event);
    size_t used = 0;
    while (!wf_list_is_empty(&watch->told)) {
        struct sim_told *told = wf_container(watch->told.next, struct sim_told, link);
        if (head + told->name_bytes > bytes - used)
            return used != 0 ? (ssize_t)used : -EINVAL;
        used += event_put((char *)buf + used, told->id, told->mask, told->name_bytes, told->name);
        told_drop(watch, told);
    }
    if (watch->has_lost && head <= bytes - used) {
        used += event_put((char *)buf + used, -1, IN_Q_OVERFLOW, 0, "");
        watch->has_lost = false;
    }
    return used != 0 ? (ssize_t)used : -EAGAIN;
}

void wf_sim_watch_close(struct sim_socket *watch)
{
    wf_list_each_safe (pos, &watch->world->marks) {
        struct sim_mark *mark = mark_at(pos);
        if (mark->watch == watch)
            mark_end(watch->world, mark);
    }
    while (!wf_list_is_empty(&watch->told))
        told_drop(watch, wf_container(watch->told.next, struct sim_told, link));
}
