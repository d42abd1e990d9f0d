/* SPDX-License-Identifier: MIT */

/* Files and directories in memory. */
#ifndef WF_SIM_DISK_H
#define WF_SIM_DISK_H

#include "core/sim/sim_socket.h"

struct statx;

/* A file or directory.  It lives as long as it has a name, a descriptor or a change that may be
 * undone.  Invariant: `durable` is what a power failure cannot take. */
struct sim_node {
    struct sim_node *parent; /* NULL: the root, or without a name */
    wf_list sibling, children;
    char *name;
    uint64_t inode;
    weft_time modified;
    uint32_t ref_count, mode, open_count;
    bool is_dir;
    char *data, *durable;
    size_t bytes, capacity, durable_bytes;
};

struct sim_disk {
    struct sim_node *root; /* NULL until first used */
    wf_list changes;       /* names made, moved and removed since the last sync; see sim_crash.c */
    uint32_t change_count;
    uint64_t used_bytes, last_inode;
};

struct sim_node *wf_sim_node_ref(struct sim_node *node);
void wf_sim_node_unref(struct sim_world *world, struct sim_node *node);
void wf_sim_node_attach(struct sim_node *node, struct sim_node *parent, char *name);
char *wf_sim_node_detach(struct sim_node *node); /* its name, which is the caller's */
int wf_sim_node_resize(struct sim_world *world, struct sim_node *node, size_t bytes);

/* As the system calls.  -EIO and -ENOSPC by the plan. */
int wf_sim_disk_open(struct sim_socket *file, const char *path, int flags, int mode);

/* Below the directory `dir`: -EXDEV out of it. */
int wf_sim_disk_open_beneath(struct sim_socket *file, const struct sim_socket *dir,
                             const char *path, int flags);
ssize_t wf_sim_disk_read(struct sim_socket *file, void *buf, size_t bytes, int64_t offset);
ssize_t wf_sim_disk_write(struct sim_socket *file, const void *buf, size_t bytes, int64_t offset);
int wf_sim_disk_sync(struct sim_socket *file);
int wf_sim_disk_truncate(struct sim_socket *file, int64_t bytes);
ssize_t wf_sim_disk_readdir(struct sim_socket *file, void *buf, size_t bytes);
int wf_sim_disk_rename(struct sim_world *world, const char *from, const char *to);
int wf_sim_disk_unlink(struct sim_world *world, const char *path, int flags);
int wf_sim_disk_mkdir(struct sim_world *world, const char *path, int mode);
int wf_sim_disk_statx(struct sim_world *world, const char *path, struct statx *out);
int wf_sim_disk_find(struct sim_world *world, const char *path, struct sim_node **out);
void wf_sim_disk_leave(struct sim_socket *file); /* it is closed */
void wf_sim_node_statx(const struct sim_node *node, struct statx *out);
void wf_sim_disk_close(struct sim_world *world);

#endif
