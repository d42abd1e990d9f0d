/* SPDX-License-Identifier: MIT */

/*
 * What a power failure leaves of the simulated disk.
 *
 * Bytes: a sector that differs from what was synced is the old or the new one.  Names: changes
 * reach the disk in their order, so the last few, as many as the seed says, are undone.
 */

#include "core/sim/sim_crash.h"

#include "base/alloc.h"
#include "core/loop/current.h"
#include "core/loop/loop_priv.h"
#include "core/sim/sim_chance.h"
#include "core/sim/sim_disk.h"
#include "core/sim/sim_world.h"

#include <string.h>

#define SECTOR_BYTES 512
#define CHANGES_MAX 1024 /* beyond it the oldest has reached the disk by itself */

/* A name that was made, moved or removed.  Holds references to all its nodes. */
struct sim_change {
    wf_list link;
    struct sim_node *node;
    struct sim_node *old_parent, *new_parent; /* NULL: there was, or is, no name */
    struct sim_node *replaced;                /* had the new name before; NULL */
    char *old_name, *new_name;
};

static struct sim_node *ref_or_null(struct sim_node *node)
{
    return node != NULL ? wf_sim_node_ref(node) : NULL;
}

static void change_free(struct sim_world *world, struct sim_change *change)
{
    wf_list_remove(&change->link);
    world->disk.change_count--;
    wf_free(change->old_name);
    wf_free(change->new_name);
    wf_sim_node_unref(world, change->node);
    wf_sim_node_unref(world, change->replaced);
    wf_sim_node_unref(world, change->old_parent);
    wf_sim_node_unref(world, change->new_parent);
    wf_free(change);
}

static struct sim_change *change_at(wf_list *pos)
{
    return wf_container(pos, struct sim_change, link);
}

static char *copy_or_null(const char *name)
{
    size_t bytes = name != NULL ? strlen(name) + 1 : 1;
    char *copy = wf_alloc(bytes);
    if (copy != NULL && name != NULL)
        memcpy(copy, name, bytes);
    return copy;
}

int wf_sim_change_note(struct sim_world *world, struct sim_node *node, struct sim_node *parent,
                       const char *name, struct sim_node *replaced)
{
    struct sim_change *change = wf_alloc(sizeof *change);
    char *old_name = copy_or_null(node->name);
    char *new_name = copy_or_null(name);
    if (change == NULL || old_name == NULL || new_name == NULL) {
        wf_free(change);
        wf_free(old_name);
        wf_free(new_name);
        return -ENOMEM;
    }
    *change = (struct sim_change){
        .node = wf_sim_node_ref(node),
        .old_parent = ref_or_null(node->parent),
        .new_parent = ref_or_null(parent),
        .replaced = ref_or_null(replaced),
        .old_name = old_name,
        .new_name = new_name,
    };
    wf_list_append(&world->disk.changes, &change->link);
    if (++world->disk.change_count > CHANGES_MAX)
        change_free(world, change_at(world->disk.changes.next));
    return 0;
}

/* The changes up to the last one in `dir` have reached the disk. */
void wf_sim_change_settle(struct sim_world *world, const struct sim_node *dir)
{
    uint32_t seen = 0, settled = 0;
    wf_list_each (pos, &world->disk.changes) {
        const struct sim_change *change = change_at(pos);
        seen++;
        if (change->old_parent == dir || change->new_parent == dir)
            settled = seen;
    }
    while (settled-- > 0)
        change_free(world, change_at(world->disk.changes.next));
}

void wf_sim_change_settle_all(struct sim_world *world)
{
    while (!wf_list_is_empty(&world->disk.changes))
        change_free(world, change_at(world->disk.changes.next));
}

int wf_sim_node_settle(struct sim_node *node)
{
    char *durable = NULL;
    if (node->bytes != 0) {
        durable = wf_grow(NULL, node->bytes, 1);
        if (durable == NULL)
            return -EIO; /* a disk knows no lack of memory */
        memcpy(durable, node->data, node->bytes);
    }
    wf_free(node->durable);
    node->durable = durable;
    node->durable_bytes = node->bytes;
    return 0;
}

/* ---- the failure ---- */

static void name_move(struct sim_world *world, struct sim_node *node, struct sim_node *parent,
                      char *name)
{
    wf_sim_node_ref(node);
    if (node->name != NULL) {
        wf_free(wf_sim_node_detach(node));
        wf_sim_node_unref(world, node);
    }
    if (parent != NULL)
        wf_sim_node_attach(node, parent, name);
    else
        wf_free(name);
    wf_sim_node_unref(world, node);
}

static void change_undo(struct sim_world *world, struct sim_change *change)
{
    name_move(world, change->node, change->old_parent, change->old_name);
    change->old_name = NULL;
    if (change->replaced != NULL) {
        name_move(world, change->replaced, change->new_parent, change->new_name);
        change->new_name = NULL;
    }
    change_free(world, change);
}

static void node_tear(struct sim_world *world, struct sim_node *node)
{
    size_t both = node->bytes < node->durable_bytes ? node->bytes : node->durable_bytes;
    for (size_t at = 0; at < node->bytes; at += SECTOR_BYTES) {
        size_t count = node->bytes - at < SECTOR_BYTES ? node->bytes - at : SECTOR_BYTES;
        if (wf_sim_below(world, 2) == 0)
            continue;
        size_t old = at >= both ? 0 : both - at < count ? both - at : count;
        if (old != 0)
            memcpy(node->data + at, node->durable + at, old);
        memset(node->data + at + old, 0, count - old);
    }
    if (node->bytes > node->durable_bytes && wf_sim_below(world, 2) == 0)
        (void)wf_sim_node_resize(world, node, node->durable_bytes);
}

static void tree_tear(struct sim_world *world, struct sim_node *top)
{
    struct sim_node *node = top;
    while (node != NULL) { /* each once, parents first */
        if (!node->is_dir)
            node_tear(world, node);
        if (!wf_list_is_empty(&node->children)) {
            node = wf_container(node->children.next, struct sim_node, sibling);
            continue;
        }
        while (node != top && node->sibling.next == &node->parent->children)
            node = node->parent;
        node = node == top ? NULL : wf_container(node->sibling.next, struct sim_node, sibling);
    }
}

int weft_sim_power_failure(void)
{
    struct sim_world *world = wf_sim_world_self();
    if (world == NULL)
        return -EPERM;
    uint64_t lost = wf_sim_below(world, (uint64_t)world->disk.change_count + 1);
    while (lost-- > 0)
        change_undo(world, change_at(world->disk.changes.prev));
    wf_sim_change_settle_all(world);
    tree_tear(world, world->disk.root);
    return 0;
}
