/* SPDX-License-Identifier: MIT */

/*
 * Filters, by one that can be followed by eye: what passes changes its case.  It says "<" first and
 * ">" last.  A "!" from the socket is a failure, of which it tells the peer by "?"; a "." is the
 * announced end.
 */

#include "core/scenario_helpers.h"

#include <weft/net.h>
#include <weft/sys/filter.h>

#include <ctype.h>
#include <stdlib.h>

/* ---- the filter, and what is written down about it ---- */

struct seen {
    int starts, seals, finishes, ends, stops, frees;
    bool is_refused; /* the last deliver said that nobody wants more */
    size_t may_seal; /* bytes until it is pushed */
    int start_rc, ended_rc;
    const char *text;
};

static struct seen *seen_of(const weft_filter *filter)
{
    struct seen *seen = *(struct seen **)weft_filter_get_user(filter);
    CHECK_EQ(weft_self().id, 0u);       /* on the loop's own stack ... */
    CHECK_EQ(seen->stops, seen->frees); /* ... and none but `free` behind `stop` */
    return seen;
}

static char change_case(char c)
{
    return (char)(isupper((unsigned char)c) ? tolower((unsigned char)c)
                                            : toupper((unsigned char)c));
}

static int on_start(weft_filter *filter)
{
    struct seen *seen = seen_of(filter);
    seen->starts++;
    int rc = weft_filter_send(filter, "<", 1);
    return rc < 0 ? rc : seen->start_rc;
}

/* A byte at a time, so that the user may do what he likes between any two. */
static int on_received(weft_filter *filter, const char *bytes, size_t count)
{
    struct seen *seen = seen_of(filter);
    CHECK_EQ(seen->starts, 1);
    for (size_t i = 0; i < count; i++) {
        char c = change_case(bytes[i]);
        if (c == '!') {
            seen->text = "a bang";
            int rc = weft_filter_send(filter, "?", 1);
            return rc < 0 ? rc : -EPROTO;
        }
        if (c == '.') {
            weft_filter_deliver_end(filter);
            return 0;
        }
        seen->is_refused = !weft_filter_deliver(filter, &c, 1);
        if (seen->is_refused)
            return 0;
    }
    return 0;
}

static int on_ended(weft_filter *filter)
{
    struct seen *seen = seen_of(filter);
    CHECK_EQ(seen->starts, 1);
    seen->ends++;
    return seen->ended_rc;
}

static ssize_t on_seal(weft_filter *filter, const char *bytes, size_t count)
{
    struct seen *seen = seen_of(filter);
    CHECK_EQ(seen->starts, 1);
    seen->seals++;
    if (count > seen->may_seal)
        count = seen->may_seal;
    seen->may_seal -= count;
    for (size_t i = 0; i < count; i++) {
        char c = change_case(bytes[i]);
        int rc = weft_filter_send(filter, &c, 1);
        if (rc < 0)
            return rc;
    }
    return (ssize_t)count;
}

static int on_finish(weft_filter *filter)
{
    seen_of(filter)->finishes++;
    return weft_filter_send(filter, ">", 1);
}

static void on_stop(weft_filter *filter)
{
    (*(struct seen **)weft_filter_get_user(filter))->stops++;
}

static void on_free(weft_filter *filter)
{
    struct seen *seen = *(struct seen **)weft_filter_get_user(filter);
    CHECK_EQ(seen->stops, 1);
    seen->frees++;
}

static const char *say_text(const weft_filter *filter)
{
    return (*(struct seen **)weft_filter_get_user(filter))->text;
}

static const weft_filter_class case_class = {
    .start = on_start,
    .received = on_received,
    .ended = on_ended,
    .seal = on_seal,
    .finish = on_finish,
    .stop = on_stop,
    .free = on_free,
    .text = say_text,
    .user_bytes = sizeof(struct seen *),
};

static const weft_filter_class another_class = {.user_bytes = 1};

static int put_filter(weft_filter **out, weft_stream *stream, struct seen *seen)
{
    *seen = (struct seen){.may_seal = SIZE_MAX, .text = ""};
    WEFT_TRY(weft_filter_open(out, stream, &case_class));
    *(struct seen **)weft_filter_get_user(*out) = seen;
    return 0;
}

/* ---- a stream with it, and a peer without ---- */

struct pair {
    weft_stream *ours, *peer;
    weft_filter *filter;
    struct seen seen;
};

static void settle(void)
{
    CHECK_OK(weft_sleep(WEFT_SEC));
}

static void pair_open(struct pair *pair)
{
    weft_stream *ends[2];
    CHECK_OK(weft_stream_pair(ends));
    pair->ours = ends[0];
    pair->peer = ends[1];
    CHECK_OK(put_filter(&pair->filter, pair->ours, &pair->seen));
}

static void pair_close(struct pair *pair)
{
    weft_stream_abort(pair->ours);
    weft_stream_abort(pair->peer);
    settle();
    CHECK_EQ(pair->seen.stops, 1);
    CHECK_EQ(pair->seen.frees, 1);
}

static void say(weft_stream *stream, const char *text)
{
    CHECK_OK(weft_stream_write(stream, text, strlen(text)));
}

static void hear(weft_stream *stream, const char *text)
{
    char bytes[64];
    CHECK_EQ(weft_stream_read_exact(stream, bytes, strlen(text)), (ssize_t)strlen(text));
    CHECK_BYTES(bytes, strlen(text), text, strlen(text));
}

static void hear_no_more(weft_stream *stream, ssize_t rc)
{
    char byte;
    CHECK_EQ(weft_stream_read(stream, &byte, 1), rc);
}

/* ---- its life ---- */

TASK_TEST(filter_begins_at_the_end_of_the_turn_and_gets_what_was_unread)
{
    struct pair pair;
    weft_stream *ends[2];
    weft_str unread;
    CHECK_OK(weft_stream_pair(ends));
    pair.ours = ends[0];
    pair.peer = ends[1];
    say(pair.peer, "abc");
    CHECK_EQ(weft_stream_peek(pair.ours, 3, &unread), 3);
    CHECK(!weft_stream_is_filtered(pair.ours));
    CHECK_OK(put_filter(&pair.filter, pair.ours, &pair.seen));
    CHECK(weft_stream_is_filtered(pair.ours));
    CHECK_EQ(pair.seen.starts, 0);
    CHECK_EQ(weft_stream_get_input(pair.ours).len, 0u);
    hear(pair.ours, "ABC");
    CHECK_EQ(pair.seen.starts, 1);
    hear(pair.peer, "<");
    pair_close(&pair);
    CHECK_EQ(pair.seen.starts, 1);
}

static struct pair *opened;
static const weft_stream_kind *usual_kind;

/* Takes a byte and leaves the rest to the filter that it opens. */
static void open_from_input(weft_stream *stream)
{
    weft_stream_consume(stream, 1);
    CHECK_OK(put_filter(&opened->filter, stream, &opened->seen));
    weft_stream_set_kind(stream, usual_kind);
}

TASK_TEST(filter_may_be_opened_from_inside_input)
{
    static const weft_stream_kind opens = {.input = open_from_input};
    struct pair pair = {0};
    weft_stream *ends[2];
    CHECK_OK(weft_stream_pair(ends));
    pair.ours = ends[0];
    pair.peer = ends[1];
    opened = &pair;
    usual_kind = weft_stream_get_kind(pair.ours);
    weft_stream_set_kind(pair.ours, &opens);
    say(pair.peer, "-abc");
    hear(pair.peer, "<");
    hear(pair.ours, "ABC");
    CHECK_EQ(pair.seen.starts, 1);
    pair_close(&pair);
}

TASK_TEST(filter_comes_to_a_stream_that_has_ended)
{
    struct pair pair;
    weft_stream *ends[2];
    weft_str unread;
    CHECK_OK(weft_stream_pair(ends));
    pair.ours = ends[0];
    pair.peer = ends[1];
    say(pair.peer, "abc");
    CHECK_OK(weft_stream_shutdown(pair.peer));
    CHECK_EQ(weft_stream_peek(pair.ours, 4, &unread), 3); /* sees the end too */
    CHECK_OK(put_filter(&pair.filter, pair.ours, &pair.seen));
    hear(pair.ours, "ABC");
    hear_no_more(pair.ours, 0);
    CHECK_EQ(pair.seen.ends, 1);
    pair_close(&pair);
}

TASK_TEST(filter_is_refused_where_it_cannot_be)
{
    struct pair pair;
    weft_filter *filter = NULL;
    pair_open(&pair);
    CHECK_EQ(weft_filter_open(&filter, pair.ours, &another_class), -EBUSY);
    CHECK(filter == NULL);
    CHECK(weft_filter_of(pair.ours, &case_class) == pair.filter);
    CHECK(weft_filter_of(pair.ours, &another_class) == NULL);
    CHECK(weft_filter_of(pair.peer, &case_class) == NULL);
    CHECK(weft_filter_get_stream(pair.filter) == pair.ours);
    say(pair.peer, "a");
    CHECK_EQ(weft_filter_open(&filter, pair.peer, &another_class), -EBUSY); /* unsent */
    settle();
    weft_filter_fail(pair.filter, -EIO);
    CHECK_EQ(weft_filter_open(&filter, pair.ours, &another_class), -EIO);
    pair_close(&pair);
}

TASK_TEST(filter_that_cannot_begin_fails_the_stream)
{
    struct pair pair;
    pair_open(&pair);
    pair.seen.start_rc = -EACCES;
    pair.seen.text = "not today";
    hear_no_more(pair.ours, -EACCES);
    CHECK_STR(weft_error_text(), "not today");
    CHECK_EQ(weft_stream_write(pair.ours, "a", 1), -EACCES);
    hear(pair.peer, "<");
    CHECK_EQ(pair.seen.seals, 0);
    pair_close(&pair);
}

/* ---- bytes ---- */

TASK_TEST(filter_turns_bytes_both_ways)
{
    struct pair pair;
    pair_open(&pair);
    say(pair.ours, "hello"); /* before it has begun: behind its own first bytes */
    hear(pair.peer, "<HELLO");
    say(pair.peer, "World");
    hear(pair.ours, "wORLD");
    say(pair.ours, "x");
    hear(pair.peer, "X");
    pair_close(&pair);
}

/* What is not taken stays with the stream, in order, and nobody asks again unless pushed. */
TASK_TEST(filter_that_takes_less_is_asked_again_when_it_says_so)
{
    struct pair pair;
    pair_open(&pair);
    pair.seen.may_seal = 2;
    say(pair.ours, "abcdef");
    hear(pair.peer, "<AB");
    settle();
    int seals = pair.seen.seals;
    CHECK_LE(seals, 3);
    settle();
    CHECK_EQ(pair.seen.seals, seals);
    CHECK_EQ(weft_stream_get_unsent(pair.ours), 4u);
    pair.seen.may_seal = 3;
    weft_filter_push(pair.filter);
    hear(pair.peer, "CDE");
    pair.seen.may_seal = SIZE_MAX;
    weft_filter_push(pair.filter);
    CHECK_OK(weft_stream_flush(pair.ours));
    CHECK_EQ(weft_stream_get_unsent(pair.ours), 0u);
    hear(pair.peer, "F");
    pair_close(&pair);
}

/* ---- ends ---- */

TASK_TEST(filter_says_its_last_bytes_behind_all_others)
{
    struct pair pair;
    pair_open(&pair);
    say(pair.ours, "abc");
    CHECK_OK(weft_stream_shutdown(pair.ours));
    CHECK_EQ(pair.seen.finishes, 1);
    hear(pair.peer, "<ABC>");
    hear_no_more(pair.peer, 0);
    say(pair.peer, "still");
    hear(pair.ours, "STILL");
    CHECK_OK(weft_stream_close(pair.ours));
    pair.ours = NULL;
    CHECK_EQ(pair.seen.finishes, 1);
    pair_close(&pair);
}

TASK_TEST(filter_says_its_last_bytes_when_the_stream_is_closed)
{
    struct pair pair;
    pair_open(&pair);
    say(pair.ours, "abc");
    CHECK_OK(weft_stream_close(pair.ours));
    pair.ours = NULL;
    hear(pair.peer, "<ABC>");
    hear_no_more(pair.peer, 0);
    CHECK_EQ(pair.seen.finishes, 1);
    pair_close(&pair);
}

TASK_TEST(filter_decides_what_the_end_of_the_socket_is)
{
    static const int ends[] = {0, -WEFT_ETRUNCATED};
    for (size_t i = 0; i < 2; i++) {
        struct pair pair;
        pair_open(&pair);
        pair.seen.ended_rc = ends[i];
        pair.seen.text = "cut off";
        say(pair.peer, "abc");
        CHECK_OK(weft_stream_shutdown(pair.peer));
        hear(pair.ours, "ABC");
        hear_no_more(pair.ours, ends[i]);
        CHECK_EQ(pair.seen.ends, 1);
        if (ends[i] < 0)
            CHECK_STR(weft_error_text(), "cut off");
        pair_close(&pair);
    }
}

TASK_TEST(filter_ends_what_the_user_reads_before_the_socket_does)
{
    struct pair pair;
    pair_open(&pair);
    say(pair.peer, "ab.cd");
    hear(pair.ours, "AB");
    hear_no_more(pair.ours, 0);
    hear_no_more(pair.ours, 0);
    say(pair.ours, "back"); /* ours is another direction */
    hear(pair.peer, "<BACK");
    pair_close(&pair);
}

/* ---- failures ---- */

/* What came before it is read, what it says to the peer arrives, even if the stream is aborted. */
TASK_TEST(filter_fails_the_stream_and_its_last_words_arrive)
{
    struct pair pair;
    pair_open(&pair);
    hear(pair.peer, "<");
    say(pair.peer, "ab!");
    hear(pair.ours, "AB");
    hear_no_more(pair.ours, -EPROTO);
    CHECK_STR(weft_error_text(), "a bang");
    CHECK_EQ(pair.seen.stops, 1);
    CHECK_EQ(weft_stream_write(pair.ours, "a", 1), -EPROTO);
    hear(pair.peer, "?");
    weft_stream_abort(pair.ours);
    pair.ours = NULL;
    hear_no_more(pair.peer, 0); /* an end, and no reset that takes words back */
    pair_close(&pair);
}

TASK_TEST(filter_fails_the_stream_from_outside)
{
    struct pair pair;
    pair_open(&pair);
    settle();
    weft_filter_fail(pair.filter, -EIO);
    weft_filter_fail(pair.filter, -EPROTO); /* the first one counts */
    hear_no_more(pair.ours, -EIO);
    CHECK_EQ(pair.seen.stops, 1);
    char byte = 'a';
    CHECK(!weft_filter_deliver(pair.filter, &byte, 1));
    pair_close(&pair);
}

/* ---- waiting ---- */

static int wait_for_change(void *filter)
{
    return weft_filter_wait(filter);
}

TASK_TEST(filter_wait_ends_by_push_cancel_and_failure)
{
    struct pair pair;
    int rc;
    pair_open(&pair);
    settle();
    weft_task task = weft_spawn(wait_for_change, pair.filter);
    settle();
    CHECK_EQ(weft_done(task, &rc), 0);
    CHECK_EQ(weft_filter_wait(pair.filter), -EBUSY);
    weft_filter_push(pair.filter);
    CHECK_OK(weft_await(task));

    task = weft_spawn(wait_for_change, pair.filter);
    settle();
    weft_cancel(task, "test");
    CHECK_EQ(weft_await(task), -ECANCELED);

    task = weft_spawn(wait_for_change, pair.filter);
    settle();
    say(pair.peer, "!");
    CHECK_EQ(weft_await(task), -EPROTO);
    CHECK_STR(weft_error_text(), "a bang");
    pair_close(&pair);
}

/* ---- callbacks ---- */

struct link {
    weft_stream *ours;
    struct seen seen;
    char heard[8];
    size_t count;
    size_t plain_count, changed_count;
    bool is_plain_first; /* the filter comes when something was heard */
    bool is_ended, is_closed;
};

static void on_input(weft_stream *stream)
{
    struct link *link = *(struct link **)weft_stream_get_user(stream);
    weft_str input = weft_stream_get_input(stream);
    for (size_t i = 0; i < input.len; i++) {
        if (link->count < sizeof link->heard)
            link->heard[link->count++] = input.ptr[i];
        link->plain_count += input.ptr[i] == 'a';
        link->changed_count += input.ptr[i] == 'A';
    }
    weft_stream_consume(stream, input.len);
    link->is_ended = weft_stream_is_ended(stream);
    weft_filter *filter;
    if (link->is_plain_first && !weft_stream_is_filtered(stream))
        CHECK_OK(put_filter(&filter, stream, &link->seen));
    if (link->count == 3 && !link->is_plain_first)
        weft_stream_abort(stream);
}

static void on_closed(weft_stream *stream)
{
    (*(struct link **)weft_stream_get_user(stream))->is_closed = true;
}

static const weft_stream_kind callback_kind = {
    .input = on_input, .closed = on_closed, .user_bytes = sizeof(struct link *)};

static void take_connection(weft_listener *listener, int fd, void *arg)
{
    struct link *link = arg;
    weft_filter *filter;
    (void)listener;
    CHECK_OK(weft_stream_open(&link->ours, fd, &callback_kind));
    *(struct link **)weft_stream_get_user(link->ours) = link;
    if (!link->is_plain_first)
        CHECK_OK(put_filter(&filter, link->ours, &link->seen));
}

static void link_open(struct link *link, weft_stream **peer)
{
    weft_addr any;
    weft_listener *listener;
    CHECK_OK(weft_addr_parse(&any, "127.0.0.1:0"));
    CHECK_OK(weft_listener_open(&listener, &any, NULL));
    CHECK_OK(weft_listener_start(listener, take_connection, link));
    CHECK_OK(weft_stream_connect(peer, weft_listener_get_addr(listener)));
    while (link->ours == NULL)
        settle();
    weft_listener_close(listener);
}

/* The user's callback aborts in the middle of what has come: the rest has no taker. */
TASK_TEST(filter_is_told_that_nobody_wants_more)
{
    struct link link = {.ours = NULL};
    weft_stream *peer;
    link_open(&link, &peer);
    say(peer, "abcdef");
    settle();
    CHECK(link.seen.is_refused);
    CHECK(link.is_closed);
    CHECK_BYTES(link.heard, link.count, "ABC", 3);
    CHECK_EQ(link.seen.frees, 1);
    weft_stream_abort(peer);
}

static int say_much(weft_stream *peer, size_t much)
{
    char bytes[1000];
    memset(bytes, 'a', sizeof bytes);
    for (size_t said = 0; said < much; said += sizeof bytes)
        WEFT_TRY(weft_stream_write(peer, bytes, sizeof bytes));
    return weft_stream_shutdown(peer);
}

/* The filter comes in a callback, while more bytes and the end are already on their way: it begins
 * before it hears of any. */
static void check_begins_first(size_t much)
{
    struct link link = {.is_plain_first = true};
    weft_stream *peer;
    link_open(&link, &peer);
    CHECK_OK(say_much(peer, much));
    settle();
    CHECK(link.is_ended);
    CHECK_GT(link.plain_count, 0u);
    CHECK_EQ(link.plain_count + link.changed_count, much);
    CHECK_EQ(link.seen.starts, 1);
    CHECK_EQ(link.seen.ends, 1);
    hear(peer, "<");
    weft_stream_abort(link.ours);
    weft_stream_abort(peer);
    settle();
    CHECK(link.is_closed);
}

TASK_TEST(filter_begins_before_it_hears_of_anything)
{
    bool is_sim = strcmp(test_backend(), "sim") == 0; /* there it would take long, seed by seed */
    check_begins_first(is_sim ? 1000 : 10000);        /* all of it and the end at once */
    if (!is_sim)
        check_begins_first(100000); /* more than is read at a time */
}

/* ---- everything that may go wrong ---- */

#define BULK_BYTES 20000u

struct talk {
    weft_stream *ends[2];
};

static struct seen both_seen[2];

/* Twice through the filter: what was written, between its own first and last bytes. */
static int take_to_the_end(weft_stream *stream, size_t expected)
{
    size_t count = 0;
    char bytes[700];
    for (;;) {
        ssize_t rc = weft_stream_read(stream, bytes, sizeof bytes);
        if (rc < 0)
            return (int)rc;
        if (rc == 0)
            break;
        for (ssize_t i = 0; i < rc; i++, count++)
            CHECK_EQ(bytes[i], count == 0 ? '<' : count == expected + 1 ? '>' : 'a');
    }
    CHECK_EQ(count, expected + 2);
    return 0;
}

static int send_bulk(void *arg)
{
    const struct talk *talk = arg;
    char bytes[500];
    memset(bytes, 'a', sizeof bytes);
    for (size_t sent = 0; sent < BULK_BYTES; sent += sizeof bytes)
        WEFT_TRY(weft_stream_write(talk->ends[0], bytes, sizeof bytes));
    WEFT_TRY(weft_stream_shutdown(talk->ends[0]));
    return take_to_the_end(talk->ends[0], 0);
}

static int take_bulk(void *arg)
{
    const struct talk *talk = arg;
    WEFT_TRY(take_to_the_end(talk->ends[1], BULK_BYTES));
    return weft_stream_shutdown(talk->ends[1]);
}

static void check_all_freed(int rc)
{
    (void)rc;
    for (size_t i = 0; i < 2; i++) {
        CHECK_EQ(both_seen[i].frees, both_seen[i].stops);
        CHECK_LE(both_seen[i].starts, 1);
        CHECK_LE(both_seen[i].finishes, 1);
    }
}

SCENARIO_WITH(filters_on_both_ends_carry_everything_or_fail, check_all_freed)
{
    struct talk talk;
    weft_filter *filter;
    memset(both_seen, 0, sizeof both_seen);
    WEFT_TRY(weft_stream_pair(talk.ends));
    int rc = put_filter(&filter, talk.ends[0], &both_seen[0]);
    if (rc == 0)
        rc = put_filter(&filter, talk.ends[1], &both_seen[1]);
    if (rc == 0)
        rc = both(send_bulk, take_bulk, &talk);
    int closed = weft_stream_close(talk.ends[0]);
    int other = weft_stream_close(talk.ends[1]);
    return first_error(first_error(rc, closed), other);
}
