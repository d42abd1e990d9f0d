/* SPDX-License-Identifier: MIT */

/* Files and directories in memory: a tree of named nodes, and what a descriptor does to one. */

#include "core/sim/sim_disk.h"

#include "base/alloc.h"
#include "core/backend/dirent.h"
#include "core/sim/sim_chance.h"
#include "core/sim/sim_crash.h"
#include "core/sim/sim_fault.h"
#include "core/sim/sim_socket.h"
#include "core/sim/sim_watch.h"
#include "core/sim/sim_world.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define NODE_BYTES_MIN 4096
#define DISK_EPOCH 946684800 /* 2000-01-01, as the wall clock of the world */

/* ---- nodes ---- */

struct sim_node *wf_sim_node_ref(struct sim_node *node)
{
    node->ref_count++;
    return node;
}

void wf_sim_node_unref(struct sim_world *world, struct sim_node *node)
{
    if (node == NULL || --node->ref_count != 0)
        return;
    assert(node->name == NULL);
    assert(wf_list_is_empty(&node->children));
    world->disk.used_bytes -= node->bytes;
    wf_free(node->data);
    wf_free(node->durable);
    wf_free(node);
}

static struct sim_node *node_new(struct sim_world *world, bool is_dir, int mode)
{
    struct sim_node *node = wf_alloc(sizeof *node);
    if (node == NULL)
        return NULL;
    wf_list_init(&node->sibling);
    wf_list_init(&node->children);
    node->ref_count = 1;
    node->is_dir = is_dir;
    node->mode = (is_dir ? S_IFDIR : S_IFREG) | ((uint32_t)mode & 0777);
    node->inode = ++world->disk.last_inode;
    node->modified = world->now;
    return node;
}

/* The name holds a reference.  Takes `name`. */
void wf_sim_node_attach(struct sim_node *node, struct sim_node *parent, char *name)
{
    assert(node->name == NULL);
    node->name = name;
    node->parent = parent;
    wf_list *pos = parent->children.next; /* by inode, which is the order readdir tells them in */
    while (pos != &parent->children &&
           wf_container(pos, struct sim_node, sibling)->inode < node->inode)
        pos = pos->next;
    wf_list_append(pos, &node->sibling);
    wf_sim_node_ref(node);
}

/* The caller has the name, and its reference. */
char *wf_sim_node_detach(struct sim_node *node)
{
    char *name = node->name;
    wf_list_remove(&node->sibling);
    node->name = NULL;
    node->parent = NULL;
    return name;
}

static struct sim_node *node_child(const struct sim_node *dir, const char *name, size_t bytes)
{
    wf_list_each (pos, &dir->children) {
        struct sim_node *child = wf_container(pos, struct sim_node, sibling);
        if (strlen(child->name) == bytes && memcmp(child->name, name, bytes) == 0)
            return child;
    }
    return NULL;
}

static uint64_t disk_room(struct sim_world *world)
{
    bool is_full = wf_sim_fault_is_on(world, WEFT_SIM_DISK_FULL, NULL, NULL, NULL);
    return is_full ? 0 : world->options.disk_bytes - world->disk.used_bytes;
}

/* Bytes that come new are zero.  -ENOSPC, -ENOMEM; then nothing has changed. */
int wf_sim_node_resize(struct sim_world *world, struct sim_node *node, size_t bytes)
{
    if (bytes > node->bytes && bytes - node->bytes > disk_room(world))
        return -ENOSPC;
    if (bytes > node->capacity) {
        size_t capacity = node->capacity != 0 ? node->capacity : NODE_BYTES_MIN;
        while (capacity < bytes)
            capacity *= 2;
        char *data = wf_grow(node->data, capacity, 1);
        if (data == NULL)
            return -ENOMEM;
        node->data = data;
        node->capacity = capacity;
    }
    if (bytes > node->bytes)
        memset(node->data + node->bytes, 0, bytes - node->bytes);
    world->disk.used_bytes = world->disk.used_bytes - node->bytes + bytes;
    node->bytes = bytes;
    return 0;
}

/* ---- names ---- */

/* Where a path leads: the directory and its last part, and the node, if there is one. */
struct disk_place {
    struct sim_node *dir, *node;
    char name[256];
};

static int disk_begin(struct sim_world *world)
{
    if (world->disk.root != NULL)
        return 0;
    struct sim_node *root = node_new(world, /* is_dir= */ true, 0755);
    struct sim_node *tmp = root != NULL ? node_new(world, /* is_dir= */ true, 0777) : NULL;
    char *name = tmp != NULL ? wf_alloc(4) : NULL;
    if (name == NULL) {
        wf_sim_node_unref(world, tmp);
        wf_sim_node_unref(world, root);
        return -ENOMEM;
    }
    memcpy(name, "tmp", 4);
    wf_sim_node_attach(tmp, root, name);
    wf_sim_node_unref(world, tmp);
    world->disk.root = root;
    return 0;
}

static int place_step(struct disk_place *place, const char *part, size_t bytes)
{
    if (place->node == NULL)
        return -ENOENT;
    if (!place->node->is_dir)
        return -ENOTDIR;
    if (bytes >= sizeof place->name)
        return -ENAMETOOLONG;
    if (bytes == 1 && part[0] == '.')
        return 0;
    if (bytes == 2 && memcmp(part, "..", 2) == 0) {
        if (place->node->parent != NULL)
            place->node = place->node->parent;
        return 0;
    }
    place->dir = place->node;
    place->node = node_child(place->dir, part, bytes);
    memcpy(place->name, part, bytes);
    place->name[bytes] = '\0';
    return 0;
}

/* node NULL: there is none, but there could be. */
static int place_find(struct sim_world *world, const char *path, struct disk_place *out)
{
    int rc = disk_begin(world);
    if (rc < 0)
        return rc;
    if (path[0] == '\0')
        return -ENOENT;
    *out = (struct disk_place){.node = world->disk.root};
    for (const char *at = path; rc == 0;) {
        at += strspn(at, "/");
        size_t bytes = strcspn(at, "/");
        if (bytes == 0)
            break;
        rc = place_step(out, at, bytes);
        at += bytes;
    }
    return rc;
}

int wf_sim_disk_find(struct sim_world *world, const char *path, struct sim_node **out)
{
    struct disk_place place = {0};
    int rc = place_find(world, path, &place);
    *out = place.node;
    return rc == 0 && place.node == NULL ? -ENOENT : rc;
}

static char *name_copy(const char *name)
{
    size_t bytes = strlen(name) + 1;
    char *copy = wf_alloc(bytes);
    if (copy != NULL)
        memcpy(copy, name, bytes);
    return copy;
}

static int place_make(struct sim_world *world, struct disk_place *place, bool is_dir, int mode)
{
    struct sim_node *node = node_new(world, is_dir, mode);
    char *name = node != NULL ? name_copy(place->name) : NULL;
    int rc = name == NULL ? -ENOMEM
                          : wf_sim_change_note(world, node, place->dir, place->name, /* replaced= */
                                               NULL);
    if (rc == 0) {
        wf_sim_node_attach(node, place->dir, name);
        place->node = node;
        wf_sim_watch_name(world, place->dir, name, node, IN_CREATE);
    } else {
        wf_free(name);
    }
    wf_sim_node_unref(world, node);
    return rc;
}

int wf_sim_disk_mkdir(struct sim_world *world, const char *path, int mode)
{
    struct disk_place place;
    int rc = place_find(world, path, &place);
    if (rc < 0)
        return rc;
    return place.node != NULL ? -EEXIST : place_make(world, &place, /* is_dir= */ true, mode);
}

/* It had a name, which is taken from it.  Of a directory it is not told itself. */
static void node_lost_name(struct sim_world *world, struct sim_node *node)
{
    if (!node->is_dir)
        wf_sim_watch_self(world, node, IN_ATTRIB);
    wf_sim_watch_gone(world, node);
}

/* Takes the node's name from it; the change has been noted. */
static void node_drop(struct sim_world *world, struct sim_node *node)
{
    const struct sim_node *dir = node->parent;
    char *name = wf_sim_node_detach(node);
    node_lost_name(world, node);
    wf_sim_watch_name(world, dir, name, node, IN_DELETE);
    wf_free(name);
    wf_sim_node_unref(world, node);
}

int wf_sim_disk_unlink(struct sim_world *world, const char *path, int flags)
{
    struct sim_node *node;
    bool wants_dir = (flags & AT_REMOVEDIR) != 0;
    int rc = wf_sim_disk_find(world, path, &node);
    if (rc < 0)
        return rc;
    if (node->is_dir != wants_dir)
        return wants_dir ? -ENOTDIR : -EISDIR;
    if (node == world->disk.root)
        return -EBUSY;
    if (!wf_list_is_empty(&node->children))
        return -ENOTEMPTY;
    rc = wf_sim_change_note(world, node, NULL, "", NULL);
    if (rc == 0)
        node_drop(world, node);
    return rc;
}

static bool node_is_under(const struct sim_node *node, const struct sim_node *dir)
{
    while (node != NULL && node != dir)
        node = node->parent;
    return node != NULL;
}

/* Whether `from` may take the place of `to`. */
static int rename_check(const struct sim_node *from, const struct disk_place *to)
{
    if (node_is_under(to->dir, from))
        return -EINVAL;
    if (to->node == NULL)
        return 0;
    if (node_is_under(from->parent, to->node))
        return -ENOTEMPTY;
    if (from->is_dir != to->node->is_dir)
        return from->is_dir ? -ENOTDIR : -EISDIR;
    return wf_list_is_empty(&to->node->children) ? 0 : -ENOTEMPTY;
}

/* Takes `name`. */
static void rename_do(struct sim_world *world, struct sim_node *node, const struct disk_place *to,
                      char *name)
{
    struct sim_node *replaced = to->node, *from = node->parent;
    if (replaced != NULL)
        wf_free(wf_sim_node_detach(replaced));
    char *old_name = wf_sim_node_detach(node);
    wf_sim_node_attach(node, to->dir, name);
    wf_sim_node_unref(world, node); /* that of the old name */
    wf_sim_watch_name(world, from, old_name, node, IN_MOVED_FROM);
    wf_sim_watch_name(world, to->dir, name, node, IN_MOVED_TO);
    wf_free(old_name);
    if (replaced == NULL)
        return;
    node_lost_name(world, replaced);
    wf_sim_node_unref(world, replaced);
}

int wf_sim_disk_rename(struct sim_world *world, const char *from, const char *to)
{
    struct disk_place source = {0}, place = {0};
    int rc = place_find(world, from, &source);
    if (rc == 0)
        rc = place_find(world, to, &place);
    struct sim_node *node = source.node;
    if (rc == 0 && node == NULL)
        rc = -ENOENT;
    if (rc < 0 || node == place.node)
        return rc;
    if (node == world->disk.root || place.node == world->disk.root)
        return -EBUSY;
    rc = rename_check(node, &place);
    if (rc < 0)
        return rc;
    char *name = name_copy(place.name);
    if (name == NULL)
        return -ENOMEM;
    rc = wf_sim_change_note(world, node, place.dir, name, place.node);
    if (rc < 0) {
        wf_free(name);
        return rc;
    }
    rename_do(world, node, &place, name);
    return 0;
}

/* ---- descriptors ---- */

static bool disk_fails(struct sim_world *world)
{
    return wf_sim_chance(world, world->options.disk_error_ppm, SIM_CHANCE_DISK) ||
           wf_sim_fault_is_on(world, WEFT_SIM_DISK_BROKEN, NULL, NULL, NULL);
}

static void file_enter(struct sim_socket *file, struct sim_node *node, int flags)
{
    file->state = SIM_DISK;
    file->node = wf_sim_node_ref(node);
    file->open_flags = flags;
    node->open_count++;
}

static bool file_writes(const struct sim_socket *file)
{
    return (file->open_flags & O_ACCMODE) != O_RDONLY;
}

void wf_sim_disk_leave(struct sim_socket *file)
{
    struct sim_node *node = file->node;
    if (file_writes(file))
        wf_sim_watch_node(file->world, node, IN_CLOSE_WRITE);
    node->open_count--;
    wf_sim_watch_gone(file->world, node);
    wf_sim_node_unref(file->world, node);
}

static int open_check(const struct sim_node *node, int flags)
{
    bool writes = (flags & O_ACCMODE) != O_RDONLY;
    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
        return -EEXIST;
    if (node->is_dir && (writes || (flags & O_CREAT)))
        return -EISDIR;
    return !node->is_dir && (flags & O_DIRECTORY) ? -ENOTDIR : 0;
}

int wf_sim_disk_open(struct sim_socket *file, const char *path, int flags, int mode)
{
    struct sim_world *world = file->world;
    struct disk_place place;
    int rc = place_find(world, path, &place);
    if (rc < 0)
        return rc;
    if (place.node == NULL && !(flags & O_CREAT))
        return -ENOENT;
    bool was_there = place.node != NULL;
    rc = was_there ? open_check(place.node, flags)
                   : place_make(world, &place, /* is_dir= */ false, mode);
    if (rc < 0)
        return rc;
    assert(place.node != NULL);
    file_enter(file, place.node, flags);
    if (was_there && (flags & O_TRUNC) && file_writes(file)) {
        (void)wf_sim_node_resize(world, place.node, 0); /* smaller always works */
        wf_sim_watch_node(world, place.node, IN_MODIFY);
    }
    return 0;
}

/* There are no links on this disk. */
int wf_sim_disk_open_beneath(struct sim_socket *file, const struct sim_socket *dir,
                             const char *path, int flags)
{
    struct disk_place place = {.node = dir->node};
    int rc = path[0] == '/' ? -EXDEV : path[0] == 0 ? -ENOENT : 0;
    for (const char *at = path; rc == 0;) {
        at += strspn(at, "/");
        size_t bytes = strcspn(at, "/");
        if (bytes == 0)
            break;
        bool leaves = place.node == dir->node && bytes == 2 && memcmp(at, "..", 2) == 0;
        rc = leaves ? -EXDEV : place_step(&place, at, bytes);
        at += bytes;
    }
    if (rc == 0)
        rc = place.node == NULL ? -ENOENT : open_check(place.node, flags);
    if (rc == 0)
        file_enter(file, place.node, flags);
    return rc;
}

ssize_t wf_sim_disk_read(struct sim_socket *file, void *buf, size_t bytes, int64_t offset)
{
    const struct sim_node *node = file->node;
    if ((file->open_flags & O_ACCMODE) == O_WRONLY)
        return -EBADF;
    if (node->is_dir)
        return -EISDIR;
    if (disk_fails(file->world))
        return -EIO;
    uint64_t at = (uint64_t)(offset >= 0 ? offset : file->position);
    size_t there = at < node->bytes ? node->bytes - (size_t)at : 0;
    size_t count = wf_sim_shorten(file->world, bytes < there ? bytes : there);
    if (count != 0)
        memcpy(buf, node->data + at, count);
    if (offset < 0)
        file->position += (int64_t)count;
    return (ssize_t)count;
}

/* As much of it as the disk has room for. */
static int write_make_room(struct sim_world *world, struct sim_node *node, uint64_t at,
                           size_t *count)
{
    uint64_t end_max = node->bytes + disk_room(world);
    if (*count == 0)
        return 0;
    if (at >= end_max)
        return -ENOSPC;
    if (*count > end_max - at)
        *count = (size_t)(end_max - at);
    return at + *count > node->bytes ? wf_sim_node_resize(world, node, (size_t)at + *count) : 0;
}

ssize_t wf_sim_disk_write(struct sim_socket *file, const void *buf, size_t bytes, int64_t offset)
{
    struct sim_node *node = file->node;
    if ((file->open_flags & O_ACCMODE) == O_RDONLY)
        return -EBADF;
    if (disk_fails(file->world))
        return -EIO;
    bool appends = (file->open_flags & O_APPEND) != 0;
    uint64_t at = appends ? node->bytes : offset >= 0 ? (uint64_t)offset : (uint64_t)file->position;
    size_t count = wf_sim_shorten(file->world, bytes);
    int rc = write_make_room(file->world, node, at, &count);
    if (rc < 0)
        return rc;
    if (count != 0) {
        memcpy(node->data + at, buf, count);
        wf_sim_watch_node(file->world, node, IN_MODIFY);
    }
    node->modified = file->world->now;
    if (offset < 0)
        file->position = (int64_t)(at + count);
    return (ssize_t)count;
}

int wf_sim_disk_sync(struct sim_socket *file)
{
    if (disk_fails(file->world))
        return -EIO;
    if (!file->node->is_dir)
        return wf_sim_node_settle(file->node);
    wf_sim_change_settle(file->world, file->node);
    return 0;
}

int wf_sim_disk_truncate(struct sim_socket *file, int64_t bytes)
{
    if (bytes < 0 || (file->open_flags & O_ACCMODE) == O_RDONLY)
        return -EINVAL;
    file->node->modified = file->world->now;
    int rc = wf_sim_node_resize(file->world, file->node, (size_t)bytes);
    if (rc == 0)
        wf_sim_watch_node(file->world, file->node, IN_MODIFY);
    return rc;
}

/* In order of inode, so that what comes and goes meanwhile does not shift the rest. */
ssize_t wf_sim_disk_readdir(struct sim_socket *file, void *buf, size_t bytes)
{
    size_t used = 0;
    if (!file->node->is_dir)
        return -ENOTDIR;
    wf_list_each (pos, &file->node->children) {
        const struct sim_node *child = wf_container(pos, struct sim_node, sibling);
        if ((int64_t)child->inode <= file->position)
            continue;
        size_t entry_bytes = wf_dirent_bytes(strlen(child->name));
        if (used + entry_bytes > bytes)
            return used != 0 ? (ssize_t)used : -EINVAL;
        wf_dirent_put((char *)buf + used, child->inode,
                      child->is_dir ? WF_DIRENT_DIR : WF_DIRENT_FILE, child->name);
        used += entry_bytes;
        file->position = (int64_t)child->inode;
    }
    return (ssize_t)used;
}

void wf_sim_node_statx(const struct sim_node *node, struct statx *out)
{
    *out = (struct statx){
        .stx_mask = STATX_BASIC_STATS,
        .stx_mode = (uint16_t)node->mode,
        .stx_nlink = node->name != NULL || node->parent == NULL,
        .stx_ino = node->inode,
        .stx_size = node->bytes,
        .stx_blksize = 4096,
        .stx_blocks = (node->bytes + 511) / 512,
    };
    out->stx_mtime.tv_sec = DISK_EPOCH + node->modified / WEFT_SEC;
    out->stx_mtime.tv_nsec = (uint32_t)(node->modified % WEFT_SEC);
    out->stx_atime = out->stx_ctime = out->stx_mtime;
}

int wf_sim_disk_statx(struct sim_world *world, const char *path, struct statx *out)
{
    struct sim_node *node;
    int rc = wf_sim_disk_find(world, path, &node);
    if (rc == 0)
        wf_sim_node_statx(node, out);
    return rc;
}

void wf_sim_disk_close(struct sim_world *world)
{
    wf_sim_change_settle_all(world);
    struct sim_node *node = world->disk.root;
    while (node != NULL) { /* deepest first, without recursion */
        if (!wf_list_is_empty(&node->children)) {
            node = wf_container(node->children.next, struct sim_node, sibling);
            continue;
        }
        struct sim_node *parent = node->parent;
        if (node != world->disk.root)
            wf_free(wf_sim_node_detach(node));
        wf_sim_node_unref(world, node);
        node = parent;
    }
    world->disk.root = NULL;
}
