/* SPDX-License-Identifier: MIT */

/* A certificate that signs itself, for the time of a benchmark, as PEM text. */
#ifndef WF_BENCH_CERT_H
#define WF_BENCH_CERT_H

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

struct bench_cert {
    char cert[2048], key[2048];
};

static inline void bench_cert_take(BIO *bio, char *out, size_t room)
{
    int count = BIO_read(bio, out, (int)room - 1);
    out[count > 0 ? count : 0] = '\0';
    BIO_free(bio);
}

static inline void bench_cert_make(struct bench_cert *out)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    X509_set_pubkey(cert, key);
    X509_sign(cert, key, EVP_sha256());
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, cert);
    bench_cert_take(bio, out->cert, sizeof out->cert);
    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    bench_cert_take(bio, out->key, sizeof out->key);
    X509_free(cert);
    EVP_PKEY_free(key);
}

#endif
