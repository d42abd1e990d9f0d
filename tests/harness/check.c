/* SPDX-License-Identifier: MIT */

/* Checks: compare, and end the test's process with a text if it does not hold. */

#include "harness_priv.h"

#include <weft/sim.h>

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

static _Thread_local char note_text[256];

void note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(note_text, sizeof note_text, format, args);
    va_end(args);
}

/* The process is in an unknown state: nothing of it runs any more, no exit handler either. */
_Noreturn void harness_fail(const char *file, int line, const char *format, ...)
{
    va_list args;
    weft_sim_stats stats;
    weft_sim_stats_get(&stats);
    harness_run.report->step = stats.steps;
    va_start(args, format);
    fflush(stdout);
    fprintf(stderr, "%s:%d: ", file, line);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    if (note_text[0] != '\0')
        fprintf(stderr, "  at %s\n", note_text);
    fflush(stderr);
    _exit(HARNESS_EXIT_FAILED);
}

_Noreturn void harness_skip(const char *why)
{
    snprintf(harness_run.report->skip_why, sizeof harness_run.report->skip_why, "%s", why);
    fflush(stdout);
    _exit(HARNESS_EXIT_SKIPPED);
}

void expect_abort(const char *text)
{
    struct harness_report *report = harness_run.report;
    snprintf(report->abort_text, sizeof report->abort_text, "%s", text);
}

/* -1, 0, 1; 2 if the two cannot be ordered (a NaN). */
static int compare_reals(double a, double b)
{
    if (isnan(a) || isnan(b))
        return 2;
    return a < b ? -1 : a > b;
}

static int compare_unsigned(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static double real_of(struct harness_value v)
{
    if (v.type == HARNESS_REAL)
        return v.d;
    return v.type == HARNESS_SIGNED ? (double)v.i : (double)v.u;
}

static int compare_values(struct harness_value a, struct harness_value b)
{
    if (a.type == HARNESS_POINTER || b.type == HARNESS_POINTER)
        return compare_unsigned(a.type == HARNESS_POINTER ? (uintptr_t)a.p : a.u | (uint64_t)a.i,
                                b.type == HARNESS_POINTER ? (uintptr_t)b.p : b.u | (uint64_t)b.i);
    if (a.type == HARNESS_REAL || b.type == HARNESS_REAL)
        return compare_reals(real_of(a), real_of(b));
    bool a_negative = a.type == HARNESS_SIGNED && a.i < 0;
    bool b_negative = b.type == HARNESS_SIGNED && b.i < 0;
    if (a_negative != b_negative)
        return a_negative ? -1 : 1;
    uint64_t a_bits = a.type == HARNESS_SIGNED ? (uint64_t)a.i : a.u;
    uint64_t b_bits = b.type == HARNESS_SIGNED ? (uint64_t)b.i : b.u;
    return compare_unsigned(a_bits, b_bits);
}

static bool order_satisfies(int order, const char *op)
{
    switch (op[0]) {
    case '=':
        return order == 0;
    case '!':
        return order != 0;
    case '<':
        return order == -1 || (op[1] == '=' && order == 0);
    default:
        return order == 1 || (op[1] == '=' && order == 0);
    }
}

static const char *show_value(char *out, size_t bytes, struct harness_value v)
{
    bool is_code = v.type == HARNESS_SIGNED && v.i < 0 && v.i >= -4095;
    if (is_code)
        snprintf(out, bytes, "%lld (%s)", (long long)v.i, weft_strerror((int)v.i));
    else if (v.type == HARNESS_SIGNED)
        snprintf(out, bytes, "%lld", (long long)v.i);
    else if (v.type == HARNESS_UNSIGNED)
        snprintf(out, bytes, "%llu", (unsigned long long)v.u);
    else if (v.type == HARNESS_REAL)
        snprintf(out, bytes, "%.17g", v.d);
    else
        snprintf(out, bytes, "%p", v.p);
    return out;
}

void harness_compare(const char *file, int line, const char *a_text, const char *op,
                     const char *b_text, struct harness_value a, struct harness_value b)
{
    if (order_satisfies(compare_values(a, b), op))
        return;
    char a_shown[96], b_shown[96];
    harness_fail(file, line, "CHECK(%s %s %s)\n  left  %s\n  right %s", a_text, op, b_text,
                 show_value(a_shown, sizeof a_shown, a), show_value(b_shown, sizeof b_shown, b));
}

void harness_ok(const char *file, int line, const char *text, int64_t rc)
{
    if (rc < 0)
        harness_fail(file, line, "CHECK_OK(%s)\n  is %lld: %s", text, (long long)rc,
                     weft_strerror((int)rc));
}

void harness_near(const char *file, int line, const char *text, double a, double b, double eps)
{
    if (!(fabs(a - b) <= eps))
        harness_fail(file, line,
                     "CHECK_NEAR(%s)\n  left  %.17g\n  right %.17g\n  apart %.3g > %.3g", text, a,
                     b, fabs(a - b), eps);
}

void harness_str(const char *file, int line, const char *text, const char *a, const char *b)
{
    if (a == NULL || b == NULL) {
        if (a != b)
            harness_fail(file, line, "CHECK_STR(%s)\n  left  %s\n  right %s", text,
                         a == NULL ? "NULL" : a, b == NULL ? "NULL" : b);
        return;
    }
    if (strcmp(a, b) != 0)
        harness_fail(file, line, "CHECK_STR(%s)\n  left  \"%s\"\n  right \"%s\"", text, a, b);
}

/* Prints up to 24 bytes from `at`: as they are where they can be seen, else as hexadecimal. */
static const char *show_bytes(char *out, size_t out_bytes, const unsigned char *p, size_t n,
                              size_t at)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = at; i < n && i < at + 24 && used + 8 < out_bytes; i++) {
        const char *format = p[i] >= 0x20 && p[i] < 0x7f && p[i] != '\\' ? "%c" : "\\x%02x";
        used += (size_t)snprintf(out + used, out_bytes - used, format, p[i]);
    }
    return out;
}

void harness_bytes(const char *file, int line, const char *text, const void *p, size_t n,
                   const void *q, size_t m)
{
    const unsigned char *a = p, *b = q;
    size_t at = 0;
    while (at < n && at < m && a[at] == b[at])
        at++;
    if (at == n && at == m)
        return;
    char a_shown[128], b_shown[128];
    size_t from = at > 8 ? at - 8 : 0;
    harness_fail(file, line,
                 "CHECK_BYTES(%s): differ at byte %zu\n  left  %zu bytes, from %zu: %s\n"
                 "  right %zu bytes, from %zu: %s",
                 text, at, n, from, show_bytes(a_shown, sizeof a_shown, a, n, from), m, from,
                 show_bytes(b_shown, sizeof b_shown, b, m, from));
}
