/* SPDX-License-Identifier: MIT */

/* Certificates made at test time. */
#ifndef WF_TESTS_TLS_CERTS_H
#define WF_TESTS_TLS_CERTS_H

#include <weft/tls.h>

#define CERT_PEM_BYTES 4096

struct cert {
    char pem[CERT_PEM_BYTES];
    char key[CERT_PEM_BYTES];
};

struct cert_wish {
    const char *subject;       /* "CN" */
    const char *names;         /* "DNS:a.test,IP:127.0.0.1"; NULL: it may sign others */
    const char *begins, *ends; /* as "20300101000000Z"; NULL: always valid */
    const struct cert *signer; /* NULL: itself */
    const char *signer_subject;
};

void cert_make(struct cert *out, const struct cert_wish *wish);

/* Made once a process: who signs, and one for "web.test", "*.wild.test" and 127.0.0.1. */
const struct cert *cert_authority(void);
const struct cert *cert_web(void);

/* Another for these names, from the same signer. */
void cert_for(struct cert *out, const char *subject, const char *names);

#endif
