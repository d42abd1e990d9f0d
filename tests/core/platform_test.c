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

enum { ANSWERS_MAX = 400 };

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
    ASK(table()->socket(AF_INET, SOCK_SEQPACKET, 0));
    ASK(table()->socket(AF_UNIX, SOCK_RDM, 0));
    ASK(table()->socketpair(9999, SOCK_STREAM, 0, (int[2]){0}));
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

/* Each option that the simulator knows, and some that nobody does. */
static void ask_more_options(void)
{
    static const struct {
        int level, name;
    } rows[] = {
        {SOL_SOCKET, SO_REUSEPORT},
        {SOL_SOCKET, SO_KEEPALIVE},
        {SOL_SOCKET, SO_BROADCAST},
        {SOL_SOCKET, SO_SNDBUF},
        {SOL_SOCKET, SO_RCVBUF},
        {IPPROTO_TCP, TCP_CORK},
        {IPPROTO_TCP, TCP_QUICKACK},
        {IPPROTO_TCP, TCP_KEEPIDLE},
        {IPPROTO_TCP, TCP_KEEPINTVL},
        {IPPROTO_TCP, TCP_KEEPCNT},
        {IPPROTO_TCP, TCP_USER_TIMEOUT},
        {IPPROTO_TCP, TCP_DEFER_ACCEPT},
        {IPPROTO_TCP, TCP_NOTSENT_LOWAT},
        {IPPROTO_IPV6, IPV6_V6ONLY},
        {IPPROTO_IPV6, 9999},
        {9999, 1},
    };
    int fd = ASK_FD(table()->socket(AF_INET6, SOCK_STREAM, 0)), value;
    socklen_t bytes = sizeof value;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        value = 1;
        ASK(table()->setsockopt(fd, rows[i].level, rows[i].name, &value, sizeof value));
    }
    struct linger linger = {.l_onoff = 1, .l_linger = 5};
    ASK(table()->setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
    ASK(table()->setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(int)));
    ASK(table()->getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, &bytes));
    ASK(value > 0);
    bytes = 1; /* room for one byte of it */
    value = 0;
    ASK(table()->getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &bytes));
    ASK(value);
    ASK(bytes);
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

/* Without a name it is given one; asked again it only changes its backlog. */
static void ask_to_listen_without_a_name(void)
{
    static const int backlogs[] = {4, 0, -1, 1 << 30};
    int fd = ASK_FD(table()->socket(AF_INET, SOCK_STREAM, 0));
    for (size_t i = 0; i < sizeof backlogs / sizeof backlogs[0]; i++)
        ASK(table()->listen(fd, backlogs[i]));
    ASK(port_of(fd) > 0);
    ASK(table()->close(fd));
    fd = ASK_FD(table()->socket(AF_UNIX, SOCK_STREAM, 0));
    ASK(table()->listen(fd, 1));
    ASK(table()->close(fd));
    fd = ASK_FD(table()->socket(AF_INET, SOCK_DGRAM, 0));
    ASK(table()->listen(fd, 1));
    ASK(table()->close(fd));
}

static void ask_about_ports(void)
{
    int share = 1;
    struct sockaddr_in any = loopback(0);
    int fds[3];
    for (int i = 0; i < 3; i++)
        fds[i] = ASK_FD(table()->socket(AF_INET, SOCK_STREAM, 0));
    ASK(table()->setsockopt(fds[0], SOL_SOCKET, SO_REUSEPORT, &share, sizeof share));
    ASK(table()->bind(fds[0], ADDR(any)));
    struct sockaddr_in taken = loopback(port_of(fds[0]));
    ASK(table()->bind(fds[1], ADDR(taken))); /* only one of them shares */
    ASK(table()->setsockopt(fds[1], SOL_SOCKET, SO_REUSEPORT, &share, sizeof share));
    ASK(table()->bind(fds[1], ADDR(taken)));
    ASK(port_of(fds[1]) == port_of(fds[0]));
    taken.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1); /* another host */
    ASK(table()->bind(fds[2], ADDR(taken)));
    for (int i = 0; i < 3; i++)
        ASK(table()->close(fds[i]));
}

/* A name that starts with NUL is no file, and goes with its socket. */
static void ask_of_abstract_names(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX}, longer;
    snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "weft-test-%d", (int)getpid());
    socklen_t bytes = (socklen_t)offsetof(struct sockaddr_un, sun_path) + 20;
    longer = name;
    int fds[3];
    for (int i = 0; i < 3; i++)
        fds[i] = ASK_FD(table()->socket(AF_UNIX, SOCK_STREAM, 0));
    ASK(table()->bind(fds[0], (struct sockaddr *)&name, bytes));
    ASK(table()->bind(fds[1], (struct sockaddr *)&name, bytes));
    ASK(table()->bind(fds[1], (struct sockaddr *)&longer, bytes + 1));
    ASK(table()->listen(fds[0], 1));
    ASK(table()->close(fds[0]));
    ASK(table()->connect(fds[2], (struct sockaddr *)&name, bytes));
    ASK(table()->bind(fds[2], (struct sockaddr *)&name, bytes));
    ASK(table()->close(fds[1]));
    ASK(table()->close(fds[2]));
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

/* Who reads no more says so; who writes no more too.  (What was sent arrives later in the
 * simulator: io_test.c reads it.) */
static void ask_of_a_pair_that_is_half_shut(void)
{
    int ends[2];
    char byte;
    ASK(table()->socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    ASK(table()->shutdown(ends[0], SHUT_RD));
    ASK(table()->recv(ends[0], &byte, 1, 0));
    ASK(table()->send(ends[1], "c", 1, MSG_NOSIGNAL));
    ASK(table()->send(ends[0], "d", 1, MSG_NOSIGNAL)); /* the other way stays */
    ASK(table()->shutdown(ends[0], SHUT_RD));          /* again */
    ASK(table()->shutdown(ends[0], SHUT_RDWR));
    ASK(table()->send(ends[0], "e", 1, MSG_NOSIGNAL));
    ASK(table()->close(ends[0]));
    ASK(table()->shutdown(ends[1], SHUT_RD)); /* its peer is gone */
    ASK(table()->close(ends[1]));
}

static int datagram_socket(int domain)
{
    return ASK_FD(table()->socket(domain, SOCK_DGRAM, 0));
}

static void ask_of_a_datagram_socket(void)
{
    static char much[70000];
    struct sockaddr_in any = loopback(0), nobody = loopback(1);
    struct sockaddr_in6 other = {.sin6_family = AF_INET6};
    struct sockaddr_storage addr;
    socklen_t bytes = sizeof addr;
    char byte;
    int value = -1, fd = datagram_socket(AF_INET);
    socklen_t value_bytes = sizeof value;
    ASK(table()->getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &value_bytes));
    ASK(value);
    ASK(table()->listen(fd, 1));
    ASK(table()->accept(fd, NULL, NULL));
    ASK(table()->recv(fd, &byte, 1, 0));
    ASK(table()->send(fd, "x", 1, 0)); /* to whom? */
    ASK(table()->getpeername(fd, (struct sockaddr *)&addr, &bytes));
    ASK(table()->connect(fd, ADDR(other)));
    ASK(table()->connect(fd, (struct sockaddr *)&any, 1));
    ASK(table()->connect(fd, ADDR(nobody)));
    ASK(table()->getpeername(fd, (struct sockaddr *)&addr, &bytes));
    ASK(bytes);
    ASK(table()->send(fd, much, sizeof much, 0));
    ASK(table()->close(fd));
}

static void ask_of_unix_datagrams(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX}, none = {.sun_family = AF_UNIX};
    snprintf(name.sun_path, sizeof name.sun_path, "%s", scratch("datagrams"));
    snprintf(none.sun_path, sizeof none.sun_path, "%s", scratch("stream"));
    int receiver = datagram_socket(AF_UNIX), sender = datagram_socket(AF_UNIX);
    int stream = ASK_FD(table()->socket(AF_UNIX, SOCK_STREAM, 0));
    char bytes[4];
    ASK(table()->bind(receiver, ADDR(name)));
    ASK(table()->bind(stream, ADDR(none)));
    ASK(table()->connect(stream, ADDR(name)));
    ASK(table()->connect(sender, ADDR(name)));
    ASK(table()->send(sender, "abc", 3, 0));
    ASK(table()->send(sender, "", 0, 0));
    ASK(table()->recv(receiver, bytes, 2, MSG_PEEK));
    ASK(table()->recv(receiver, bytes, 2, 0)); /* the rest is lost */
    ASK(table()->recv(receiver, bytes, 2, 0)); /* the empty one */
    ASK(table()->recv(receiver, bytes, 2, 0));
    ASK(table()->close(receiver));
    ASK(table()->send(sender, "x", 1, 0));
    ASK(table()->connect(sender, ADDR(name)));
    ASK(table()->close(stream));
    ASK(table()->close(sender));
    ASK(table()->unlink(scratch("datagrams"), 0));
    ASK(table()->unlink(scratch("stream"), 0));
}

static void ask_what_they_are(void)
{
    struct stat status = {0};
    int ends[2];
    ASK(table()->fstat(-1, &status));
    ASK(table()->pipe(ends));
    ASK(table()->fstat(ends[0], &status));
    ASK(status.st_mode & S_IFMT);
    ASK(table()->close(ends[0]));
    ASK(table()->close(ends[1]));
    int fd = ASK_FD(table()->socket(AF_INET, SOCK_STREAM, 0));
    ASK(table()->fstat(fd, &status));
    ASK(status.st_mode & S_IFMT);
    ASK(table()->close(fd));
    fd = ASK_FD(table()->open(scratch("kind"), O_RDWR | O_CREAT, 0600));
    ASK(table()->write(fd, "abc", 3));
    ASK(table()->fstat(fd, &status));
    ASK(status.st_mode & S_IFMT);
    ASK(status.st_size);
    ASK(table()->close(fd));
    ASK(table()->unlink(scratch("kind"), 0));
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
    ask_more_options();
    ask_of_a_listener();
    ask_to_listen_without_a_name();
    ask_about_ports();
    ask_of_unix_names();
    ask_of_abstract_names();
    ask_of_a_datagram_socket();
    ask_of_unix_datagrams();
    ask_what_they_are();
    ask_of_a_pair();
    ask_of_a_pair_that_is_half_shut();
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
