/* SPDX-License-Identifier: MIT */

#include "self_signed.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

static bool add_name(X509 *cert, const char *name)
{
    char text[300];
    snprintf(text, sizeof text, "DNS:%s", name);
    X509_NAME *subject = X509_get_subject_name(cert);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, text);
    bool is_added = names != NULL && X509_add_ext(cert, names, -1) == 1 &&
                    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                               (const unsigned char *)name, -1, -1, 0) == 1;
    X509_EXTENSION_free(names);
    return is_added && X509_set_issuer_name(cert, subject) == 1;
}

static bool fill(X509 *cert, EVP_PKEY *key, const char *name)
{
    return X509_set_version(cert, X509_VERSION_3) == 1 &&
           ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(cert), -60) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(cert), 24L * 60 * 60) != NULL &&
           X509_set_pubkey(cert, key) == 1 && add_name(cert, name) &&
           X509_sign(cert, key, EVP_sha256()) > 0;
}

/* What a BIO holds, as a string. */
static bool take_text(BIO *bio, char *out, int bytes)
{
    int count = BIO_read(bio, out, bytes - 1);
    out[count > 0 ? count : 0] = '\0';
    return count > 0;
}

bool self_signed_make(struct self_signed *out, const char *name)
{
    X509 *cert = X509_new();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    BIO *text = BIO_new(BIO_s_mem());
    bool is_made = cert != NULL && key != NULL && text != NULL && fill(cert, key, name) &&
                   PEM_write_bio_X509(text, cert) == 1 &&
                   take_text(text, out->cert, sizeof out->cert) &&
                   PEM_write_bio_PrivateKey(text, key, NULL, NULL, 0, NULL, NULL) == 1 &&
                   take_text(text, out->key, sizeof out->key);
    BIO_free(text);
    EVP_PKEY_free(key);
    X509_free(cert);
    return is_made;
}
