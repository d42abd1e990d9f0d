/* SPDX-License-Identifier: MIT */

/* Files over HTTP: which file a path means, and what is said of it.  files_send.c sends it. */

#include <weft/error.h>
#include <weft/file.h>
#include <weft/io.h>
#include <weft/sys/loop.h>
#include <weft/sys/park.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/sys.h"
#include "coding/accept.h"
#include "coding/coding.h"
#include "h1/chars.h"
#include "h1/write.h"
#include "http/exchange/request.h"
#include "http/exchange/response.h"
#include "http/files/files_priv.h"
#include "http/files/media_type.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* ---- life ---- */

int weft_http_files_open(weft_http_files **out, const char *directory,
                         const weft_http_files_options *options)
{
    if (options != NULL && wf_h1_value_check(weft_str_of(options->cache_control)) < 0)
        return weft_fail(-EINVAL, "cache_control has a control character");
    int dir = weft_open(directory, O_RDONLY | O_DIRECTORY, 0);
    if (dir < 0)
        return weft_fail(dir, "%s: %s", directory, weft_strerror(dir));
    weft_http_files *files = wf_alloc(sizeof *files);
    if (files == NULL) {
        (void)weft_close(dir);
        return -ENOMEM;
    }
    if (options != NULL)
        files->options = *options;
    if (files->options.index == NULL)
        files->options.index = "index.html";
    files->dir = dir;
    *out = files;
    return 0;
}

void weft_http_files_close(weft_http_files *files)
{
    if (files == NULL)
        return;
    (void)weft_close(files->dir);
    wf_free(files);
}

/* ---- paths ---- */

static bool part_is_hidden(weft_str part, bool is_first)
{
    static const weft_str well_known = WEFT_STR(".well-known");
    if (part.len == 0 || part.ptr[0] != '.')
        return false;
    return !is_first || part.len != well_known.len ||
           memcmp(part.ptr, well_known.ptr, part.len) != 0;
}

/* "a/b", "a/", "": parts that name something.  What could mean two things is not there. */
static bool path_is_fine(const weft_http_files *files, weft_str path)
{
    bool is_first = true;
    if (path.len > WF_FILE_PATH_MAX || (path.len > 0 && memchr(path.ptr, 0, path.len) != NULL))
        return false;
    while (path.len > 0) {
        const char *slash = memchr(path.ptr, '/', path.len);
        weft_str part = {path.ptr, slash == NULL ? path.len : (size_t)(slash - path.ptr)};
        bool is_dots = part.len <= 2 && memcmp(part.ptr, "..", part.len) == 0; /* or empty */
        if (is_dots || memchr(part.ptr, '\\', part.len) != NULL ||
            (!files->options.shows_dotfiles && part_is_hidden(part, is_first)))
            return false;
        path = slash == NULL ? (weft_str){"", 0} : (weft_str){slash + 1, path.len - part.len - 1};
        is_first = false;
    }
    return true;
}

/* ---- the file ---- */

static int file_stat(int fd, struct wf_file *out)
{
    struct statx info;
    int rc = weft_op_wait(
        &(weft_op_args){.kind = WEFT_OP_STAT, .fd = fd, .flags = AT_STATX_DONT_SYNC, .buf = &info});
    if (rc < 0)
        return rc;
    *out = (struct wf_file){
        .fd = fd,
        .is_dir = S_ISDIR(info.stx_mode),
        .is_regular = S_ISREG(info.stx_mode),
        .bytes = info.stx_size,
        .modified = info.stx_mtime.tv_sec,
        .modified_ns = info.stx_mtime.tv_nsec,
    };
    return 0;
}

/* Opens what the path names.  0 with file->fd, or an error. */
static int file_open(const weft_http_files *files, const char *path, struct wf_file *file)
{
    unsigned how = files->options.refuses_links ? WEFT_BENEATH_NO_LINKS : 0;
    int fd = weft_open_beneath(files->dir, path[0] != 0 ? path : ".", O_RDONLY, how);
    if (fd < 0)
        return fd;
    int rc = file_stat(fd, file);
    if (rc < 0)
        (void)weft_close(fd);
    return rc;
}

void wf_file_close(struct wf_file *file)
{
    (void)weft_close(file->fd);
    file->fd = -1;
}

/* ---- compressed siblings ---- */

static const struct {
    enum wf_coding coding;
    const char *ending;
} siblings[] = {
    {WF_CODING_ZSTD, ".zst"},
    {WF_CODING_BR, ".br"},
    {WF_CODING_GZIP, ".gz"},
};
enum { SIBLING_COUNT = sizeof siblings / sizeof siblings[0] };

static const char *sibling_ending(enum wf_coding coding)
{
    size_t i = 0;
    while (siblings[i].coding != coding)
        i++;
    return siblings[i].ending;
}

static void accept_of(const weft_http_request *req, struct wf_accept_coding *out)
{
    wf_accept_coding_init(out);
    for (uint32_t i = 0; i < req->head.field_count; i++) {
        const struct wf_h1_field *field = &req->fields[i];
        if (WF_HTTP_EQUAL(req->text + field->name_at, field->name_len, "accept-encoding"))
            wf_accept_coding_add(out, (weft_str){req->text + field->value_at, field->value_len});
    }
}

static bool file_is_newer(const struct wf_file *a, const struct wf_file *b)
{
    return a->modified != b->modified ? a->modified > b->modified : a->modified_ns > b->modified_ns;
}

/* The sibling in the coding that the client likes best takes the file's place. */
static int file_prefer_sibling(const weft_http_files *files, const weft_http_request *req,
                               char path[WF_FILE_PATH_MAX + 64], struct wf_file *file)
{
    struct wf_accept_coding accept;
    unsigned offered = 0;
    size_t len = strlen(path);
    accept_of(req, &accept);
    for (size_t i = 0; i < SIBLING_COUNT; i++)
        offered |= 1u << siblings[i].coding;
    for (;;) {
        enum wf_coding coding = wf_accept_coding_choose(&accept, offered);
        struct wf_file other;
        if (coding == WF_CODING_IDENTITY || coding == WF_CODING_NONE)
            return 0;
        offered &= ~(1u << coding);
        snprintf(path + len, 8, "%s", sibling_ending(coding));
        int rc = file_open(files, path, &other);
        path[len] = 0;
        if (rc == -ECANCELED || rc == -ENOMEM)
            return rc;
        if (rc < 0)
            continue;
        if (!other.is_regular || file_is_newer(file, &other)) {
            wf_file_close(&other);
            continue;
        }
        wf_file_close(file);
        *file = other;
        file->coding = coding;
        return 0;
    }
}

/* ---- what is said of it ---- */

static const char *type_of(const weft_http_files *files, weft_str path)
{
    weft_str ending = wf_path_ending(path);
    for (size_t i = 0; i < files->options.type_count; i++) {
        const weft_http_file_type *type = &files->options.types[i];
        if (wf_http_equal(ending.ptr, ending.len, type->ending, strlen(type->ending)))
            return type->type;
    }
    return wf_media_type_of(path);
}

/* Changed a moment ago it may change again within what its time can tell, so that the tag is weak
 * (RFC 9110 8.8.1); and so for the date, which tells whole seconds. */
static void file_describe(struct wf_file *file)
{
    int64_t now = wf_sys_wall() / WEFT_SEC;
    bool is_fresh = file->modified >= now - 1;
    const char *coding = file->coding != WF_CODING_IDENTITY ? wf_coding_name(file->coding) : "";
    int len = snprintf(file->tag, sizeof file->tag, "%s\"%llx.%lx-%llx%s%s\"", is_fresh ? "W/" : "",
                       (unsigned long long)file->modified, (unsigned long)file->modified_ns,
                       (unsigned long long)file->bytes, coding[0] != 0 ? "-" : "", coding);
    file->validators = (struct wf_validators){
        .tag = {file->tag, (size_t)len},
        .modified = file->modified,
        .is_date_strong = !is_fresh,
        .now = now,
    };
}

static int field_put(weft_http_response *res, const char *name, const char *value)
{
    return weft_http_set_field(res, name, weft_str_of(value));
}

int wf_files_put_fields(const weft_http_files *files, weft_http_response *res,
                        const struct wf_file *file)
{
    char date[WF_H1_DATE_BYTES];
    wf_h1_write_date(date, file->modified);
    WEFT_TRY(weft_http_set_field(res, "ETag", file->validators.tag));
    WEFT_TRY(weft_http_set_field(res, "Last-Modified", (weft_str){date, sizeof date}));
    WEFT_TRY(field_put(res, "Accept-Ranges", "bytes"));
    WEFT_TRY(field_put(res, "X-Content-Type-Options", "nosniff"));
    if (files->options.cache_control != NULL)
        WEFT_TRY(field_put(res, "Cache-Control", files->options.cache_control));
    if (files->options.has_compressed)
        WEFT_TRY(field_put(res, "Vary", "Accept-Encoding"));
    if (file->coding != WF_CODING_IDENTITY)
        WEFT_TRY(field_put(res, "Content-Encoding", wf_coding_name(file->coding)));
    return 0;
}

/* ---- answers without a file ---- */

static int answer_error(weft_http_response *res, int rc)
{
    switch (rc) {
    case -ENOENT:
    case -ENOTDIR:
    case -ELOOP:
    case -EXDEV:
    case -ENAMETOOLONG:
    case -ENXIO: /* a socket, a device that is not there */
    case -ENODEV:
        return weft_http_fail(res, 404, NULL, "There is nothing at this path.");
    case -EACCES:
    case -EPERM:
        return weft_http_fail(res, 403, NULL, "This file is not for everybody.");
    default:
        return rc;
    }
}

/* ---- the answer ---- */

/* The file that the path, which is fine, stands for.  A directory that is to be redirected stays
 * open as such. */
static int file_find(const weft_http_files *files, const weft_http_request *req, weft_str path,
                     char text[WF_FILE_PATH_MAX + 64], struct wf_file *file)
{
    bool is_dir = path.len == 0 || path.ptr[path.len - 1] == '/';
    int len = snprintf(text, WF_FILE_PATH_MAX + 64, "%.*s%.60s", (int)path.len, path.ptr,
                       is_dir ? files->options.index : "");
    (void)len;
    WEFT_TRY(file_open(files, text, file));
    if (file->is_dir && !is_dir)
        return 0;
    if (!file->is_regular) {
        wf_file_close(file);
        return -ENOENT;
    }
    int rc = files->options.has_compressed ? file_prefer_sibling(files, req, text, file) : 0;
    if (rc < 0)
        wf_file_close(file);
    return rc;
}

int weft_http_files_send(weft_http_files *files, weft_http_request *req, weft_http_response *res,
                         weft_str path)
{
    char text[WF_FILE_PATH_MAX + 64];
    struct wf_file file;
    if (!path_is_fine(files, path))
        return answer_error(res, -ENOENT);
    int rc = file_find(files, req, path, text, &file);
    if (rc < 0)
        return answer_error(res, rc);
    if (file.is_dir) {
        wf_file_close(&file);
        return wf_response_add_slash(res, path, 301);
    }
    file_describe(&file);
    file.type = type_of(files, weft_str_of(text));
    rc = wf_files_answer(files, req, res, &file);
    wf_file_close(&file);
    return rc;
}

int weft_http_files_handler(weft_http_request *req, weft_http_response *res, void *arg)
{
    weft_str path = weft_http_path_param(req, "path");
    if (path.ptr == NULL)
        return weft_fail(-EINVAL, "the route has no parameter {path*}");
    return weft_http_files_send(arg, req, res, path);
}
