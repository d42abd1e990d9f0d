/* SPDX-License-Identifier: MIT */

/*
 * The test library.  A test file is a program: include this, write tests, nothing else.
 *
 *     TEST(heap_pops_in_order) { … }             plain, in a process of its own
 *     TASK_TEST(test_C07_…) { … }                inside a task: once on each back end
 *     RUN_TEST(test_K03_…) { … }                 outside any task, once for each back end: makes
 *                                                its own runs, by test_config()
 *     KERNEL_TEST(test_O01_…) { … }              RUN_TEST without the simulation
 *     SCENARIO(three_tasks_share_a_lock) { … }   TASK_TEST that returns an int, then the sweeps
 *     LOOPS_TEST(test_X05_…, 3) { … }            TASK_TEST in a run of so many loops; in real
 *                                                time, except in the simulation
 *
 * There are also KERNEL_TASK_TEST, KERNEL_LOOPS_TEST, KERNEL_SCENARIO and LOOPS_SCENARIO.
 *
 * Every test has its own process and a time limit, runs on a platform table that counts, has a
 * virtual clock (use_real_time() turns that off), and fails when it leaves behind memory,
 * descriptors, threads or processes.
 *
 * A scenario is run once plainly, where it must return >= 0.  Then again and again, each time with
 * one thing going wrong: a cancel or a deadline at the k-th suspension point, the k-th allocation
 * refused, the k-th system call failed, for k = 1, 2, 3 … until nothing is left to go wrong.  There
 * it may return what it likes, but must end, leak nothing, and keep its invariants.
 *
 * A WORK_SCENARIO computes, in executors at most, which is the same on every kernel back end: it is
 * run in simulation and, with real threads, on the first of those.  A DEAR_SCENARIO takes long and
 * fails in the same few ways at hundreds of points: the first HARNESS_DENSE of them are all tried,
 * after those ever fewer, to the end (with --torture all).
 */
#ifndef WF_TESTS_HARNESS_H
#define WF_TESTS_HARNESS_H

#include <weft/base.h>
#include <weft/run.h>
#include <weft/sys/fault.h>
#include <weft/sys/platform.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* ---- defining tests ---- */

enum harness_kind { HARNESS_PLAIN, HARNESS_RUN, HARNESS_TASK, HARNESS_SCENARIO };

struct harness_test {
    const char *name;
    enum harness_kind kind;
    unsigned loops;            /* of the run; 0: 1 */
    bool needs_kernel;         /* not in simulation */
    bool is_work;              /* in simulation and on one kernel back end */
    bool is_dear;              /* SCENARIO: sweeps leave out points that are far behind */
    void (*body)(void);        /* PLAIN, RUN, TASK */
    int (*scenario)(void);     /* SCENARIO */
    void (*invariant)(int rc); /* SCENARIO: after each run, outside any task; may be NULL */
    struct harness_test *next;
};

void harness_register(struct harness_test *test);

#define HARNESS_ADD_(name_, ...)                                                                   \
    static struct harness_test harness_##name_ = {.name = #name_, __VA_ARGS__};                    \
    __attribute__((constructor)) static void harness_add_##name_(void)                             \
    {                                                                                              \
        harness_register(&harness_##name_);                                                        \
    }

#define HARNESS_VOID_(name_, ...)                                                                  \
    static void body_##name_(void);                                                                \
    HARNESS_ADD_(name_, .body = body_##name_, __VA_ARGS__)                                         \
    static void body_##name_(void)

#define TEST(name_) HARNESS_VOID_(name_, .kind = HARNESS_PLAIN)
#define RUN_TEST(name_) HARNESS_VOID_(name_, .kind = HARNESS_RUN)
#define KERNEL_TEST(name_) HARNESS_VOID_(name_, .kind = HARNESS_RUN, .needs_kernel = true)
#define TASK_TEST(name_) HARNESS_VOID_(name_, .kind = HARNESS_TASK)
#define KERNEL_TASK_TEST(name_) HARNESS_VOID_(name_, .kind = HARNESS_TASK, .needs_kernel = true)
#define LOOPS_TEST(name_, loops_) HARNESS_VOID_(name_, .kind = HARNESS_TASK, .loops = (loops_))
#define KERNEL_LOOPS_TEST(name_, loops_)                                                           \
    HARNESS_VOID_(name_, .kind = HARNESS_TASK, .loops = (loops_), .needs_kernel = true)

/* `invariant_` is a function of the body's result, called when everything of a run is gone. */
#define HARNESS_INT_(name_, ...)                                                                   \
    static int body_##name_(void);                                                                 \
    HARNESS_ADD_(name_, .kind = HARNESS_SCENARIO, .scenario = body_##name_, __VA_ARGS__)           \
    static int body_##name_(void)
#define SCENARIO_WITH(name_, invariant_) HARNESS_INT_(name_, .invariant = (invariant_))
#define SCENARIO(name_) SCENARIO_WITH(name_, NULL)
#define WORK_SCENARIO(name_) HARNESS_INT_(name_, .is_work = true)
#define DEAR_SCENARIO(name_) HARNESS_INT_(name_, .is_dear = true)
#define KERNEL_SCENARIO(name_) HARNESS_INT_(name_, .needs_kernel = true)
#define LOOPS_SCENARIO(name_, loops_) HARNESS_INT_(name_, .loops = (loops_))

/* ---- checks: print where, what and the values, and end the test ---- */

#define CHECK(cond_)                                                                               \
    do {                                                                                           \
        if (!(cond_))                                                                              \
            harness_fail(__FILE__, __LINE__, "CHECK(%s)", #cond_);                                 \
    } while (0)

/* Numbers and pointers of any types; signs are minded. */
#define CHECK_EQ(a_, b_) HARNESS_COMPARE_(a_, ==, b_)
#define CHECK_NE(a_, b_) HARNESS_COMPARE_(a_, !=, b_)
#define CHECK_LT(a_, b_) HARNESS_COMPARE_(a_, <, b_)
#define CHECK_LE(a_, b_) HARNESS_COMPARE_(a_, <=, b_)
#define CHECK_GT(a_, b_) HARNESS_COMPARE_(a_, >, b_)
#define CHECK_GE(a_, b_) HARNESS_COMPARE_(a_, >=, b_)
#define HARNESS_COMPARE_(a_, op_, b_)                                                              \
    harness_compare(__FILE__, __LINE__, #a_, #op_, #b_, HARNESS_VALUE_(a_), HARNESS_VALUE_(b_))

/* A return value that must be >= 0. */
#define CHECK_OK(rc_) harness_ok(__FILE__, __LINE__, #rc_, (int64_t)(rc_))

#define CHECK_STR(a_, b_) harness_str(__FILE__, __LINE__, #a_, (a_), (b_))
#define CHECK_BYTES(p_, n_, q_, m_)                                                                \
    harness_bytes(__FILE__, __LINE__, #p_, (p_), (size_t)(n_), (q_), (size_t)(m_))
#define CHECK_NEAR(a_, b_, eps_) harness_near(__FILE__, __LINE__, #a_, (a_), (b_), (eps_))

/* Ends the test as failed, or as skipped; a skip must be expected (tests/skips.txt). */
#define FAIL(...) harness_fail(__FILE__, __LINE__, __VA_ARGS__)
#define SKIP(why_) harness_skip(why_)

/* What a failure prints besides: the row of a table, the number of a round. */
void note(const char *format, ...) WEFT_PRINTF(1, 2);

/* From here on the process of the test must end in abort() and print `text` before: what misuse
 * does in a debug build.  If it goes on to its end, it has failed. */
void expect_abort(const char *text);

/* ---- surroundings ---- */

/* The seed of this run (--seed).  A failure prints it. */
uint64_t test_seed(void);

/* For a test that sweeps over seeds itself: how many, `usual` unless --seeds says otherwise, and
 * whether there is time for more than the usual ones (a second from the first question on). */
uint64_t test_seed_count(uint64_t usual);
bool test_has_time(void);

/* How many draws, rows or rounds: `usual`, or `few` where $WEFT_TEST_SWEEP_MAX asks for less than
 * all. What takes many of them to see is seen with gcc; where all is many times slower, what is
 * looked for are wrong uses of memory, races and other code, which show in a few. */
size_t test_amount(size_t usual, size_t few);

/* Runs fn(arg) as the main task of worlds made by a plan (<weft/sim.h>), seed after seed: `usual`
 * of them, a quarter where few are enough, or with --seeds as many as there is time for.  A failure
 * or a leak ends the test, and says the smallest plan that fails too; so does a run of more than
 * `step_max` steps.  Returns how many there were. */
uint64_t test_sweep_plan(const char *plan, uint64_t usual, uint64_t step_max, weft_fn *fn,
                         void *arg);

/* "sim", "epoll", "io_uring"; "auto" when the loop chose; NULL in a plain test. */
const char *test_backend(void);

/* For runs that a test makes itself: this back end, the platform of the test, the seed. */
weft_config test_config(void);

/* True in simulation, outside a run too. */
bool test_is_simulated(void);

/* In a task: what weft_dump() writes now, to its end. */
void test_dump(char *text, size_t room);

/* False for "io_uring" where the kernel forbids it or has none. */
bool backend_is_there(const char *name);

/* The source tree, for a test that reads a file of it: test_source("examples/data/x.csv").  Static
 * buffer. */
const char *test_source(const char *path);

/* From here on the platform's clock is the real one, ahead of the machine's where that has been up
 * for less than the test's clock says.  Call first in the test. */
void use_real_time(void);

/* The platform table of this test: the host's, counting, with a clock that moves only by advance.
 */
const weft_platform *test_platform(void);

/* Blocks and bytes of the platform that live now, and blocks made so far. */
size_t live_blocks(void);
size_t live_bytes(void);
uint64_t blocks_made(void);

/* ---- behind the macros ---- */

struct harness_value {
    enum { HARNESS_SIGNED, HARNESS_UNSIGNED, HARNESS_REAL, HARNESS_POINTER } type;
    int64_t i;
    uint64_t u;
    double d;
    const void *p;
};

static inline struct harness_value harness_signed(int64_t i)
{
    return (struct harness_value){.type = HARNESS_SIGNED, .i = i};
}

static inline struct harness_value harness_unsigned(uint64_t u)
{
    return (struct harness_value){.type = HARNESS_UNSIGNED, .u = u};
}

static inline struct harness_value harness_real(double d)
{
    return (struct harness_value){.type = HARNESS_REAL, .d = d};
}

static inline struct harness_value harness_pointer(const void *p)
{
    return (struct harness_value){.type = HARNESS_POINTER, .p = p};
}

/* clang-format off */
#define HARNESS_VALUE_(x_)                                                                         \
    _Generic((x_),                                                                                 \
        bool: harness_unsigned, unsigned char: harness_unsigned, unsigned short: harness_unsigned, \
        unsigned: harness_unsigned, unsigned long: harness_unsigned,                               \
        unsigned long long: harness_unsigned,                                                      \
        char: harness_signed, signed char: harness_signed, short: harness_signed,                  \
        int: harness_signed, long: harness_signed, long long: harness_signed,                      \
        float: harness_real, double: harness_real,                                                 \
        default: harness_pointer)(x_)
/* clang-format on */

_Noreturn void harness_fail(const char *file, int line, const char *format, ...) WEFT_PRINTF(3, 4);
_Noreturn void harness_skip(const char *why);
void harness_compare(const char *file, int line, const char *a_text, const char *op,
                     const char *b_text, struct harness_value a, struct harness_value b);
void harness_ok(const char *file, int line, const char *text, int64_t rc);
void harness_str(const char *file, int line, const char *text, const char *a, const char *b);
void harness_bytes(const char *file, int line, const char *text, const void *p, size_t n,
                   const void *q, size_t m);
void harness_near(const char *file, int line, const char *text, double a, double b, double eps);

#endif
