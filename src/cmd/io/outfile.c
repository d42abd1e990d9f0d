/* SPDX-License-Identifier: MIT */

#include "cmd/io/outfile.h"

#include "base/str.h"
#include "cmd/say.h"
#include "service/leftover.h"

#include <weft/file.h>
#include <weft/io.h>
#include <weft/scope.h>
#include <weft/task.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

/* The most that is done again after a crash; and keeping takes a twentieth of the time at most. */
#define KEEP_TIME (100 * WEFT_MS)
#define KEEP_SHARE 20
#define LOCK_TIME (1 * WEFT_SEC)
#define CLOSE_TIME (2 * WEFT_SEC)  /* for a disk that is slow when the program is to end */
#define RESUME_BYTES_MAX (1 << 16) /* of PATH.resume */
#define FILE_MODE 0666u            /* less the umask */

static const char head[] = "weft resume 1\n";

/* ---- PATH.resume ---- */

struct kept {
    uint64_t texts, bytes, is_whole;
    weft_str run;
};

static bool take_text(weft_str *rest, const char *text)
{
    size_t bytes = strlen(text);
    if (rest->len < bytes || memcmp(rest->ptr, text, bytes) != 0)
        return false;
    *rest = (weft_str){rest->ptr + bytes, rest->len - bytes};
    return true;
}

/* "name: 123\n" */
static bool take_number(weft_str *rest, const char *name, uint64_t *out)
{
    size_t digits = 0;
    if (!take_text(rest, name) || !take_text(rest, ": "))
        return false;
    for (*out = 0;
         digits < rest->len && digits < 18 && rest->ptr[digits] >= '0' && rest->ptr[digits] <= '9';
         digits++)
        *out = *out * 10 + (uint64_t)(rest->ptr[digits] - '0');
    *rest = (weft_str){rest->ptr + digits, rest->len - digits};
    return digits != 0 && take_text(rest, "\n");
}

static bool kept_read(struct kept *kept, weft_str text)
{
    bool is_good = take_text(&text, head) && take_number(&text, "texts", &kept->texts) &&
                   take_number(&text, "bytes", &kept->bytes) &&
                   take_number(&text, "whole", &kept->is_whole);
    kept->run = text;
    return is_good && kept->bytes <= INT64_MAX;
}

static int kept_write(const struct outfile *file, bool is_whole)
{
    wf_buf buf = {0};
    wf_buf_puts(&buf, head);
    wf_buf_printf(&buf, "texts: %" PRIu64 "\nbytes: %" PRIu64 "\nwhole: %d\n", file->texts,
                  file->bytes, is_whole);
    wf_buf_append(&buf, file->run.ptr, file->run.len);
    int rc = buf.rc;
    if (rc == 0)
        rc = weft_file_save(wf_buf_ptr(&file->resume_name), wf_buf_ptr(&buf), wf_buf_bytes(&buf),
                            FILE_MODE);
    wf_buf_fini(&buf);
    return rc;
}

/* Makes what was written safe, then says so: in this order, whatever happens between. */
static int keep(struct outfile *file, bool is_whole)
{
    weft_time begun_at = weft_now();
    int rc = weft_fsync(file->fd);
    if (rc == 0 && file->run.len != 0)
        rc = kept_write(file, is_whole);
    weft_time now = weft_now(), pause = (now - begun_at) * KEEP_SHARE;
    file->keep_at = now + (pause > KEEP_TIME ? pause : KEEP_TIME);
    return rc;
}

/* ---- where an earlier run stopped ---- */

static weft_str line_of(weft_str text)
{
    const char *end = memchr(text.ptr, '\n', text.len);
    return (weft_str){text.ptr, end != NULL ? (size_t)(end - text.ptr) : text.len};
}

/* The first line in which two runs differ. */
static int say_other_run(const struct outfile *file, weft_str then)
{
    weft_str now = file->run;
    weft_str was = line_of(then), is = line_of(now);
    while (wf_str_equals(was, is) && was.len < then.len && is.len < now.len) {
        then = (weft_str){then.ptr + was.len + 1, then.len - was.len - 1};
        now = (weft_str){now.ptr + is.len + 1, now.len - is.len - 1};
        was = line_of(then);
        is = line_of(now);
    }
    return say_failed("%s holds the answers of another run: there '%.*s', here '%.*s'\n"
                      "repeat that run to go on with it, or begin anew with --restart",
                      wf_buf_ptr(&file->part_name), (int)was.len, was.ptr, (int)is.len, is.ptr);
}

static int take_kept(struct outfile *file, weft_str text)
{
    struct kept kept;
    if (!kept_read(&kept, text))
        return say_failed("%s is not what 'weft match query' writes; --restart begins anew",
                          wf_buf_ptr(&file->resume_name));
    if (!wf_str_equals(kept.run, file->run))
        return say_other_run(file, kept.run);
    file->texts = kept.texts;
    file->bytes = kept.bytes;
    file->is_whole = kept.is_whole != 0;
    return 0;
}

static int find_kept(struct outfile *file)
{
    weft_bytes bytes;
    const char *name = wf_buf_ptr(&file->resume_name);
    int rc = weft_file_load(name, RESUME_BYTES_MAX, &bytes);
    if (rc == -ENOENT)
        return 0;
    if (rc < 0)
        return rc == -ECANCELED ? rc : say_failed("%s: %s", name, weft_strerror(rc));
    rc = take_kept(file, (weft_str){(const char *)bytes.ptr, bytes.len});
    weft_bytes_free(&bytes);
    return rc;
}

/* ---- open ---- */

/* As a whole run leaves it when it was cut off between its last steps. */
static int finish_whole(struct outfile *file)
{
    int rc = weft_rename(wf_buf_ptr(&file->part_name), file->path);
    if (rc == 0 || rc == -ENOENT)
        rc = weft_unlink(wf_buf_ptr(&file->resume_name));
    return rc == 0 || rc == -ECANCELED ? rc : say_failed("%s: %s", file->path, weft_strerror(rc));
}

static int check_target(const struct outfile *file)
{
    struct stat info;
    int rc = weft_stat(file->path, &info);
    if (rc == 0 && !S_ISREG(info.st_mode))
        return say_failed("%s is no regular file; answers go to standard output without --output",
                          file->path);
    if (rc == 0 || rc == -ENOENT || rc == -ECANCELED)
        return rc == -ENOENT ? 0 : rc;
    return say_failed("%s: %s", file->path, weft_strerror(rc));
}

/* True if the name still is that of the open file: a run that has just ended took it away. */
static bool is_named(const struct outfile *file, const struct stat *info)
{
    struct stat named;
    return weft_stat(wf_buf_ptr(&file->part_name), &named) == 0 && named.st_ino == info->st_ino &&
           named.st_dev == info->st_dev;
}

/* The kernel may hold the files of a process with io_uring a moment longer than the process is
 * there. 1, 0 if another run has it, or -ECANCELED. */
static int lock_part(const struct outfile *file)
{
    const weft_time give_up_at = weft_now() + LOCK_TIME;
    while (flock(file->fd, LOCK_EX | LOCK_NB) < 0 &&
           errno == EWOULDBLOCK) { /* some disks have none */
        if (weft_now() >= give_up_at)
            return 0;
        int rc = weft_sleep(10 * WEFT_MS);
        if (rc < 0)
            return rc;
    }
    return 1;
}

/* Cuts off what is not known to be safe; and what a run that was killed while it replaced its notes
 * has left goes. */
static int cut_part(struct outfile *file)
{
    struct stat info;
    const char *part = wf_buf_ptr(&file->part_name), *resume = wf_buf_ptr(&file->resume_name);
    int locked = lock_part(file);
    if (locked <= 0)
        return locked < 0 ? locked : say_failed("%s: another run is writing it", part);
    int rc = weft_fstat(file->fd, &info);
    if (rc == 0 && !is_named(file, &info))
        return say_failed("%s: another run was writing it", part);
    if (rc == 0 && (uint64_t)info.st_size < file->bytes)
        return say_failed("%s is shorter than %s says; --restart begins anew", part, resume);
    if (rc == 0 && file->bytes == 0)
        rc = weft_unlink(resume);
    if (rc == 0 || rc == -ENOENT)
        rc = weft_truncate(file->fd, (int64_t)file->bytes);
    if (rc == 0)
        rc = leftover_drop(resume, 0);
    if (rc == 0)
        rc = keep(file, false);
    return rc == 0 || rc == -ECANCELED ? rc : say_failed("%s: %s", part, weft_strerror(rc));
}

/* Where there is no file that goes on, the name is told that was given. */
static int say_unopened(const struct outfile *file)
{
    struct stat info;
    const char *part = wf_buf_ptr(&file->part_name);
    int rc = weft_stat(part, &info);
    return rc == -ECANCELED
               ? rc
               : say_failed("%s: %s", rc == 0 ? part : file->path, weft_strerror(file->fd));
}

static int open_part(struct outfile *file)
{
    file->fd = weft_open(wf_buf_ptr(&file->part_name), O_RDWR | O_CREAT, FILE_MODE);
    if (file->fd < 0)
        return file->fd == -ECANCELED ? file->fd : say_unopened(file);
    int rc = cut_part(file);
    if (rc != 0) {
        (void)weft_close(file->fd);
        file->fd = -1;
    }
    return rc;
}

int outfile_open(struct outfile *file, const char *path, weft_str run, bool is_anew)
{
    *file = (struct outfile){.path = path, .run = run, .fd = -1};
    wf_buf_printf(&file->part_name, "%s.part%c", path, '\0');
    wf_buf_printf(&file->resume_name, "%s.resume%c", path, '\0');
    if (file->part_name.rc < 0 || file->resume_name.rc < 0)
        return say_failed("%s: %s", path, weft_strerror(-ENOMEM));
    int rc = check_target(file);
    if (rc == 0 && run.len != 0 && !is_anew)
        rc = find_kept(file);
    if (rc != 0)
        return rc;
    return file->is_whole ? finish_whole(file) : open_part(file);
}

/* ---- write ---- */

static int write_at(int fd, const char *bytes, size_t count, uint64_t offset)
{
    while (count != 0) {
        ssize_t rc = weft_pwrite(fd, bytes, count, (int64_t)offset);
        if (rc <= 0)
            return rc < 0 ? (int)rc : -EIO;
        bytes += rc;
        offset += (uint64_t)rc;
        count -= (size_t)rc;
    }
    return 0;
}

int outfile_write(struct outfile *file, wf_buf *lines, uint64_t text_count)
{
    if (lines->rc < 0)
        return lines->rc;
    size_t count = wf_buf_bytes(lines);
    int rc = write_at(file->fd, wf_buf_ptr(lines), count, file->bytes);
    wf_buf_reset(lines);
    if (rc < 0)
        return rc;
    file->bytes += count;
    file->texts += text_count;
    return weft_now() < file->keep_at ? 0 : keep(file, false);
}

/* So that the name outlives a power failure. */
static int sync_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    wf_buf name = {0};
    if (slash == NULL)
        wf_buf_putc(&name, '.');
    else
        wf_buf_append(&name, path, (size_t)(slash - path) + 1);
    wf_buf_putc(&name, '\0');
    int fd = name.rc < 0 ? name.rc : weft_open(wf_buf_ptr(&name), O_RDONLY | O_DIRECTORY, 0);
    wf_buf_fini(&name);
    if (fd < 0)
        return fd;
    int rc = weft_fsync(fd);
    (void)weft_close(fd);
    return rc;
}

int outfile_finish(struct outfile *file)
{
    int rc = keep(file, true);
    file->is_whole = rc == 0;
    if (rc == 0)
        rc = weft_rename(wf_buf_ptr(&file->part_name), file->path);
    if (rc == 0)
        rc = sync_directory(file->path);
    if (rc < 0)
        return rc;
    (void)weft_close(file->fd);
    file->fd = -1;
    return file->run.len == 0 ? 0 : weft_unlink(wf_buf_ptr(&file->resume_name));
}

static void drop(const char *name)
{
    int rc = weft_unlink(name);
    if (rc < 0 && rc != -ENOENT)
        say("%s: %s", name, weft_strerror(rc));
}

static void keep_for_later(struct outfile *file)
{
    const char *part = wf_buf_ptr(&file->part_name);
    WEFT_SHIELD(rest, CLOSE_TIME);
    if (file->run.len == 0 || file->texts == 0) { /* nothing to go on with */
        drop(wf_buf_ptr(&file->resume_name));
        drop(part);
    } else if (file->is_whole || keep(file, false) == 0) {
        /* The notes of a whole file stand: it may have its name already. */
        say("%" PRIu64 " texts are answered in %s; the same command goes on from there",
            file->texts, part);
    }
    (void)weft_close(file->fd);
    file->fd = -1;
}

void outfile_close(struct outfile *file)
{
    if (file->fd >= 0)
        keep_for_later(file);
    wf_buf_fini(&file->part_name);
    wf_buf_fini(&file->resume_name);
}
