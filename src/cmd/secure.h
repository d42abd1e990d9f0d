/* SPDX-License-Identifier: MIT */

/*
 * Secure: the certificate of a service that is asked over TLS.  In a program that is built without
 * OpenSSL secure_none.c stands for secure.c, and refuses the options.
 */
#ifndef WF_CMD_SECURE_H
#define WF_CMD_SECURE_H

#include <weft/http.h>
#include <weft/task.h>
#include <weft/tls.h>

struct secure {
    const char *cert, *key; /* the options: paths, or NULL */
    weft_tls *tls;          /* NULL: plain */
    weft_task watch;        /* reads the files again at SIGHUP */
};

/* True if this program can do TLS. */
bool secure_is_there(void);

/* Checks the options: 0, or EXIT_USAGE after saying why. */
int secure_check(struct secure *secure, const char *command);

/* If there is a certificate, reads it and puts it into the options of the server.  From then on
 * SIGHUP reads the files again: connections that stand go on, and so does the old certificate if
 * the new one is of no use.  0, or EXIT_FAILED after saying why. */
WEFT_WAITS int secure_open(struct secure *secure, weft_http_options *options);

/* Ends that.  Harmless if nothing was opened. */
WEFT_WAITS void secure_close(struct secure *secure);

#endif
