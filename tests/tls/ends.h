/* SPDX-License-Identifier: MIT */

/* Both ends of a connection over TLS, in one test. */
#ifndef WF_TESTS_TLS_ENDS_H
#define WF_TESTS_TLS_ENDS_H

#include <weft.h>
#include <weft/tls.h>

#include "certs.h"

struct ends {
    weft_stream *client, *server;
    int client_rc, server_rc; /* of the handshakes */
    char client_text[WEFT_ERROR_TEXT_BYTES], server_text[WEFT_ERROR_TEXT_BYTES];
};

/* Settings with the test's authority and certificate in, where nothing else is said. */
weft_tls *ends_client(weft_tls_options options);
weft_tls *ends_server(weft_tls_options options);

/* Connects over TCP and makes both handshakes. */
void ends_open(struct ends *ends, weft_tls *client, weft_tls *server, const char *name);
void ends_abort(struct ends *ends);

/* Why the client's failed, without the words that say with whom. */
const char *ends_client_why(const struct ends *ends);

/* Connected over TCP, without TLS. */
int ends_connect(struct ends *ends);

#endif
