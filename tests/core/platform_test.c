/* SPDX-License-Identifier: MIT */

/*
 * The simulated platform beside the host's: one list of calls, most of them wrong in some way, is
 * made on both, and each call must come to the same.  What differs on purpose is not in the list.
 */

#include "scratch.h"

#include "base/sys.h"

#include <weft.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { ANSWERS_MAX = 200 };

/* What each call came to, with its line. */
struct answers {
    int count;
    struct {
        int line;
        int64_t value;
    } list[ANSWERS_MAX];
};

static struct answers host_answers, sim_answers, *answers;

static void answer(int line, int64_t value)
{
    CHECK_LT(answers->count, ANSWERS_MAX);
    answers->list[answers->count].line = line;
    answers->list[answers->count++].value = value;
}

/* Notes what the call returns. */
#define ASK(call_) answer(__LINE__, (int64_t)(call_))

/* Notes that it fails or not, where numbers are the platform's own; and gives it. */
static int asked(int line, int rc)
{
    answer(line, rc < 0 ? rc : 0);
    return rc;
}
#define ASK_FD(call_) asked(__LINE__, (int)(call_))

static const weft_platform *table(void)
{
    return weft_platform_get();
}

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

#define ADDR(addr_) ((struct sockaddr *)&(addr_)), sizeof(addr_)

/* ---- the calls ---- */

static void ask_of_no_descriptor(void)
{
    struct sockaddr_storage addr;
    socklen_t bytes = sizeof addr;
    struct sockaddr_in any = loopback(0);
    int value = 1;
    char byte;
    static const int fds[] = {-1, 1 << 28};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        int fd = fds[i];
        ASK(table()->bind(fd, ADDR(any)));
        ASK(table()->listen(fd, 1));
        ASK(table()->getsockname(fd, (struct sockaddr *)&addr, &bytes));
        ASK(table()->getpeername(fd, (struct sockaddr *)&addr, &bytes));
        ASK(table()->setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, sizeof value));
        ASK(table()->getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &bytes));
        ASK(table()->shutdown(fd, SHUT_RDWR));
        ASK(table()->close(fd));
        ASK(table()->read(fd, &byte, 1));
        ASK(table()->write(fd, "x", 1));
        ASK(table()->recv(fd, &byte, 1, 0));
        ASK(table()->send(fd, "x", 1, 0));
        ASK(table()->accept(fd, NULL, NULL));
        ASK(table()->connect(fd, ADDR(any)));
        ASK(table()->pread(fd, &byte, 1, 0));
        ASK(table()->pwrite(fd, "x", 1, 0));
        ASK(table()->fsync(fd));
        ASK(table()->truncate(fd, 0));
    }
}

static void ask_options(int fd)
{
    int value = 1;
    socklen_t bytes = sizeof value;
    ASK(table()->setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, sizeof value));
    ASK(table()->setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, 1));
    ASK(table()->setsockopt(fd, SOL_SOCKET, 9999, &value, sizeof value));
    ASK(table()->setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, sizeof value));
    ASK(table()->setsockopt(fd, IPPROTO_TCP, 9999, &value, sizeof value));
    static const int names[] = {SO_TYPE, SO_DOMAIN, SO_ACCEPTCONN, SO_ERROR, 9999};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        value = -1;
        ASK(table()->getsockopt(fd, SOL_SOCKET, names[i], &value, &bytes));
        ASK(value);
    }
}

static void ask_of_a_fresh_socket(void)
{
    struct sockaddr_storage addr;
    socklen_t bytes = sizeof addr;
    char byte;
    ASK(table()->socket(9999, SOCK_STREAM, 0));
    ASK(table()->socketpair(AF_INET, SOCK_STREAM, 0, (int[2]){0}));
    int fd = ASK_FD(table()->socket(AF_INET, SOCK_STREAM, 0));
    ask_options(fd);
    ASK(table()->getsockname(fd, (struct sockaddr *)&addr, &bytes));
    ASK(bytes);
    ASK(table()->getpeername(fd, (struct sockaddr *)&addr, &bytes));
    ASK(table()->recv(fd, &byte, 1, 0));
    ASK(table()->send(fd, "x", 1, 0));
    ASK(table()->accept(fd, NULL, NULL));
    ASK(table()->pread(fd, &byte, 1, 0));
    ASK(table()->shutdown(fd, SHUT_RDWR));
    ASK(table()->close(fd));
}

static int port_of(int fd)
{
    struct sockaddr_in addr;
    socklen_t bytes = sizeof addr;
    CHECK_OK(table()->getsockname(fd, (struct sockaddr *)&addr, &bytes));
    return ntohs(addr.sin_port);
}

static void ask_of_a_listener(void)
{
    struct sockaddr_in any = loopback(0);
    char byte;
    int value = -1;
    socklen_t bytes = sizeof value;
    int fd = ASK_FD(table()->socket(AF_INET, SOCK_STREAM, 0));
    ASK(table()->bind(fd, (struct sockaddr *)&any, 2));
    ASK(table()->bind(fd, ADDR(any)));
    ASK(table()->bind(fd, ADDR(any))); /* again */
    struct sockaddr_in taken = loopback(port_of(fd));
    ASK(table()->listen(fd, 4));
    int other = ASK_FD(table()->socket(AF_INET, SOCK_STREAM, 0));
    ASK(table()->bind(other, ADDR(taken)));
    ASK(table()->getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &bytes));
    ASK(value);
    ASK(table()->accept(fd, NULL, NULL));
    ASK(table()->recv(fd, &byte, 1, 0));
    ASK(table()->send(fd, "x", 1, 0));
    ASK(table()->connect(fd, ADDR(taken)));
    ASK(table()->close(other));
    ASK(table()->close(fd));
}

static void ask_of_unix_names(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX}, none = {.sun_family = AF_UNIX};
    struct sockaddr_in any = loopback(0);
    snprintf(name.sun_path, sizeof name.sun_path, "%s", scratch("socket"));
    snprintf(none.sun_path, sizeof none.sun_path, "%s", scratch("nobody"));
    int fd = ASK_FD(table()->socket(AF_UNIX, SOCK_STREAM, 0));
    int other = ASK_FD(table()->socket(AF_UNIX, SOCK_STREAM, 0));
    ASK(table()->bind(fd, ADDR(any)));
    ASK(table()->bind(fd, ADDR(name)));
    ASK(table()->bind(other, ADDR(name)));
    ASK(table()->connect(other, ADDR(name))); /* bound, but not listening */
    ASK(table()->connect(other, ADDR(none)));
    ASK(table()->listen(fd, 1));
    ASK(table()->connect(fd, ADDR(name)));
    ASK(table()->accept(fd, NULL, NULL));
    ASK(table()->close(other));
    ASK(table()->close(fd));
    ASK(table()->unlink(scratch("socket"), 0));
    ASK(table()->unlink(scratch("socket"), 0));
}

static void ask_of_a_pair(void)
{
    int ends[2];
    char bytes[4];
    ASK(table()->socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    ASK(table()->recv(ends[0], bytes, 1, 0)); /* nothing is there */
    ASK(table()->listen(ends[0], 1));
    ASK(table()->accept(ends[0], NULL, NULL));
    ASK(table()->shutdown(ends[0], 99));
    ASK(table()->shutdown(ends[0], SHUT_WR));
    ASK(table()->send(ends[0], "x", 1, 0));
    ASK(table()->shutdown(ends[0], SHUT_WR)); /* again */
    ASK(table()->close(ends[1]));
    ASK(table()->close(ends[0]));
    ASK(table()->close(ends[0]));
}

static void ask_of_a_pipe(void)
{
    int ends[2];
    char byte;
    struct sockaddr_in any = loopback(0);
    ASK(table()->pipe(ends));
    ASK(table()->read(ends[0], &byte, 1));
    ASK(table()->write(ends[0], "x", 1));
    ASK(table()->read(ends[1], &byte, 1));
    ASK(table()->recv(ends[0], &byte, 1, 0));
    ASK(table()->send(ends[1], "x", 1, 0));
    ASK(table()->bind(ends[0], ADDR(any)));
    ASK(table()->listen(ends[0], 1));
    ASK(table()->accept(ends[0], NULL, NULL));
    ASK(table()->connect(ends[0], ADDR(any)));
    ASK(table()->shutdown(ends[0], SHUT_RD));
    ASK(table()->pread(ends[0], &byte, 1, 0));
    ASK(table()->truncate(ends[1], 0));
    ASK(table()->close(ends[0]));
    ASK(table()->close(ends[1]));
}

/* In a directory of its own, which it leaves empty. */
static void ask_of_files(void)
{
    char bytes[4];
    ASK(table()->open(scratch("none"), O_RDONLY, 0));
    ASK(table()->open(scratch("none/below"), O_WRONLY | O_CREAT, 0600));
    ASK(table()->unlink(scratch("none"), 0));
    ASK(table()->rename(scratch("none"), scratch("b")));
    ASK(table()->mkdir(scratch("d"), 0700));
    ASK(table()->mkdir(scratch("d"), 0700));
    ASK(table()->unlink(scratch("d"), 0));
    int fd = ASK_FD(table()->open(scratch("d/a"), O_WRONLY | O_CREAT | O_EXCL, 0600));
    ASK(table()->open(scratch("d/a"), O_WRONLY | O_CREAT | O_EXCL, 0600));
    ASK(table()->open(scratch("d"), O_WRONLY, 0));
    ASK(table()->pread(fd, bytes, 1, 0)); /* not for reading */
    ASK(table()->pwrite(fd, "x", 1, -1));
    ASK(table()->truncate(fd, -1));
    ASK(table()->truncate(fd, 3));
    ASK(table()->readdir(fd, bytes, sizeof bytes));
    ASK(table()->close(fd));
    fd = ASK_FD(table()->open(scratch("d/a"), O_RDONLY, 0));
    ASK(table()->pwrite(fd, "x", 1, 0)); /* not for writing */
    ASK(table()->pread(fd, bytes, 1, 99));
    ASK(table()->truncate(fd, 0));
    ASK(table()->close(fd));
    ASK(table()->unlink(scratch("d"), AT_REMOVEDIR)); /* not empty */
    ASK(table()->unlink(scratch("d/a"), AT_REMOVEDIR));
    ASK(table()->rename(scratch("d/a"), scratch("d")));
    ASK(table()->rename(scratch("d"), scratch("d/below")));
    ASK(table()->unlink(scratch("d/a"), 0));
    ASK(table()->unlink(scratch("d"), AT_REMOVEDIR));
}

static int ask_all(void *arg)
{
    answers = arg;
    answers->count = 0;
    ask_of_no_descriptor();
    ask_of_a_fresh_socket();
    ask_of_a_listener();
    ask_of_unix_names();
    ask_of_a_pair();
    ask_of_a_pipe();
    ask_of_files();
    return 0;
}

TEST(test_Z04_the_simulator_answers_wrong_calls_as_the_kernel_does)
{
    scratch_dir[0] = '\0';
    snprintf(scratch_dir, sizeof scratch_dir, "/tmp/weft-test-%d", (int)getpid());
    CHECK_EQ(mkdir(scratch_dir, 0700), 0);
    ask_all(&host_answers);
    scratch_clean(0);
    strcpy(scratch_dir, "/tmp");
    CHECK_OK(weft_sim_run(test_seed(), ask_all, &sim_answers));
    CHECK_EQ(host_answers.count, sim_answers.count);
    int wrong = 0;
    for (int i = 0; i < host_answers.count; i++) {
        if (host_answers.list[i].value == sim_answers.list[i].value)
            continue;
        wrong++;
        printf("line %d: host %lld (%s), simulator %lld (%s)\n", host_answers.list[i].line,
               (long long)host_answers.list[i].value,
               weft_strerror((int)host_answers.list[i].value), (long long)sim_answers.list[i].value,
               weft_strerror((int)sim_answers.list[i].value));
    }
    CHECK_EQ(wrong, 0);
}
