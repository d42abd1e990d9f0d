/* SPDX-License-Identifier: MIT */

/* A peer that sends what is cheap for it again and again, behind a handshake it has made. */

#include "harness/harness.h"

#include "ends.h"
#include "sealer.h"

#include "tls/tls_priv.h"

#define UNSEALED 0 /* the bytes as they are */

static const struct flood {
    const char *what;
    int version;
    bool is_of_server;
    int type;
    const char *bytes;
    size_t count;
    bool has_data;    /* a byte of it behind each */
    const char *text; /* how it ends; NULL: our limit, "": it is taken */
} floods[] = {
    {"warnings", TLS1_3_VERSION, false, SSL3_RT_ALERT, "\1\x5a", 2, false,
     "tls: too many warn alerts"},
    {"warnings", TLS1_3_VERSION, true, SSL3_RT_ALERT, "\1\x5a", 2, false,
     "tls: too many warn alerts"},
    {"warnings", TLS1_2_VERSION, false, SSL3_RT_ALERT, "\1\x70", 2, false,
     "tls: too many warn alerts"},
    {"warnings", TLS1_2_VERSION, true, SSL3_RT_ALERT, "\1\x70", 2, false,
     "tls: too many warn alerts"},
    {"warnings among data", TLS1_3_VERSION, false, SSL3_RT_ALERT, "\1\x5a", 2, true, NULL},
    {"warnings among data", TLS1_3_VERSION, true, SSL3_RT_ALERT, "\1\x5a", 2, true, NULL},
    {"warnings among data", TLS1_2_VERSION, false, SSL3_RT_ALERT, "\1\x70", 2, true, NULL},
    {"warnings among data", TLS1_2_VERSION, true, SSL3_RT_ALERT, "\1\x70", 2, true, NULL},

    {"wishes to renegotiate", TLS1_2_VERSION, false, SSL3_RT_HANDSHAKE, "\1\0\0", 4, false, NULL},
    {"wishes to renegotiate", TLS1_2_VERSION, true, SSL3_RT_HANDSHAKE, "\0\0\0", 4, false, NULL},
    {"tickets", TLS1_3_VERSION, true, SSL3_RT_HANDSHAKE, "\4\0\0\x0e\0\0\x0e\x10\1\2\3\4\0\0\1x\0",
     18, false, NULL},
    {"tickets", TLS1_3_VERSION, false, SSL3_RT_HANDSHAKE, "\4\0\0\x0e\0\0\x0e\x10\1\2\3\4\0\0\1x\0",
     18, false, "tls: unexpected message"},

    {"empty records", TLS1_3_VERSION, false, SSL3_RT_APPLICATION_DATA, "", 0, false,
     "tls: record too small"},
    {"empty records", TLS1_2_VERSION, true, SSL3_RT_APPLICATION_DATA, "", 0, false,
     "tls: record too small"},
    {"empty records among data", TLS1_3_VERSION, false, SSL3_RT_APPLICATION_DATA, "", 0, true, ""},
    {"empty handshakes", TLS1_3_VERSION, false, SSL3_RT_HANDSHAKE, "", 0, false, "tls: bad length"},
    {"changes of cipher", TLS1_3_VERSION, false, SSL3_RT_CHANGE_CIPHER_SPEC, "\1", 1, false,
     "tls: bad record type"},
    {"changes of cipher", TLS1_2_VERSION, true, SSL3_RT_CHANGE_CIPHER_SPEC, "\1", 1, false,
     "tls: ccs received early"},
    {"changes of cipher, not sealed", TLS1_3_VERSION, false, UNSEALED, "\x14\3\3\0\1\1", 6, false,
     "tls: bad record type"},
};

struct flooded {
    weft_tls *client, *server;
    struct ends ends;
    struct sealer sealer;
};

static void flooded_open(struct flooded *flooded, const struct flood *flood)
{
    flooded->client = ends_client((weft_tls_options){0});
    flooded->server = ends_server((weft_tls_options){0});
    sealer_prepare(flooded->client->set.contexts[0], flood->version);
    CHECK_EQ(SSL_CTX_set_num_tickets(flooded->server->set.contexts[0], 0), 1);
    ends_open(&flooded->ends, flooded->client, flooded->server, "web.test");
    CHECK_OK(flooded->ends.client_rc);
    const weft_stream *from = flood->is_of_server ? flooded->ends.server : flooded->ends.client;
    struct wf_tls_conn *conn = wf_tls_conn_of(from);
    sealer_init(&flooded->sealer, conn->ssl);
    conn->state = WF_TLS_ENDED; /* it does not listen to what is said to it for that */
}

static void flooded_close(struct flooded *flooded)
{
    ends_abort(&flooded->ends);
    weft_tls_free(flooded->client);
    weft_tls_free(flooded->server);
}

static void send_record(struct flooded *flooded, weft_filter *filter, int type, const char *bytes,
                        size_t count)
{
    unsigned char record[64 + SEALER_OVER_BYTES];
    if (type == UNSEALED) {
        CHECK_OK(weft_filter_send(filter, bytes, count));
        return;
    }
    size_t sealed = sealer_seal(&flooded->sealer, type, bytes, count, record);
    CHECK_OK(weft_filter_send(filter, record, sealed));
}

static ssize_t read_to_end(weft_stream *stream, size_t *out_bytes)
{
    char buf[256];
    ssize_t count;
    *out_bytes = 0;
    while ((count = weft_stream_read(stream, buf, sizeof buf)) > 0)
        *out_bytes += (size_t)count;
    return count;
}

/* All of it, then an end; `text` is how that is read, "" for a good end. */
static void check_flood(const struct flood *flood, int count, weft_time pause, const char *text)
{
    struct flooded flooded;
    size_t data_bytes;
    flooded_open(&flooded, flood);
    weft_stream *from = flood->is_of_server ? flooded.ends.server : flooded.ends.client;
    weft_stream *to = flood->is_of_server ? flooded.ends.client : flooded.ends.server;
    weft_filter *filter = wf_tls_conn_of(from)->filter;
    note("%d %s, TLS 1.%d, of a %s", count, flood->what, flood->version - TLS1_VERSION,
         flood->is_of_server ? "server" : "client");
    for (int i = 0; i < count; i++) {
        send_record(&flooded, filter, flood->type, flood->bytes, flood->count);
        if (flood->has_data)
            send_record(&flooded, filter, SSL3_RT_APPLICATION_DATA, "x", 1);
        if (pause != 0)
            CHECK_OK(weft_sleep(pause));
    }
    send_record(&flooded, filter, SSL3_RT_ALERT, "\1", 2); /* close_notify */
    ssize_t rc = read_to_end(to, &data_bytes);
    if (*text == '\0') {
        CHECK_EQ(rc, 0);
        CHECK_EQ(data_bytes, flood->has_data ? (size_t)count : 0);
    } else {
        CHECK_STR(weft_error_text(), text);
    }
    flooded_close(&flooded);
}

TASK_TEST(class_37_tls_records_that_cost_their_sender_little_are_few)
{
    static const char limit[] =
        "tls: over 32 key updates, tickets, alerts and the like of the peer in 10 s";
    for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
        const struct flood *flood = &floods[i];
        check_flood(flood, 1000, 0, flood->text != NULL ? flood->text : limit);
        if (flood->text != NULL)
            continue;
        check_flood(flood, 31, 0, "");
        check_flood(flood, 32, 0, limit); /* the end is an alert too */
        check_flood(flood, 100, WEFT_SEC, "");
    }
}

/* ---- key updates ---- */

static int read_all(void *arg)
{
    size_t data_bytes;
    return (int)read_to_end(arg, &data_bytes);
}

/* Each wants one of the other end, too. */
static int updates_sent(bool are_of_server, int count, weft_time pause)
{
    struct ends ends;
    weft_tls *client = ends_client((weft_tls_options){0});
    weft_tls *server = ends_server((weft_tls_options){0});
    ends_open(&ends, client, server, "web.test");
    CHECK_OK(ends.client_rc);
    weft_stream *from = are_of_server ? ends.server : ends.client;
    wf_tls_conn_of(from)->state = WF_TLS_ENDED; /* the answers would be too many for it, too */
    weft_task reading = weft_spawn(read_all, are_of_server ? ends.client : ends.server);
    int rc = 0, done;
    for (int i = 0; i < count && rc == 0; i++) {
        CHECK_EQ(SSL_key_update(wf_tls_conn_of(from)->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        rc = weft_stream_write(from, "x", 1);
        if (rc == 0)
            rc = weft_sleep(pause);
    }
    if (weft_done(reading, &done) == 0) {
        CHECK_OK(weft_stream_shutdown(from));
        done = weft_await(reading);
    }
    ends_abort(&ends);
    weft_tls_free(client);
    weft_tls_free(server);
    return done;
}

TASK_TEST(class_37_tls_peer_that_changes_keys_too_often_is_cut_off)
{
    for (int are_of_server = 0; are_of_server < 2; are_of_server++) {
        CHECK_EQ(updates_sent(are_of_server, 29, WEFT_MS), 0);       /* and two tickets */
        CHECK_EQ(updates_sent(are_of_server, 60, 400 * WEFT_MS), 0); /* 25 in 10 s */
        CHECK_EQ(updates_sent(are_of_server, 60, 250 * WEFT_MS), -WEFT_ELIMIT);
        CHECK_EQ(updates_sent(are_of_server, 60, WEFT_MS), -WEFT_ELIMIT);
    }
}
