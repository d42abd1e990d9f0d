/* SPDX-License-Identifier: MIT */

/* One simulated connection: two flows of bytes, each with news on its way. */

#include "core/sim/sim_link.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "core/sim/sim_chance.h"
#include "core/sim/sim_fault.h"
#include "core/sim/sim_name.h"
#include "core/sim/sim_socket.h"
#include "core/sim/sim_world.h"

#include <assert.h>
#include <poll.h>
#include <string.h>

#define LINK_NEWS_MAX 8
#define LINK_SLOW_FACTOR 100
#define LINK_SLOW_BYTES 256
#define LINK_GIVE_UP (900 * WEFT_SEC) /* a sender that hears nothing does, after */

enum link_news_kind { NEWS_BYTES, NEWS_END, NEWS_RESET };

struct link_news {
    weft_time at;
    size_t bytes; /* NEWS_BYTES: how many more can be read from then on */
    uint8_t kind; /* enum link_news_kind */
};

/* What one end sends and the other reads.  Invariants: `data` is the `arrived` bytes that can be
 * read, then those of all `news`, which are in order of arrival; nothing comes after a reset. */
struct link_flow {
    struct sim_link *link;
    wf_buf data;
    size_t arrived, capacity;
    size_t lost; /* sent when nobody can read it any more; takes room until the writer knows */
    struct link_news news[LINK_NEWS_MAX];
    uint32_t news_count;
    weft_timer timer;     /* first news */
    weft_time slowness;   /* factor on delays */
    weft_time busy_until; /* a link with a rate sends what came before */
    weft_time cut_since;  /* news waits since then; 0: it does not */
    bool has_ended;       /* the reader knows that nothing more comes */
    uint64_t sent, taken; /* bytes, since the beginning */
    wf_list passed;       /* struct link_passed */
};

/* A descriptor that goes with the byte at `at`. */
struct link_passed {
    wf_list link;
    uint64_t at;
    struct sim_socket *socket;
};

struct sim_link {
    struct sim_world *world;
    wf_list world_link;
    struct sim_addr hosts[2]; /* of the ends, also after they have left */
    enum sim_link_kind kind;
    struct sim_socket *ends[2]; /* NULL: has left */
    struct link_flow flows[2];  /* by reading end */
};

static struct link_flow *flow_in(const struct sim_socket *socket)
{
    return &socket->link->flows[socket->end];
}

static struct link_flow *flow_out(const struct sim_socket *socket)
{
    return &socket->link->flows[1 - socket->end];
}

static struct sim_socket *flow_reader(const struct link_flow *flow)
{
    return flow->link->ends[flow - flow->link->flows];
}

static struct sim_socket *flow_writer(const struct link_flow *flow)
{
    return flow->link->ends[1 - (flow - flow->link->flows)];
}

/* ---- news ---- */

static void flow_reset_reader(struct link_flow *flow)
{
    struct sim_socket *reader = flow_reader(flow);
    if (reader == NULL || reader->is_reset)
        return;
    /* After the end of the stream there is nothing to lose for a reader; a writer still learns. */
    reader->error = flow->has_ended ? -EPIPE : -ECONNRESET;
    reader->is_reset = true;
}

static void flow_tell(struct link_flow *flow, enum link_news_kind kind, size_t bytes);

static void flow_apply(struct link_flow *flow, const struct link_news *news)
{
    const struct sim_socket *reader = flow_reader(flow);
    struct link_flow *back = &flow->link->flows[1 - (flow - flow->link->flows)];
    switch (news->kind) {
    case NEWS_BYTES:
        flow->arrived += news->bytes;
        if (reader != NULL && reader->is_reset && flow_writer(flow) != NULL)
            flow_tell(back, NEWS_RESET, 0); /* it knows nothing of such a connection */
        break;
    case NEWS_END:
        flow->has_ended = true;
        break;
    default:
        flow_reset_reader(flow);
    }
    if (flow_reader(flow) != NULL)
        wf_sim_wake(flow_reader(flow));
}

/* What is under way will never arrive, and the sender knows it. */
static void flow_give_up(struct link_flow *flow)
{
    struct sim_socket *writer = flow_writer(flow);
    flow->news_count = 0;
    flow->lost += wf_buf_bytes(&flow->data) - flow->arrived;
    flow->data.end = flow->data.start + flow->arrived;
    if (writer == NULL || writer->is_reset)
        return;
    writer->error = -ETIMEDOUT;
    writer->is_reset = true;
    wf_sim_wake(writer);
}

/* While its hosts are cut from each other a flow's news waits, as TCP sends again. */
static bool flow_is_held(struct link_flow *flow)
{
    struct sim_link *link = flow->link;
    struct sim_world *world = link->world;
    weft_time until;
    if (link->kind != SIM_LINK_INET || flow->news_count == 0 ||
        !wf_sim_fault_is_on(world, WEFT_SIM_CUT, &link->hosts[0], &link->hosts[1], &until)) {
        flow->cut_since = 0;
        return false;
    }
    if (flow->cut_since == 0)
        flow->cut_since = world->now;
    weft_time limit = flow->cut_since + LINK_GIVE_UP;
    if (world->now >= limit)
        flow_give_up(flow);
    else
        weft_timer_start(world->loop, &flow->timer,
                         until < limit ? until + wf_sim_delay(world) : limit);
    return true;
}

/* Applies what is due and waits for the next. */
static void flow_advance(struct link_flow *flow)
{
    struct sim_world *world = flow->link->world;
    uint32_t due = 0;
    if (flow_is_held(flow))
        return;
    while (due < flow->news_count && flow->news[due].at <= world->now)
        flow_apply(flow, &flow->news[due++]);
    flow->news_count -= due;
    memmove(flow->news, flow->news + due, flow->news_count * sizeof flow->news[0]);
    if (flow->news_count != 0)
        weft_timer_start(world->loop, &flow->timer, flow->news[0].at);
}

static void flow_timer(weft_timer *timer)
{
    flow_advance(wf_container(timer, struct link_flow, timer));
}

static bool flow_is_doomed(const struct link_flow *flow)
{
    return flow->news_count != 0 && flow->news[flow->news_count - 1].kind == NEWS_RESET;
}

/* When the last of the bytes leaves. */
static weft_time flow_departure(struct link_flow *flow, size_t bytes)
{
    const struct sim_link *link = flow->link;
    struct sim_world *world = link->world;
    uint64_t rate = bytes != 0 && link->kind == SIM_LINK_INET
                        ? wf_sim_fault_rate(world, &link->hosts[0], &link->hosts[1])
                        : 0;
    if (rate == 0)
        return world->now;
    weft_time begin = flow->busy_until > world->now ? flow->busy_until : world->now;
    flow->busy_until = begin + (weft_time)((double)bytes * (double)WEFT_SEC / (double)rate);
    return flow->busy_until;
}

/* News travel in order.  When many are on their way, the last one takes the new one along. */
static void flow_tell(struct link_flow *flow, enum link_news_kind kind, size_t bytes)
{
    if (flow_is_doomed(flow))
        return;
    struct sim_world *world = flow->link->world;
    struct link_news news = {.kind = (uint8_t)kind, .bytes = bytes};
    news.at = flow_departure(flow, bytes) + wf_sim_delay(world) * flow->slowness;
    struct link_news *last = flow->news_count != 0 ? &flow->news[flow->news_count - 1] : NULL;
    if (last != NULL && last->at > news.at)
        news.at = last->at;

    if (last != NULL && last->kind == NEWS_BYTES && kind == NEWS_BYTES &&
        flow->news_count >= LINK_NEWS_MAX - 2) {
        last->at = news.at;
        last->bytes += bytes;
    } else {
        assert(flow->news_count < LINK_NEWS_MAX); /* END and RESET come once */
        flow->news[flow->news_count++] = news;
    }
    flow_advance(flow);
}

/* What goes with bytes up to `taken` is nobody's any more. */
static void flow_drop_passed(struct link_flow *flow, uint64_t taken)
{
    while (!wf_list_is_empty(&flow->passed)) {
        struct link_passed *first = wf_container(flow->passed.next, struct link_passed, link);
        if (first->at > taken)
            return;
        wf_list_remove(&first->link);
        wf_sim_socket_drop(first->socket, -1);
        wf_free(first);
    }
}

/* Those that were to go with the byte at `at`, the last: they do not. */
static void flow_undo_passed(struct link_flow *flow, uint64_t at)
{
    while (!wf_list_is_empty(&flow->passed)) {
        struct link_passed *last = wf_container(flow->passed.prev, struct link_passed, link);
        if (last->at != at)
            return;
        wf_list_remove(&last->link);
        wf_sim_socket_drop(last->socket, -1);
        wf_free(last);
    }
}

static void flow_drop(struct link_flow *flow)
{
    flow_drop_passed(flow, UINT64_MAX);
    weft_timer_stop(flow->link->world->loop, &flow->timer);
    flow->news_count = 0;
    flow->arrived = 0;
    wf_buf_fini(&flow->data);
}

/* ---- life ---- */

static void flow_init(struct link_flow *flow, struct sim_link *link)
{
    struct sim_world *world = link->world;
    bool is_slow = wf_sim_chance(world, world->options.slow_ppm, SIM_CHANCE_SLOW);
    flow->link = link;
    flow->capacity = is_slow ? LINK_SLOW_BYTES : world->options.buffer_bytes;
    flow->slowness = is_slow ? LINK_SLOW_FACTOR : 1;
    weft_timer_init(&flow->timer, flow_timer);
    wf_list_init(&flow->passed);
}

static void socket_join(struct sim_socket *socket, struct sim_link *link, int end)
{
    link->ends[end] = socket;
    socket->link = link;
    socket->end = end;
    socket->state = SIM_CONNECTED;
}

int wf_sim_link_new(struct sim_socket *a, struct sim_socket *b, enum sim_link_kind kind)
{
    struct sim_link *link = wf_alloc(sizeof *link);
    if (link == NULL)
        return -ENOMEM;
    link->world = a->world;
    link->kind = kind;
    link->hosts[0] = a->local;
    link->hosts[1] = b->local;
    wf_list_append(&link->world->links, &link->world_link);
    flow_init(&link->flows[0], link);
    flow_init(&link->flows[1], link);
    socket_join(a, link, 0);
    socket_join(b, link, 1);
    a->shut_write = kind == SIM_LINK_PIPE;
    b->shut_read = kind == SIM_LINK_PIPE;
    wf_sim_faults_watch_links(link->world);
    return 0;
}

static void link_free(struct sim_link *link)
{
    wf_list_remove(&link->world_link);
    wf_sim_faults_watch_links(link->world);
    wf_free(link);
}

void wf_sim_link_leave(struct sim_socket *socket)
{
    struct sim_link *link = socket->link;
    struct link_flow *in = flow_in(socket);
    bool is_rude = wf_buf_bytes(&in->data) != 0 || socket->reset_on_close;

    link->ends[socket->end] = NULL;
    flow_drop(in); /* whoever sends now notices, see wf_sim_link_send */
    struct sim_socket *other = link->ends[1 - socket->end];
    if (other != NULL) {
        struct link_flow *out = flow_out(socket);
        if (is_rude && link->kind != SIM_LINK_PIPE)
            flow_tell(out, NEWS_RESET, 0);
        else if (!socket->shut_write)
            flow_tell(out, NEWS_END, 0);
        wf_sim_wake(other);
    } else {
        flow_drop(flow_out(socket));
        link_free(link);
    }
    socket->link = NULL;
}

void wf_sim_link_end_stream(struct sim_socket *socket)
{
    flow_tell(flow_out(socket), NEWS_END, 0);
}

/* A Unix socket's writer learns of it. */
void wf_sim_link_stop_reading(struct sim_socket *socket)
{
    struct sim_socket *other = flow_writer(flow_in(socket));
    if (other != NULL)
        wf_sim_wake(other);
}

static void link_break(struct sim_link *link)
{
    for (int end = 0; end < 2; end++) {
        struct link_flow *flow = &link->flows[end];
        if (flow_reader(flow) != NULL)
            flow_tell(flow, NEWS_RESET, 0);
    }
}

void wf_sim_link_break(struct sim_socket *socket)
{
    link_break(socket->link);
}

void wf_sim_links_break(struct sim_world *world, const struct sim_fault *fault)
{
    wf_list_each (pos, &world->links) {
        struct sim_link *link = wf_container(pos, struct sim_link, world_link);
        if (link->kind == SIM_LINK_INET &&
            wf_sim_fault_covers(fault, &link->hosts[0], &link->hosts[1]))
            link_break(link);
    }
}

/* ---- bytes ---- */

static size_t flow_used(const struct link_flow *flow)
{
    return wf_buf_bytes(&flow->data) + flow->lost;
}

static size_t flow_room(const struct link_flow *flow)
{
    size_t used = flow_used(flow);
    return used < flow->capacity ? flow->capacity - used : 0;
}

/* Who waits for room is not told before a third is free, as the kernel does with sockets: however
 * slow its reader, a large buffer takes nothing until then. */
static bool flow_is_writable(const struct link_flow *flow)
{
    size_t enough = flow->link->kind == SIM_LINK_PIPE ? 1 : flow->capacity / 3;
    return flow_room(flow) >= enough;
}

int wf_sim_link_unacked(const struct sim_socket *socket)
{
    return (int)flow_used(flow_out(socket));
}

/* One read ends before the byte with which further descriptors come. */
static size_t flow_before_passed(const struct link_flow *flow, size_t bytes)
{
    wf_list_each (pos, &flow->passed) {
        uint64_t at = wf_container(pos, struct link_passed, link)->at;
        if (at > flow->taken)
            return at - flow->taken < bytes ? (size_t)(at - flow->taken) : bytes;
    }
    return bytes;
}

ssize_t wf_sim_link_recv(struct sim_socket *socket, void *buf, size_t bytes, bool is_peek)
{
    struct link_flow *flow = flow_in(socket);
    if (bytes == 0)
        return 0;
    if (flow->arrived != 0) {
        bytes = flow_before_passed(flow, bytes);
        size_t count =
            wf_sim_shorten(flow->link->world, bytes < flow->arrived ? bytes : flow->arrived);
        memcpy(buf, wf_buf_ptr(&flow->data), count);
        if (is_peek)
            return (ssize_t)count;
        wf_buf_consume(&flow->data, count);
        flow->arrived -= count;
        flow_drop_passed(flow, flow->taken);
        flow->taken += count;
        if (flow_writer(flow) != NULL && flow_is_writable(flow))
            wf_sim_wake(flow_writer(flow));
        return (ssize_t)count;
    }
    if (socket->error != 0 && !flow->has_ended)
        return wf_sim_socket_take_error(socket);
    return socket->is_reset || socket->shut_read || flow->has_ended ? 0 : -EAGAIN;
}

/* A pipe and a Unix socket see at once that nobody will read. */
static bool flow_is_refused(const struct link_flow *flow)
{
    struct sim_socket *reader = flow_reader(flow);
    return flow->link->kind != SIM_LINK_INET && (reader == NULL || reader->shut_read);
}

ssize_t wf_sim_link_send(struct sim_socket *socket, const void *buf, size_t bytes)
{
    struct link_flow *flow = flow_out(socket);
    struct sim_world *world = flow->link->world;
    if (socket->error != 0)
        return wf_sim_socket_take_error(socket);
    if (socket->is_reset || socket->shut_write || flow_is_refused(flow))
        return -EPIPE;
    if (bytes == 0)
        return 0;
    if (flow_reader(flow) == NULL)
        flow_tell(flow_in(socket), NEWS_RESET, 0); /* how an internet peer says that it has left */
    else if (flow->link->kind != SIM_LINK_PIPE &&
             wf_sim_chance(world, world->options.reset_ppm, SIM_CHANCE_RESET))
        wf_sim_link_break(socket);
    if (flow_room(flow) == 0)
        return -EAGAIN;

    size_t count = bytes < flow_room(flow) ? bytes : flow_room(flow);
    count = wf_sim_shorten(world, count);
    if (flow_reader(flow) == NULL || flow_is_doomed(flow)) {
        flow->lost += count;
        flow->sent += count;
        return (ssize_t)count;
    }
    if (wf_buf_append(&flow->data, buf, count) < 0) {
        flow->data.rc = 0; /* the next try may find memory */
        return -ENOBUFS;
    }
    flow->sent += count;
    flow_tell(flow, NEWS_BYTES, count);
    return (ssize_t)count;
}

/* ---- descriptors ---- */

ssize_t wf_sim_link_send_fds(struct sim_socket *socket, const void *buf, size_t bytes,
                             struct sim_socket *const *passed, size_t count)
{
    struct link_flow *flow = flow_out(socket);
    uint64_t at = flow->sent;
    if (flow->link->kind != SIM_LINK_UNIX)
        return -EINVAL;
    wf_list going;
    wf_list_init(&going);
    ssize_t rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        struct link_passed *one = wf_alloc(sizeof *one);
        rc = one != NULL ? 0 : -ENOBUFS;
        if (one == NULL)
            break;
        *one = (struct link_passed){.at = at, .socket = passed[i]};
        passed[i]->ref_count++;
        wf_list_append(&going, &one->link);
    }
    if (rc == 0)
        rc = wf_sim_link_send(socket, buf, bytes);
    /* Nobody has read yet: what arrives is told when the back end polls. */
    wf_list_splice(&flow->passed, &going);
    if (rc < 0 || flow_reader(flow) == NULL)
        flow_undo_passed(flow, at);
    return rc;
}

ssize_t wf_sim_link_recv_fds(struct sim_socket *socket, void *buf, size_t bytes, int *fds,
                             size_t *count)
{
    struct link_flow *flow = flow_in(socket);
    size_t came = 0;
    ssize_t rc = 0;
    while (flow->arrived != 0 && !wf_list_is_empty(&flow->passed) && rc == 0) {
        struct link_passed *first = wf_container(flow->passed.next, struct link_passed, link);
        if (first->at > flow->taken)
            break;
        int fd = came < *count ? wf_sim_socket_number(first->socket) : -EMSGSIZE;
        if (fd >= 0)
            fds[came++] = fd;
        else
            rc = fd;
        wf_list_remove(&first->link);
        wf_sim_socket_drop(first->socket, -1);
        wf_free(first);
    }
    if (rc == 0)
        rc = wf_sim_link_recv(socket, buf, bytes, false);
    for (size_t i = 0; rc < 0 && i < came; i++)
        wf_sim_socket_drop(wf_sim_socket_of(flow->link->world, fds[i]), fds[i]);
    *count = rc < 0 ? 0 : came;
    return rc;
}

int wf_sim_link_events(const struct sim_socket *socket)
{
    const struct link_flow *in = flow_in(socket);
    const struct link_flow *out = flow_out(socket);
    bool is_pipe = in->link->kind == SIM_LINK_PIPE;
    bool no_more = socket->shut_read || in->has_ended;
    bool is_deaf = socket->is_reset || flow_is_refused(out);
    int events = 0;
    if (!is_pipe || !socket->shut_read) {
        events |= in->arrived != 0 || (no_more && !is_pipe) || socket->is_reset ? POLLIN : 0;
        events |= no_more && !is_pipe ? POLLRDHUP : 0;
        events |= is_pipe && in->has_ended ? POLLHUP : 0;
    }
    if (!is_pipe || !socket->shut_write) {
        events |= flow_is_writable(out) || is_deaf ? POLLOUT : 0;
        events |= is_pipe && is_deaf ? POLLERR : 0;
    }
    if (socket->error != 0)
        events |= POLLERR;
    if (!is_pipe && (socket->is_reset || (in->has_ended && socket->shut_write)))
        events |= POLLHUP;
    return events;
}
