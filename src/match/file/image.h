/* SPDX-License-Identifier: MIT */

/*
 * Image: a matcher's file, *.weftm, as bytes.
 *
 *     0   magic "WEFTM\r\n" and 0x1A
 *     8   version, u32; sections, u32
 *     16  bytes of the whole file, u64
 *     24  CRC32C of what is before it (0 in its place) and of the table, u32; zero, u32
 *     32  table: for each section tag u32, CRC32C u32, start u64, bytes u64
 *         sections, each at a multiple of 64, zeros in between
 *
 * Numbers are little-endian, and a section is an array as the program holds it: the file is mapped
 * and used in place, shared by all processes that load it.  Nothing of a file is believed before it
 * is checked: here every byte by the check sums, then by each owner every number that is an index.
 */
#ifndef WF_MATCH_IMAGE_H
#define WF_MATCH_IMAGE_H

#include "match/file/sha256.h"
#include "match/work.h"

#include <weft/match.h>

#define WF_IMAGE_VERSION 2u
#define WF_IMAGE_SECTIONS_MAX 64u

#define WF_TAG(a_, b_, c_, d_)                                                                     \
    ((uint32_t)(a_) | (uint32_t)(b_) << 8 | (uint32_t)(c_) << 16 | (uint32_t)(d_) << 24)

/* ---- writing ---- */

/* The sections of a file to be.  Arrays are borrowed until it is made. */
typedef struct wf_pack {
    struct wf_packed {
        uint32_t tag;
        const void *at;
        size_t bytes;
        bool is_own;
    } sections[WF_IMAGE_SECTIONS_MAX];
    size_t count;
    wf_job job; /* what its making minds; zero: nothing */
    int rc;     /* why it cannot be made: -ENOMEM, or what the job was halted with */
} wf_pack;

void wf_pack_fini(wf_pack *pack);
void wf_pack_add(wf_pack *pack, uint32_t tag, const void *items, size_t count, size_t item_bytes);

/* A section of the pack's own, zeroed, to be filled; NULL: no memory, which the pack remembers. */
void *wf_pack_new(wf_pack *pack, uint32_t tag, size_t count, size_t item_bytes);

/* A section of the pack's own with a copy. */
void wf_pack_copy(wf_pack *pack, uint32_t tag, const void *items, size_t bytes);

/* Looks at the job: false once the pack cannot be made any more.  What fills sections asks now and
 * then, every some hundred thousand numbers, and gives up. */
bool wf_pack_goes_on(wf_pack *pack);

/* Adds bytes to a digest, as long as the pack goes on. */
void wf_pack_digest(wf_pack *pack, wf_sha256 *sha, const void *bytes, size_t count);

/* The bytes of the file, the caller's.  0, or why it cannot be made. */
int wf_pack_make(const wf_pack *pack, weft_bytes *out);

/* ---- reading ---- */

/* Shared by reference count: those that use its sections in place hold one. */
typedef struct wf_image {
    unsigned refs; /* atomic */
    const uint8_t *bytes;
    size_t count;
    bool is_mapped; /* else from wf_alloc */
} wf_image;

/* Opens a file: mapped where it can be, else read.  0, -errno, -ENOMEM. */
int wf_image_open(wf_image **out, const char *path);

/* Of bytes in memory, copied; for tests and fuzzing. */
int wf_image_of(wf_image **out, const void *bytes, size_t count);

wf_image *wf_image_ref(wf_image *image);
void wf_image_unref(wf_image *image); /* NULL is fine */

/* Checks head, table and every check sum.  0; -WEFT_M_EPERSIST with a sentence without its full
 * stop in `reason`; what the job was halted with. */
#define WF_REASON_BYTES 160
int wf_image_check(const wf_image *image, const wf_job *job, char reason[WF_REASON_BYTES]);

/* A section of an image that was checked, as an array; *out_count items.  0, or -WEFT_M_EPERSIST if
 * it is not there or no whole number of items. */
int wf_image_get(const wf_image *image, uint32_t tag, size_t item_bytes, const void **out,
                 size_t *out_count);

/* The same of exactly `count` items.  `out` is the address of a pointer of any type; on failure it
 * is not written to. */
int wf_image_get_exactly(const wf_image *image, uint32_t tag, size_t item_bytes, size_t count,
                         void *out);

/* A section that is one structure, copied. */
int wf_image_get_one(const wf_image *image, uint32_t tag, void *out, size_t bytes);

#endif
