/* SPDX-License-Identifier: MIT */

#include "certs.h"

#include "harness/harness.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

static void write_pem(char out[CERT_PEM_BYTES], int write(BIO *bio, void *arg), void *arg)
{
    char *bytes = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    CHECK(bio != NULL);
    CHECK_EQ(write(bio, arg), 1);
    long count = BIO_get_mem_data(bio, &bytes);
    CHECK_LT(count, CERT_PEM_BYTES);
    memcpy(out, bytes, (size_t)count);
    out[count] = '\0';
    BIO_free(bio);
}

static int write_cert(BIO *bio, void *cert)
{
    return PEM_write_bio_X509(bio, cert);
}

static int write_key(BIO *bio, void *key)
{
    return PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
}

static EVP_PKEY *read_key(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    CHECK(key != NULL);
    return key;
}

static void set_name(X509_NAME *name, const char *text)
{
    CHECK_EQ(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)text, -1,
                                        -1, 0),
             1);
}

static void add_extension(X509 *cert, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    CHECK(extension != NULL);
    CHECK_EQ(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

void cert_make(struct cert *out, const struct cert_wish *wish)
{
    static long serial = 1;
    X509 *cert = X509_new();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_PKEY *signer = wish->signer != NULL ? read_key(wish->signer->key) : key;
    CHECK(cert != NULL);
    CHECK(key != NULL);
    CHECK_EQ(X509_set_version(cert, 2), 1);
    CHECK_EQ(ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++), 1);
    const char *begins = wish->begins != NULL ? wish->begins : "19900101000000Z";
    const char *ends = wish->ends != NULL ? wish->ends : "20900101000000Z";
    CHECK_EQ(ASN1_TIME_set_string_X509(X509_getm_notBefore(cert), begins), 1);
    CHECK_EQ(ASN1_TIME_set_string_X509(X509_getm_notAfter(cert), ends), 1);
    set_name(X509_get_subject_name(cert), wish->subject);
    set_name(X509_get_issuer_name(cert),
             wish->signer != NULL ? wish->signer_subject : wish->subject);
    CHECK_EQ(X509_set_pubkey(cert, key), 1);
    if (wish->names != NULL)
        add_extension(cert, NID_subject_alt_name, wish->names);
    else
        add_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
    CHECK_GT(X509_sign(cert, signer, EVP_sha256()), 0);
    write_pem(out->pem, write_cert, cert);
    write_pem(out->key, write_key, key);
    if (signer != key)
        EVP_PKEY_free(signer);
    EVP_PKEY_free(key);
    X509_free(cert);
}

const struct cert *cert_authority(void)
{
    static struct cert authority;
    if (authority.pem[0] == '\0')
        cert_make(&authority, &(struct cert_wish){.subject = "Test Authority"});
    return &authority;
}

void cert_for(struct cert *out, const char *subject, const char *names)
{
    cert_make(out, &(struct cert_wish){.subject = subject,
                                       .names = names,
                                       .signer = cert_authority(),
                                       .signer_subject = "Test Authority"});
}

const struct cert *cert_web(void)
{
    static struct cert web;
    if (web.pem[0] == '\0')
        cert_for(&web, "web", "DNS:web.test,DNS:*.wild.test,IP:127.0.0.1");
    return &web;
}
