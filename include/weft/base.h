/* SPDX-License-Identifier: MIT */

/*
 * Base: what every public header needs.  Linkage, units, return values, strings.
 *
 * Return values.  A function that can fail returns >= 0 on success and a negative code on failure:
 * -E… for the system's reasons, -WEFT_E… for ours.  `errno` is never the way a result travels.
 *
 * Threads.  Unless a comment says otherwise, a call belongs to the thread that runs the loop the
 * object lives on.
 */
#ifndef WEFT_BASE_H
#define WEFT_BASE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
#define WEFT_BEGIN_DECLS extern "C" {
#define WEFT_END_DECLS }
#else
#define WEFT_BEGIN_DECLS
#define WEFT_END_DECLS
#endif

#if defined(__GNUC__)
#define WEFT_API __attribute__((visibility("default")))
#define WEFT_MUST_USE __attribute__((warn_unused_result))
#define WEFT_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))
#else
#define WEFT_API
#define WEFT_MUST_USE
#define WEFT_PRINTF(format_at, args_at)
#endif

/* Marks a call in which the calling task may be suspended (a suspension point).  Other tasks run
 * there, and a cancelled task gets -ECANCELED from it.  Expands to nothing; readers need it. */
#define WEFT_WAITS

WEFT_BEGIN_DECLS

/* Nanoseconds, signed.  A deadline is a point on the loop's clock, see weft_now(). */
typedef int64_t weft_time;

#define WEFT_US ((weft_time)1000)
#define WEFT_MS ((weft_time)1000000)
#define WEFT_SEC ((weft_time)1000000000)
#define WEFT_FOREVER INT64_MAX

/* A body, the function a task runs: what it returns is its result if >= 0, else (down to -4095) its
 * error. */
typedef int weft_fn(void *arg);

/* Bytes somebody else owns; not NUL-terminated. */
typedef struct weft_str {
    const char *ptr;
    size_t len;
} weft_str;

/* Initialises one from a literal: weft_str id = WEFT_STR("DE"); */
#define WEFT_STR(literal)                                                                          \
    {                                                                                              \
        "" literal, sizeof(literal) - 1                                                            \
    }

/* The bytes of a C string; {NULL, 0} of NULL.  Print one by printf("%.*s", (int)s.len, s.ptr). */
static inline weft_str weft_str_of(const char *text)
{
    weft_str str = {text, text != NULL ? strlen(text) : 0};
    return str;
}

/* Bytes the caller owns, with a NUL behind them that `len` does not count. */
typedef struct weft_bytes {
    char *ptr;
    size_t len;
} weft_bytes;

/* Our own error codes lie in 4000-4095, above every errno of the system. */
enum {
    WEFT_ESYNTAX = 4000, /* input is not of the form it claims to be */
    WEFT_ELIMIT,  /* a named limit was passed; the text says which, its value, and what was seen */
    WEFT_ECLOSED, /* the object is closed */
    WEFT_ETRUNCATED, /* the peer ended in the middle of something */
    WEFT_EEXCEPTION, /* a C++ exception left a body; the text is its what() */
    WEFT_ENONAME,    /* there is no host of that name, or it has no address */
    WEFT_EDNS,       /* the name servers do not say */
    WEFT_ETLS,       /* TLS: not trusted, refused, or against its rules; the text says which */

    WEFT_M_EVALID = 4020, /* matcher: invalid argument or catalogue */
    WEFT_M_EMODE,         /* matcher: unknown mode */
    WEFT_M_ETRAIN,        /* matcher: training failed */
    WEFT_M_ENOTREADY,     /* matcher: call fit first */
    WEFT_M_EMATCH,        /* matcher: matching failed */
    WEFT_M_EMODEL,        /* matcher: no such model, or a bad one */
    WEFT_M_EPERSIST,      /* matcher: a saved file is not valid */
    WEFT_M_ECLOSED,       /* matcher: used after close */
};

/* The text of a return value: "ok" for >= 0, the system's or our text otherwise.  Static storage.
 */
WEFT_API const char *weft_strerror(int rc);

/* Frees the bytes and empties *bytes.  An empty one and NULL are fine. */
WEFT_API void weft_bytes_free(weft_bytes *bytes);

/* "MAJOR.MINOR.PATCH" of the library in use; a debug build adds "+debug". */
WEFT_API const char *weft_version(void);

WEFT_END_DECLS

#endif
