/* SPDX-License-Identifier: MIT */

/*
 * The parts of the io_uring interface that are newer than the oldest kernel headers we build with
 * (5.15).  Numbers are the kernel's and fixed for ever; whether the running kernel knows them is
 * found out when a ring is opened.
 */
#ifndef WF_URING_ABI_H
#define WF_URING_ABI_H

#include <linux/io_uring.h>

#ifndef IORING_SETUP_SUBMIT_ALL
#define IORING_SETUP_SUBMIT_ALL (1u << 7) /* 5.18 */
#endif
#ifndef IORING_SETUP_COOP_TASKRUN
#define IORING_SETUP_COOP_TASKRUN (1u << 8) /* 5.19 */
#define IORING_SETUP_TASKRUN_FLAG (1u << 9) /* 5.19 */
#endif
#ifndef IORING_SETUP_SINGLE_ISSUER
#define IORING_SETUP_SINGLE_ISSUER (1u << 12) /* 6.0 */
#endif
#ifndef IORING_SETUP_DEFER_TASKRUN
#define IORING_SETUP_DEFER_TASKRUN (1u << 13) /* 6.1 */
#endif
#ifndef IORING_SETUP_NO_SQARRAY
#define IORING_SETUP_NO_SQARRAY (1u << 16) /* 6.6 */
#endif
#ifndef IORING_SQ_TASKRUN
#define IORING_SQ_TASKRUN (1u << 2) /* 5.19 */
#endif
#ifndef IORING_ENTER_REGISTERED_RING
#define IORING_ENTER_REGISTERED_RING (1u << 4) /* 5.18 */
#endif
#ifndef IORING_FEAT_CQE_SKIP
#define IORING_FEAT_CQE_SKIP (1u << 11) /* 5.17 */
#endif
#ifndef IOSQE_CQE_SKIP_SUCCESS
#define IOSQE_CQE_SKIP_SUCCESS (1u << 6) /* 5.17 */
#endif
#ifndef IORING_ACCEPT_MULTISHOT
#define IORING_ACCEPT_MULTISHOT (1u << 0) /* 5.19 */
#endif
#ifndef IORING_RECV_MULTISHOT
#define IORING_RECV_MULTISHOT (1u << 1) /* 6.0 */
#endif

/* Enumerators cannot be asked for by the preprocessor, so these have names of our own. */
enum {
    WF_REGISTER_RING_FDS = 20,    /* 5.18 */
    WF_UNREGISTER_RING_FDS = 21,  /* 5.18 */
    WF_REGISTER_PBUF_RING = 22,   /* 5.19 */
    WF_UNREGISTER_PBUF_RING = 23, /* 5.19 */
    WF_OP_SOCKET = 45,            /* came with multishot accept, 5.19 */
    WF_OP_SEND_ZC = 47,           /* came with multishot receive, 6.0 */
    WF_OP_FTRUNCATE = 55,         /* 6.9 */
};

struct wf_ring_fd_update { /* io_uring_rsrc_update */
    uint32_t offset;
    uint32_t resv;
    uint64_t data;
};

struct wf_pbuf { /* io_uring_buf; the first one's `tail` is the ring's */
    uint64_t addr;
    uint32_t len;
    uint16_t bid;
    uint16_t tail;
};

struct wf_pbuf_reg { /* io_uring_buf_reg */
    uint64_t ring_addr;
    uint32_t ring_entries;
    uint16_t bgid;
    uint16_t flags;
    uint64_t resv[3];
};

#endif
