/* SPDX-License-Identifier: MIT */

/*
 * Seals records of any kind as one end of a connection would: OpenSSL has no call for a warning, an
 * empty record or a ClientHello too many.  What the end's own OpenSSL seals afterwards is refused
 * by the peer, so the sealer has the last word.
 */
#ifndef WF_TESTS_TLS_SEALER_H
#define WF_TESTS_TLS_SEALER_H

#include <openssl/ssl.h>

#define SEALER_OVER_BYTES 32 /* of a sealed record, at most, over what is in it */

struct sealer {
    unsigned char key[16], nonce[12];
    uint64_t record_count; /* that the keys have sealed */
    int version;
};

/* For a client's context, before the handshake: a suite that the sealer knows, and no newer version
 * than this one. */
void sealer_prepare(SSL_CTX *context, int version);

/* Behind the handshake that was prepared last: one's end.  No tickets may have been sent. */
void sealer_init(struct sealer *sealer, const SSL *ssl);

/* Writes the record, and says how long it is. */
size_t sealer_seal(struct sealer *sealer, int type, const void *bytes, size_t count,
                   unsigned char *out);

#endif
