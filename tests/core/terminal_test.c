/* SPDX-License-Identifier: MIT */

/*
 * Modes of a terminal, and that they are given back on every way out.  A program under test has a
 * terminal of its own as from a shell: a leader of the session stands between, so that the terminal
 * outlives the program, and reports how it stops and ends.
 */

#include <weft/terminal.h>

#include "base/checkers.h"
#include "core/emulated.h"
#include "harness/harness.h"

#include <weft.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

struct seat {
    int keys, screen; /* the terminal from outside; its inner side, so that it stays */
    int told[2], reports[2], over[2];
    pid_t leader, program;
    struct termios before;
};

static struct seat seat; /* the program's own, after the forks */

/* ---- inside ---- */

/* The program is where the test wants it. */
static void tell(char what)
{
    CHECK_EQ(write(seat.told[1], &what, 1), 1);
}

static void program_run(weft_fn *fn, const char *name)
{
    weft_config config = {.backend = "epoll"};
    seat.screen = open(name, O_RDWR | O_CLOEXEC);
    int rc = weft_run_with(&config, fn, NULL);
    exit(rc < 0 ? 100 - rc : rc);
}

static void leader_run(weft_fn *fn, const char *name)
{
    int status;
    setsid();
    signal(SIGTTOU, SIG_IGN);
    int terminal = open(name, O_RDWR | O_CLOEXEC); /* becomes the session's */
    pid_t pid = fork();
    if (pid < 0)
        _exit(1);
    if (pid == 0) {
        close(seat.reports[1]);
        setpgid(0, 0);
        tcsetpgrp(terminal, getpid());
        signal(SIGTTOU, SIG_DFL);
        program_run(fn, name);
    }
    close(seat.told[1]);
    (void)!write(seat.reports[1], &pid, sizeof pid);
    do {
        if (waitpid(pid, &status, WUNTRACED | WCONTINUED) != pid)
            _exit(1);
        (void)!write(seat.reports[1], &status, sizeof status);
    } while (!WIFEXITED(status) && !WIFSIGNALED(status));
    char c;
    (void)!read(seat.over[0], &c, 1);
    _exit(0);
}

/* ---- outside ---- */

static void seat_open(weft_fn *fn)
{
    char name[64];
    use_real_time();
    if (WF_HAS_TSAN)
        SKIP("signals are held back under TSan");
    if (is_emulated())
        SKIP("the kernel is another processor's");
    seat.keys = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (seat.keys < 0)
        SKIP("no pseudo-terminals here");
    CHECK_OK(grantpt(seat.keys));
    CHECK_OK(unlockpt(seat.keys));
    CHECK_OK(ptsname_r(seat.keys, name, sizeof name));
    seat.screen = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    CHECK_OK(seat.screen);
    CHECK_OK(tcgetattr(seat.screen, &seat.before));
    CHECK_OK(pipe(seat.told));
    CHECK_OK(pipe(seat.reports));
    CHECK_OK(pipe(seat.over));
    seat.leader = fork();
    CHECK_OK(seat.leader);
    if (seat.leader == 0) {
        close(seat.over[1]);
        leader_run(fn, name);
    }
    close(seat.told[1]); /* the program's end is an end of what it tells, not a wait for ever */
    close(seat.reports[1]);
    close(seat.over[0]);
    CHECK_EQ(read(seat.reports[0], &seat.program, sizeof seat.program), sizeof seat.program);
}

static void seat_close(void)
{
    close(seat.told[0]);
    close(seat.reports[0]);
    close(seat.over[1]);
    close(seat.screen);
    close(seat.keys);
    CHECK_EQ(waitpid(seat.leader, NULL, 0), seat.leader);
}

static int next_report(void)
{
    int status;
    CHECK_EQ(read(seat.reports[0], &status, sizeof status), sizeof status);
    return status;
}

/* Of a program that has ended or stopped meanwhile there is nothing to wait for. */
static void wait_until_told(char what)
{
    char c = 0;
    struct pollfd news[] = {{seat.told[0], POLLIN, 0}, {seat.reports[0], POLLIN, 0}};
    CHECK_GT(poll(news, 2, -1), 0);
    if ((news[0].revents & POLLIN) == 0)
        FAIL("the program has not told '%c': its status is %#x", what, (unsigned)next_report());
    CHECK_EQ(read(seat.told[0], &c, 1), 1);
    CHECK_EQ(c, what);
}

static void type(const char *text)
{
    CHECK_EQ(write(seat.keys, text, strlen(text)), (ssize_t)strlen(text));
}

static struct termios modes(void)
{
    struct termios now;
    CHECK_OK(tcgetattr(seat.screen, &now));
    return now;
}

static bool is_as_before(void)
{
    struct termios now = modes();
    return now.c_lflag == seat.before.c_lflag && now.c_iflag == seat.before.c_iflag &&
           now.c_oflag == seat.before.c_oflag && now.c_cc[VMIN] == seat.before.c_cc[VMIN];
}

/* ---- what the modes are ---- */

static int hold(enum weft_terminal_mode mode)
{
    weft_terminal *terminal;
    WEFT_TRY(weft_terminal_open(&terminal, seat.screen, mode));
    tell('o');
    int rc = weft_sleep(3600 * WEFT_SEC);
    weft_terminal_close(terminal);
    return rc;
}

static int hold_hidden(void *arg)
{
    (void)arg;
    return hold(WEFT_TERMINAL_HIDDEN);
}

static int hold_keys(void *arg)
{
    (void)arg;
    return hold(WEFT_TERMINAL_KEYS);
}

static int hold_raw(void *arg)
{
    (void)arg;
    return hold(WEFT_TERMINAL_RAW);
}

TEST(each_mode_is_what_it_says_and_a_cancel_gives_the_terminal_back)
{
    static const struct {
        weft_fn *fn;
        tcflag_t on, off;
    } rows[] = {
        {hold_hidden, ICANON | ISIG | ECHONL, ECHO},
        {hold_keys, ISIG, ECHO | ICANON},
        {hold_raw, 0, ECHO | ICANON | ISIG},
    };
    for (size_t i = 0; i < 3; i++) {
        seat_open(rows[i].fn);
        wait_until_told('o');
        CHECK_EQ(modes().c_lflag & (rows[i].on | rows[i].off), rows[i].on);
        CHECK(!is_as_before());
        CHECK_OK(kill(seat.program, SIGTERM)); /* which cancels the main task */
        CHECK_EQ(WEXITSTATUS(next_report()), 100 + ECANCELED);
        CHECK(is_as_before());
        seat_close();
    }
}

static int read_keys(void *arg)
{
    weft_terminal *terminal;
    char key = 0;
    (void)arg;
    WEFT_TRY(weft_terminal_open(&terminal, seat.screen, WEFT_TERMINAL_KEYS));
    tell('o');
    while (weft_read(seat.screen, &key, 1) == 1 && key != 'q')
        tell(key);
    weft_terminal_close(terminal);
    tell('c');
    return weft_sleep(3600 * WEFT_SEC);
}

TEST(keys_come_one_by_one_and_a_close_gives_the_terminal_back)
{
    seat_open(read_keys);
    wait_until_told('o');
    type("a"); /* no end of a line */
    wait_until_told('a');
    type("b");
    wait_until_told('b');
    type("q");
    wait_until_told('c');
    CHECK(is_as_before());
    type("\003"); /* Ctrl-C */
    CHECK_EQ(WEXITSTATUS(next_report()), 100 + ECANCELED);
    seat_close();
}

/* ---- ways out ---- */

static int leave_open(void *arg)
{
    weft_terminal *outer, *inner;
    (void)arg;
    CHECK_OK(weft_terminal_open(&outer, seat.screen, WEFT_TERMINAL_KEYS));
    CHECK_OK(weft_terminal_open(&inner, seat.screen, WEFT_TERMINAL_RAW));
    return 7;
}

static int leave_by_exit(void *arg)
{
    (void)leave_open(arg);
    exit(8);
}

static int leave_by_abort(void *arg)
{
    (void)leave_open(arg);
    abort();
}

static int leave_by_fault(void *arg)
{
    (void)leave_open(arg);
    raise(SIGSEGV);
    return 0;
}

TEST(whatever_ends_the_program_the_terminal_is_given_back)
{
    static const struct {
        weft_fn *fn;
        int code, signal_number;
    } rows[] = {
        {leave_open, 7, 0},
        {leave_by_exit, 8, 0},
        {leave_by_abort, 0, SIGABRT},
        {leave_by_fault, 0, SIGSEGV},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        note("row %zu", i);
        if (WF_HAS_ASAN && rows[i].signal_number == SIGSEGV)
            continue; /* it reports, and exits */
        seat_open(rows[i].fn);
        int status = next_report();
        if (rows[i].signal_number != 0)
            CHECK_EQ(WTERMSIG(status), rows[i].signal_number);
        else
            CHECK_EQ(WEXITSTATUS(status), rows[i].code);
        CHECK(is_as_before());
        seat_close();
    }
}

TEST(whatever_signal_ends_the_program_the_terminal_is_given_back)
{
    static const int signals[] = {SIGHUP, SIGQUIT, SIGUSR1, SIGALRM};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        seat_open(hold_raw);
        wait_until_told('o');
        CHECK_OK(kill(seat.program, signals[i]));
        CHECK_EQ(WTERMSIG(next_report()), signals[i]);
        CHECK(is_as_before());
        seat_close();
    }
}

/* ---- stop and continue ---- */

static int hold_and_tell(void *arg)
{
    weft_terminal *terminal;
    char key;
    (void)arg;
    WEFT_TRY(weft_terminal_open(&terminal, seat.screen, WEFT_TERMINAL_KEYS));
    tell('o');
    while (weft_read(seat.screen, &key, 1) == 1)
        tell(key);
    return 0;
}

TEST(a_stopped_program_gives_the_terminal_back_and_takes_it_again)
{
    seat_open(hold_and_tell);
    wait_until_told('o');
    struct termios during = modes();
    for (int i = 0; i < 2; i++) {
        type("\032"); /* Ctrl-Z */
        CHECK(WIFSTOPPED(next_report()));
        CHECK(is_as_before());
        CHECK_OK(kill(seat.program, SIGCONT));
        CHECK(WIFCONTINUED(next_report()));
        type("\r");
        wait_until_told('\n'); /* it runs, so it is past its handlers */
        CHECK_EQ(modes().c_lflag, during.c_lflag);
    }
    CHECK_OK(kill(seat.program, SIGKILL));
    CHECK_EQ(WTERMSIG(next_report()), SIGKILL);
    seat_close();
}

/* ---- a secret ---- */

static int ask(void *arg)
{
    char secret[8] = "unwiped";
    (void)arg;
    int rc = weft_terminal_ask_secret("Password: ", secret, sizeof secret);
    if (rc < 0)
        CHECK_BYTES(secret, sizeof secret, "\0\0\0\0\0\0\0\0", sizeof secret);
    else
        CHECK_STR(secret, rc == 6 ? "sesame" : "");
    return rc;
}

/* What the terminal shows, up to and with `end`. */
static void see(const char *end)
{
    char text[256];
    size_t length = 0;
    do {
        ssize_t count = read(seat.keys, text + length, sizeof text - 1 - length);
        CHECK_GT(count, 0);
        length += (size_t)count;
        text[length] = '\0';
        note("%s", text);
        CHECK(strstr(text, "sesame") == NULL);
    } while (strstr(text, end) == NULL);
}

TEST(a_secret_is_read_and_not_shown)
{
    static const struct {
        const char *typed;
        int code;
    } rows[] = {
        {"sesame\r", 6},
        {"\r", 0},
        {"too long\r", (100 + WEFT_ELIMIT) & 0xff},
        {"\004", 100 + ENODATA},
        {"ses\003", 100 + ECANCELED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        seat_open(ask);
        see("Password: ");
        type(rows[i].typed);
        CHECK_EQ(WEXITSTATUS(next_report()), rows[i].code & 0xff);
        CHECK(is_as_before());
        seat_close();
    }
}

/* ---- refusals ---- */

TASK_TEST(what_is_no_terminal_is_refused)
{
    weft_terminal *terminal;
    char secret[8];
    int fds[2];
    CHECK_OK(weft_platform_get()->pipe(fds));
    CHECK_EQ(weft_terminal_open(&terminal, fds[0], WEFT_TERMINAL_RAW), -ENOTTY);
    CHECK_EQ(weft_terminal_open(&terminal, -1, WEFT_TERMINAL_RAW), -ENOTTY);
    CHECK_EQ(weft_terminal_ask_secret("", secret, 0), -EINVAL);
    weft_terminal_close(NULL);
    CHECK_OK(weft_close(fds[0]));
    CHECK_OK(weft_close(fds[1]));
    (void)weft_cancel(weft_self(), "enough");
    CHECK_EQ(weft_terminal_ask_secret("", secret, sizeof secret), -ECANCELED);
}

TEST(outside_a_loop_a_terminal_is_refused)
{
    weft_terminal *terminal;
    CHECK_EQ(weft_terminal_open(&terminal, 0, WEFT_TERMINAL_RAW), -EPERM);
}
