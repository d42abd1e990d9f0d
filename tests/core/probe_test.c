/* SPDX-License-Identifier: MIT */

/* What reads memory that is not there, and comes back. */

#include "core/stack/probe.h"

#include "core/stack/stack_overflow.h"
#include "harness/harness.h"

#include <weft/base.h>

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static bool find_nobody(void *arg, const void *addr, wf_overflow *out)
{
    (void)arg, (void)addr, (void)out;
    return false;
}

static void begin(void)
{
    CHECK_OK(wf_overflow_thread_begin(find_nobody, NULL));
}

/* Counts what it did, then reads. */
struct reader {
    const volatile char *from;
    int before, after;
};

/* By hand, so that a checker that knows the pointer for bad does not stop it first. */
__attribute__((no_sanitize("address", "undefined"), noinline)) static void read_from(void *arg)
{
    struct reader *reader = arg;
    reader->before++;
    char byte = *reader->from;
    __asm__ volatile("" : : "r"(byte));
    reader->after++;
}

TEST(probe_that_meets_no_fault_runs_to_its_end)
{
    struct reader reader = {.from = "x"};
    begin();
    CHECK(wf_probe_run(read_from, &reader));
    CHECK_EQ(reader.after, 1);
    wf_overflow_thread_end();
}

static void *page_of_a_file_that_ends_before(void)
{
    int fd = memfd_create("weft-probe", MFD_CLOEXEC);
    CHECK_OK(fd);
    void *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(page != MAP_FAILED);
    CHECK_OK(close(fd));
    return page;
}

/* Again and again: the signal must not stay blocked. */
TEST(probe_is_cut_off_by_a_fault_and_can_be_run_again)
{
    void *beyond_end = page_of_a_file_that_ends_before();
    const char *bad[] = {
        (const char *)8,
        (const char *)0xa2768023e61c9a00, /* no address at all */
        beyond_end,
    };
    begin();
    for (int i = 0; i < 3; i++) {
        for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
            struct reader reader = {.from = bad[k]};
            CHECK(!wf_probe_run(read_from, &reader));
            CHECK_EQ(reader.before, 1);
            CHECK_EQ(reader.after, 0);
        }
    }
    wf_overflow_thread_end();
    CHECK_OK(munmap(beyond_end, 4096));
}

static void run_no_instruction(void *arg)
{
    (void)arg;
#if defined(__x86_64__)
    __asm__ volatile("ud2");
#else
    __asm__ volatile("udf #0");
#endif
}

TEST(probe_is_cut_off_by_an_instruction_that_is_none)
{
    begin();
    CHECK(!wf_probe_run(run_no_instruction, NULL));
    wf_overflow_thread_end();
}

static void probe_within(void *arg)
{
    struct reader inner = {.from = (const char *)8};
    CHECK(!wf_probe_run(read_from, &inner));
    read_from(arg); /* the outer one is in force again */
}

TEST(probe_within_a_probe_ends_alone)
{
    struct reader outer = {.from = (const char *)8};
    begin();
    CHECK(!wf_probe_run(probe_within, &outer));
    CHECK_EQ(outer.before, 1);
    wf_overflow_thread_end();
}

static void check_does_not_run(void)
{
    struct reader reader = {.from = "x"};
    CHECK(!wf_probe_run(read_from, &reader));
    CHECK_EQ(reader.before, 0);
}

TEST(probe_does_not_run_where_a_fault_would_not_come_to_it)
{
    check_does_not_run(); /* no loop's thread */
    begin();

    struct sigaction theirs = {.sa_handler = SIG_DFL}, ours;
    CHECK_OK(sigaction(SIGSEGV, &theirs, &ours));
    check_does_not_run();
    CHECK_OK(sigaction(SIGSEGV, &ours, NULL));

    sigset_t bus, before;
    sigemptyset(&bus);
    sigaddset(&bus, SIGBUS);
    CHECK_OK(pthread_sigmask(SIG_BLOCK, &bus, &before));
    check_does_not_run();
    CHECK_OK(pthread_sigmask(SIG_SETMASK, &before, NULL));

    struct reader reader = {.from = "x"};
    CHECK(wf_probe_run(read_from, &reader));
    wf_overflow_thread_end();
}
