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

/* The options: paths, or NULL. */
struct secure {
    const char *cert, *key;
};

/* True if this program can do TLS. */
bool secure_is_there(void);

/* Checks the options: 0, or EXIT_USAGE after saying why. */
int secure_check(struct secure *secure, const char *command);

/* If there is a certificate, reads it into *out and puts it into the options of a server of this
 * loop; else *out is NULL.  A failure has its text. */
WEFT_WAITS int secure_open(const struct secure *secure, weft_http_options *options, weft_tls **out);

/* Reads the files again: connections that stand go on, and so does the old certificate if the new
 * one is of no use. */
WEFT_WAITS int secure_reload(weft_tls *tls);

/* NULL is fine. */
void secure_close(weft_tls *tls);

#endif
