/* SPDX-License-Identifier: MIT */

/* Which checkers (sanitizers, Valgrind) this build is made for, in the same words for every
 * compiler: 0 or 1. */
#ifndef WF_CHECKERS_H
#define WF_CHECKERS_H

#if defined(__has_feature)
#define WF_HAS_FEATURE(name) __has_feature(name)
#else
#define WF_HAS_FEATURE(name) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || WF_HAS_FEATURE(address_sanitizer)
#define WF_HAS_ASAN 1
#define WF_NO_ASAN __attribute__((no_sanitize_address))
#else
#define WF_HAS_ASAN 0
#define WF_NO_ASAN
#endif

#if defined(__SANITIZE_THREAD__) || WF_HAS_FEATURE(thread_sanitizer)
#define WF_HAS_TSAN 1
#else
#define WF_HAS_TSAN 0
#endif

/* Valgrind needs no build of its own; its header must be there. */
#if __has_include(<valgrind/memcheck.h>)
#define WF_HAS_VALGRIND 1
#else
#define WF_HAS_VALGRIND 0
#endif

/* Meson's -Ddebug_checks: breaches of the core's rules that cost time to notice. */
#ifndef WF_DEBUG_CHECKS
#define WF_DEBUG_CHECKS 0
#endif

/* States what the code around it guarantees and a static checker cannot see.  UBSan checks it; the
 * optimiser relies on it. */
#define WF_KNOWN(cond_)                                                                            \
    do {                                                                                           \
        if (!(cond_))                                                                              \
            __builtin_unreachable();                                                               \
    } while (0)

#endif
