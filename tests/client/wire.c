/* SPDX-License-Identifier: MIT */

#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PACKET_BYTES 1600
#define FLYING_MAX 2048

/* ---- an end ---- */

static int tun_open(void)
{
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -1;
    strcpy(request.ifr_name, "weft0");
    if (ioctl(fd, TUNSETIFF, &request) == 0)
        return fd;
    close(fd);
    return -1;
}

static int address_set(const char *text)
{
    struct ifreq request = {0};
    struct sockaddr_in addr = {.sin_family = AF_INET};
    int rc, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    strcpy(request.ifr_name, "weft0");
    inet_pton(AF_INET, text, &addr.sin_addr);
    memcpy(&request.ifr_addr, &addr, sizeof addr);
    rc = ioctl(fd, SIOCSIFADDR, &request);
    inet_pton(AF_INET, "255.255.255.0", &addr.sin_addr);
    memcpy(&request.ifr_netmask, &addr, sizeof addr);
    rc |= ioctl(fd, SIOCSIFNETMASK, &request);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    rc |= ioctl(fd, SIOCSIFFLAGS, &request);
    close(fd);
    return rc;
}

/* A byte, and with it a descriptor or (-1) none. */
static void fd_send(int control, int fd)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } with = {0};
    struct iovec part = {.iov_base = "x", .iov_len = 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = &with;
        message.msg_controllen = sizeof with;
        with.head.cmsg_level = SOL_SOCKET;
        with.head.cmsg_type = SCM_RIGHTS;
        with.head.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&with.head), &fd, sizeof fd);
    }
    (void)sendmsg(control, &message, MSG_NOSIGNAL);
}

static int fd_receive(int control)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } with;
    char byte;
    int fd = -1;
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &with, .msg_controllen = sizeof with};
    if (recvmsg(control, &message, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&message) != NULL)
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
}

static _Noreturn void end_run(int control, const char *address, wire_main *main)
{
    char go;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    int tun = unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 ? tun_open() : -1;
    if (tun >= 0 && address_set(address) < 0)
        tun = -1;
    fd_send(control, tun);
    close(tun);
    _exit(read(control, &go, 1) == 1 ? main(control) : 0);
}

int wire_end_start(struct wire_end *out, const char *address, wire_main *main)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    out->pid = fork();
    if (out->pid == 0) {
        close(pair[0]);
        end_run(pair[1], address, main);
    }
    close(pair[1]);
    out->control = pair[0];
    out->tun = fd_receive(pair[0]);
    if (out->tun >= 0)
        return 0;
    (void)wire_end_stop(out, 5000);
    return -EPERM;
}

void wire_end_go(const struct wire_end *end)
{
    (void)send(end->control, "g", 1, MSG_NOSIGNAL);
}

static int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int wire_end_stop(struct wire_end *end, unsigned limit_ms)
{
    int64_t until = now_ms() + limit_ms;
    int status = 0;
    (void)shutdown(end->control, SHUT_WR);
    while (waitpid(end->pid, &status, WNOHANG) == 0) {
        if (now_ms() >= until)
            (void)kill(end->pid, SIGKILL);
        (void)poll(NULL, 0, 1);
    }
    close(end->control);
    if (end->tun >= 0)
        close(end->tun);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- the wire ---- */

struct packet {
    int64_t at; /* when it arrives; 0: a free place */
    int to;
    size_t count;
    unsigned char bytes[PACKET_BYTES];
};

struct wire {
    const struct wire_plan *plan;
    uint64_t chance;
    int64_t began;
    struct packet flying[FLYING_MAX]; /* what finds no place is lost, as in a full router */
};

static unsigned wire_chance(struct wire *wire, unsigned below)
{
    wire->chance = wire->chance * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(wire->chance >> 33) % below;
}

static uint16_t fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static uint32_t sum_words(const unsigned char *bytes, size_t count, uint32_t sum)
{
    for (size_t i = 0; i + 1 < count; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    return sum;
}

/* A segment of data becomes a reset from its sender, which its receiver must believe. */
static void packet_make_reset(struct packet *packet)
{
    unsigned char *ip = packet->bytes, *tcp = ip + (ip[0] & 15) * 4;
    size_t head = (size_t)(tcp - ip);
    if (ip[9] != IPPROTO_TCP || packet->count <= head + (size_t)(tcp[12] >> 4) * 4)
        return;
    packet->count = head + 20;
    tcp[12] = 5 << 4;
    tcp[13] = TH_RST | TH_ACK;
    ip[2] = 0;
    ip[3] = (unsigned char)packet->count;
    ip[10] = ip[11] = tcp[16] = tcp[17] = 0;
    uint16_t sum = fold(sum_words(ip, head, 0));
    ip[10] = (unsigned char)(sum >> 8);
    ip[11] = (unsigned char)sum;
    sum = fold(sum_words(tcp, 20, sum_words(ip + 12, 8, IPPROTO_TCP + 20)));
    tcp[16] = (unsigned char)(sum >> 8);
    tcp[17] = (unsigned char)sum;
}

static void wire_throw(struct wire *wire, int to, const unsigned char *bytes, size_t count)
{
    const struct wire_plan *plan = wire->plan;
    for (size_t i = 0; i < FLYING_MAX; i++) {
        struct packet *packet = &wire->flying[i];
        if (packet->at != 0)
            continue;
        packet->at = now_ms() + plan->delay_ms + wire_chance(wire, plan->jitter_ms + 1);
        packet->to = to;
        packet->count = count;
        memcpy(packet->bytes, bytes, count);
        if (wire_chance(wire, 1000) < plan->reset)
            packet_make_reset(packet);
        return;
    }
}

static bool wire_is_cut(const struct wire *wire)
{
    int64_t at = now_ms() - wire->began;
    return at >= wire->plan->cut_from_ms && at < wire->plan->cut_until_ms;
}

static void wire_take(struct wire *wire, const struct wire_end ends[2], int from)
{
    unsigned char bytes[PACKET_BYTES];
    ssize_t count;
    while ((count = read(ends[from].tun, bytes, sizeof bytes)) > 0) {
        bool is_lost = wire_chance(wire, 1000) < wire->plan->loss || wire_is_cut(wire);
        if (is_lost || bytes[0] >> 4 != 4)
            continue;
        wire_throw(wire, 1 - from, bytes, (size_t)count);
        if (wire_chance(wire, 1000) < wire->plan->twice)
            wire_throw(wire, 1 - from, bytes, (size_t)count);
    }
}

/* In the order in which they arrive. */
static void wire_land(struct wire *wire, const struct wire_end ends[2])
{
    int64_t now = now_ms();
    for (;;) {
        struct packet *first = NULL;
        for (size_t i = 0; i < FLYING_MAX; i++) {
            struct packet *packet = &wire->flying[i];
            if (packet->at != 0 && packet->at <= now && (first == NULL || packet->at < first->at))
                first = packet;
        }
        if (first == NULL)
            return;
        if (write(ends[first->to].tun, first->bytes, first->count) < 0)
            first->count = 0; /* the end is gone */
        first->at = 0;
    }
}

bool wire_run(const struct wire_end ends[2], const struct wire_plan *plan, uint64_t seed,
              const struct wire_end *until, unsigned limit_ms)
{
    static struct wire wire;
    wire = (struct wire){.plan = plan, .chance = seed, .began = now_ms()};
    struct pollfd polled[3] = {{.fd = ends[0].tun, .events = POLLIN},
                               {.fd = ends[1].tun, .events = POLLIN},
                               {.fd = until->control, .events = POLLIN}};
    while (now_ms() - wire.began < (int64_t)limit_ms) {
        (void)poll(polled, 3, 1);
        wire_take(&wire, ends, 0);
        wire_take(&wire, ends, 1);
        wire_land(&wire, ends);
        if (polled[2].revents != 0)
            return true;
    }
    return false;
}
