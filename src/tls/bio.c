/* SPDX-License-Identifier: MIT */

/* OpenSSL's way to the stream: it reads from what has just come, and writes to what is to be sent.
 */

#include "tls/tls_priv.h"

#include <openssl/bio.h>
#include <pthread.h>
#include <string.h>

static int bio_read(BIO *bio, char *buf, int bytes)
{
    struct wf_tls_conn *conn = BIO_get_data(bio);
    size_t count = (size_t)bytes < conn->input_bytes ? (size_t)bytes : conn->input_bytes;
    BIO_clear_retry_flags(bio);
    if (count == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(buf, conn->input, count);
    conn->input += count;
    conn->input_bytes -= count;
    return (int)count;
}

/* Takes everything: how much may wait is decided where plain bytes are taken in. */
static int bio_write(BIO *bio, const char *bytes, int count)
{
    struct wf_tls_conn *conn = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    int rc = weft_filter_send(conn->filter, bytes, (size_t)count);
    if (rc < 0)
        conn->rc = rc;
    return rc < 0 ? -1 : count;
}

static long bio_control(BIO *bio, int command, long number, void *ptr)
{
    (void)bio;
    (void)number;
    (void)ptr;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

/* One for the process, never freed: OpenSSL counts no references to methods. */
static BIO_METHOD *method;

static void method_make(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weft stream");
    if (method == NULL || BIO_meth_set_read(method, bio_read) != 1 ||
        BIO_meth_set_write(method, bio_write) != 1 || BIO_meth_set_ctrl(method, bio_control) != 1)
        method = NULL;
}

int wf_tls_bio_attach(struct wf_tls_conn *conn)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, method_make);
    BIO *bio = method != NULL ? BIO_new(method) : NULL;
    if (bio == NULL)
        return -ENOMEM;
    BIO_set_data(bio, conn);
    BIO_set_init(bio, 1);
    SSL_set_bio(conn->ssl, bio, bio);
    return 0;
}
