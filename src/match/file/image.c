/* SPDX-License-Identifier: MIT */

#include "match/file/image.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "match/file/crc.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define ALIGNMENT 64u
#define HEAD_BYTES 32u
#define CRC_AT 24u

/* Between two looks at the job. */
#define PIECE_BYTES ((size_t)4 << 20)
#define DIGEST_BYTES ((size_t)1 << 20) /* a digest takes longer than a check sum */
#define PAGE_BYTES 4096u               /* larger ones are advised of in vain */

static const char magic[8] = "WEFTM\r\n\x1A";

struct head {
    char magic[8];
    uint32_t version, section_count;
    uint64_t file_bytes;
    uint32_t crc, zero;
};

struct entry {
    uint32_t tag, crc;
    uint64_t start, bytes;
};

_Static_assert(sizeof(struct head) == HEAD_BYTES, "as the file has it");
_Static_assert(sizeof(struct entry) == 24, "as the file has it");
_Static_assert(sizeof(size_t) == 8, "sections hold sizes of 64 bits");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "sections are used in place");

static size_t aligned(size_t at)
{
    return (at + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static uint32_t crc_of_head(const uint8_t *bytes, size_t section_count)
{
    static const uint8_t zero[4] = {0};
    uint32_t crc = wf_crc32c(0, bytes, CRC_AT);
    crc = wf_crc32c(crc, zero, sizeof(zero));
    size_t rest = CRC_AT + sizeof(zero);
    return wf_crc32c(crc, bytes + rest, HEAD_BYTES - rest + section_count * sizeof(struct entry));
}

/* Pages of a mapped file come in one call rather than in one fault each.  Not with the mapping: a
 * file of any size would come before its head was looked at, and nobody could halt that. */
static void bring(const uint8_t *bytes, size_t count)
{
#ifdef MADV_POPULATE_READ
    size_t ahead = (uintptr_t)bytes % PAGE_BYTES;
    (void)madvise((void *)(bytes - ahead), count + ahead, MADV_POPULATE_READ);
#else
    (void)bytes;
    (void)count;
#endif
}

/* Of a long run of bytes. */
static size_t piece_of(size_t at, size_t count)
{
    return count - at < PIECE_BYTES ? count - at : PIECE_BYTES;
}

/* The check sum of a long run of bytes.  0, or what the job was halted with. */
static int crc_in_pieces(const uint8_t *bytes, size_t count, const wf_job *job, uint32_t *out)
{
    uint32_t crc = 0;
    for (size_t at = 0; at < count; at += PIECE_BYTES) {
        size_t piece = piece_of(at, count);
        bring(bytes + at, piece);
        crc = wf_crc32c(crc, bytes + at, piece);
        int rc = wf_job_poll(job);
        if (rc < 0)
            return rc;
    }
    *out = crc;
    return 0;
}

/* ---- writing ---- */

void wf_pack_fini(wf_pack *pack)
{
    for (size_t i = 0; i < pack->count; i++) {
        if (pack->sections[i].is_own)
            wf_free((void *)pack->sections[i].at);
    }
    *pack = (wf_pack){0};
}

void wf_pack_add(wf_pack *pack, uint32_t tag, const void *items, size_t count, size_t item_bytes)
{
    if (pack->count == WF_IMAGE_SECTIONS_MAX) {
        pack->rc = -ENOMEM;
        return;
    }
    pack->sections[pack->count++] =
        (struct wf_packed){.tag = tag, .at = items, .bytes = count * item_bytes};
}

void *wf_pack_new(wf_pack *pack, uint32_t tag, size_t count, size_t item_bytes)
{
    void *items = pack->rc == 0 ? wf_array(count, item_bytes) : NULL;
    if (items == NULL || pack->count == WF_IMAGE_SECTIONS_MAX) {
        wf_free(items);
        pack->rc = pack->rc < 0 ? pack->rc : -ENOMEM;
        return NULL;
    }
    wf_pack_add(pack, tag, items, count, item_bytes);
    pack->sections[pack->count - 1].is_own = true;
    return items;
}

void wf_pack_copy(wf_pack *pack, uint32_t tag, const void *items, size_t bytes)
{
    void *copy = wf_pack_new(pack, tag, bytes, 1);
    if (copy != NULL && bytes != 0)
        memcpy(copy, items, bytes);
}

bool wf_pack_goes_on(wf_pack *pack)
{
    if (pack->rc == 0)
        pack->rc = wf_job_poll(&pack->job);
    return pack->rc == 0;
}

void wf_pack_digest(wf_pack *pack, wf_sha256 *sha, const void *bytes, size_t count)
{
    const uint8_t *from = bytes;
    for (size_t at = 0; at < count && wf_pack_goes_on(pack);) {
        size_t piece = count - at < DIGEST_BYTES ? count - at : DIGEST_BYTES;
        wf_sha256_add(sha, from + at, piece);
        at += piece;
    }
}

/* The same, of bytes that are copied. */
static int copy_in_pieces(uint8_t *to, const uint8_t *from, size_t count, const wf_job *job,
                          uint32_t *out)
{
    uint32_t crc = 0;
    for (size_t at = 0; at < count; at += PIECE_BYTES) {
        size_t piece = piece_of(at, count);
        memcpy(to + at, from + at, piece);
        crc = wf_crc32c(crc, to + at, piece);
        int rc = wf_job_poll(job);
        if (rc < 0)
            return rc;
    }
    *out = crc;
    return 0;
}

static size_t total_bytes(const wf_pack *pack)
{
    size_t total = HEAD_BYTES + pack->count * sizeof(struct entry);
    for (size_t i = 0; i < pack->count; i++)
        total = aligned(total) + pack->sections[i].bytes;
    return total;
}

/* The bytes are zeroed, so what is between sections stays zero. */
static int fill(const wf_pack *pack, uint8_t *bytes, size_t total)
{
    size_t at = HEAD_BYTES + pack->count * sizeof(struct entry);
    for (size_t i = 0; i < pack->count; i++) {
        const struct wf_packed *section = &pack->sections[i];
        at = aligned(at);
        struct entry entry = {.tag = section->tag, .start = at, .bytes = section->bytes};
        int rc = copy_in_pieces(bytes + at, section->at, section->bytes, &pack->job, &entry.crc);
        if (rc < 0)
            return rc;
        memcpy(bytes + HEAD_BYTES + i * sizeof(entry), &entry, sizeof(entry));
        at += section->bytes;
    }
    struct head head = {
        .version = WF_IMAGE_VERSION, .section_count = (uint32_t)pack->count, .file_bytes = total};
    memcpy(head.magic, magic, sizeof(magic));
    memcpy(bytes, &head, sizeof(head));
    uint32_t crc = crc_of_head(bytes, pack->count);
    memcpy(bytes + CRC_AT, &crc, sizeof(crc));
    return 0;
}

int wf_pack_make(const wf_pack *pack, weft_bytes *out)
{
    size_t total = total_bytes(pack);
    if (pack->rc < 0)
        return pack->rc;
    uint8_t *bytes = wf_alloc(total);
    if (bytes == NULL)
        return -ENOMEM;
    int rc = fill(pack, bytes, total);
    if (rc < 0) {
        wf_free(bytes);
        return rc;
    }
    *out = (weft_bytes){.ptr = (char *)bytes, .len = total};
    return 0;
}

/* ---- life ---- */

static int map_bytes(int fd, size_t count, const uint8_t **out)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "mmap"))
        return -ENODEV;
    void *bytes = mmap(NULL, count, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return -errno;
    *out = bytes;
    return 0;
}

static int read_bytes(int fd, size_t count, const uint8_t **out)
{
    uint8_t *bytes = wf_alloc(count);
    if (bytes == NULL)
        return -ENOMEM;
    size_t at = 0;
    while (at < count) {
        ssize_t got = wf_sys_pread(fd, bytes + at, count - at, (int64_t)at);
        if (got == -EINTR)
            continue;
        if (got <= 0) {
            wf_free(bytes);
            return got < 0 ? (int)got : -EIO; /* it became shorter */
        }
        at += (size_t)got;
    }
    *out = bytes;
    return 0;
}

static int image_new(wf_image **out)
{
    wf_image *image = wf_alloc(sizeof(*image));
    if (image == NULL)
        return -ENOMEM;
    image->refs = 1;
    *out = image;
    return 0;
}

/* A simulated disk's files cannot be mapped, and are read. */
static int image_take(wf_image *image, int fd)
{
    struct stat info;
    int rc = wf_sys_fstat(fd, &info);
    if (rc < 0)
        return rc;
    if (S_ISDIR(info.st_mode))
        return -EISDIR;
    if (info.st_size <= 0)
        return 0;
    image->count = (size_t)info.st_size;
    image->is_mapped = map_bytes(fd, image->count, &image->bytes) == 0;
    return image->is_mapped ? 0 : read_bytes(fd, image->count, &image->bytes);
}

int wf_image_open(wf_image **out, const char *path)
{
    wf_image *image;
    int rc = image_new(&image);
    if (rc < 0)
        return rc;
    int fd = wf_sys_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    rc = fd < 0 ? fd : image_take(image, fd);
    if (fd >= 0)
        wf_sys_close(fd);
    if (rc < 0)
        wf_image_unref(image);
    else
        *out = image;
    return rc;
}

int wf_image_of(wf_image **out, const void *bytes, size_t count)
{
    wf_image *image;
    int rc = image_new(&image);
    if (rc < 0)
        return rc;
    image->bytes = wf_dup(bytes, count);
    image->count = count;
    if (image->bytes == NULL) {
        wf_image_unref(image);
        return -ENOMEM;
    }
    *out = image;
    return 0;
}

wf_image *wf_image_ref(wf_image *image)
{
    __atomic_add_fetch(&image->refs, 1, __ATOMIC_RELAXED);
    return image;
}

void wf_image_unref(wf_image *image)
{
    if (image == NULL || __atomic_sub_fetch(&image->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    if (image->is_mapped)
        munmap((void *)image->bytes, image->count);
    else
        wf_free((void *)image->bytes);
    wf_free(image);
}

/* ---- checking ---- */

static int fail(char reason[WF_REASON_BYTES], const char *format, ...) WEFT_PRINTF(2, 3);
static int fail(char reason[WF_REASON_BYTES], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(reason, WF_REASON_BYTES, format, args);
    va_end(args);
    return -WEFT_M_EPERSIST;
}

static struct head head_of(const wf_image *image)
{
    struct head head;
    memcpy(&head, image->bytes, sizeof(head));
    return head;
}

static struct entry entry_of(const wf_image *image, size_t index)
{
    struct entry entry;
    memcpy(&entry, image->bytes + HEAD_BYTES + index * sizeof(entry), sizeof(entry));
    return entry;
}

static int check_head(const wf_image *image, char reason[WF_REASON_BYTES])
{
    if (image->count < HEAD_BYTES || memcmp(image->bytes, magic, sizeof(magic)) != 0)
        return fail(reason, "this is no file of a matcher");
    struct head head = head_of(image);
    if (head.version != WF_IMAGE_VERSION)
        return fail(reason, "its format has the version %u, and this program reads %u",
                    head.version, WF_IMAGE_VERSION);
    if (head.file_bytes != image->count)
        return fail(reason, "it has %zu bytes instead of %llu: it was cut off or added to",
                    image->count, (unsigned long long)head.file_bytes);
    if (head.section_count > WF_IMAGE_SECTIONS_MAX ||
        HEAD_BYTES + head.section_count * sizeof(struct entry) > image->count)
        return fail(reason, "its table is damaged");
    if (head.crc != crc_of_head(image->bytes, head.section_count))
        return fail(reason, "its table is damaged");
    return 0;
}

/* The section begins where it must behind the one before, which ends at `end`. */
static int check_place(const wf_image *image, struct entry entry, size_t end,
                       char reason[WF_REASON_BYTES])
{
    if (entry.start != aligned(end) || entry.start > image->count ||
        entry.bytes > image->count - entry.start)
        return fail(reason, "its table is damaged");
    for (size_t at = end; at < entry.start; at++) {
        if (image->bytes[at] != 0)
            return fail(reason, "it is damaged between two sections");
    }
    return 0;
}

int wf_image_check(const wf_image *image, const wf_job *job, char reason[WF_REASON_BYTES])
{
    int rc = check_head(image, reason);
    if (rc < 0)
        return rc;
    size_t count = head_of(image).section_count;
    size_t end = HEAD_BYTES + count * sizeof(struct entry);
    for (size_t i = 0; i < count; i++) {
        struct entry entry = entry_of(image, i);
        uint32_t crc = 0;
        rc = check_place(image, entry, end, reason);
        if (rc == 0)
            rc = crc_in_pieces(image->bytes + entry.start, entry.bytes, job, &crc);
        if (rc < 0)
            return rc;
        if (crc != entry.crc)
            return fail(reason, "its section '%.4s' is damaged", (const char *)&entry.tag);
        end = entry.start + entry.bytes;
    }
    return end == image->count ? 0 : fail(reason, "its table is damaged");
}

/* ---- sections ---- */

int wf_image_get(const wf_image *image, uint32_t tag, size_t item_bytes, const void **out,
                 size_t *out_count)
{
    size_t count = head_of(image).section_count;
    for (size_t i = 0; i < count; i++) {
        struct entry entry = entry_of(image, i);
        if (entry.tag != tag)
            continue;
        if (entry.bytes % item_bytes != 0)
            return -WEFT_M_EPERSIST;
        *out = image->bytes + entry.start;
        *out_count = entry.bytes / item_bytes;
        return 0;
    }
    return -WEFT_M_EPERSIST;
}

int wf_image_get_exactly(const wf_image *image, uint32_t tag, size_t item_bytes, size_t count,
                         void *out)
{
    const void *at;
    size_t found;
    int rc = wf_image_get(image, tag, item_bytes, &at, &found);
    if (rc == 0 && found != count)
        rc = -WEFT_M_EPERSIST;
    if (rc == 0)
        memcpy(out, &at, sizeof(at));
    return rc;
}

int wf_image_get_one(const wf_image *image, uint32_t tag, void *out, size_t bytes)
{
    const void *at;
    int rc = wf_image_get_exactly(image, tag, bytes, 1, &at);
    if (rc == 0)
        memcpy(out, at, bytes);
    return rc;
}
