/* SPDX-License-Identifier: MIT */

#include "sealer.h"

#include "harness/harness.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>

/* SHA-256, and AES-128-GCM: RFC 8446, 5 and 7; RFC 5246, 5 and 6.3; RFC 5288. */
#define SECRET_BYTES 32u
#define TAG_BYTES 16
#define HEADER_BYTES 5

/* ---- what the handshake agreed on ---- */

static struct {
    unsigned char client[SECRET_BYTES], server[SECRET_BYTES];
} secrets; /* of TLS 1.3 */

/* "LABEL random secret" */
static void secret_seen(const SSL *ssl, const char *line)
{
    static const char client[] = "CLIENT_TRAFFIC_SECRET_0 ", server[] = "SERVER_TRAFFIC_SECRET_0 ";
    bool is_client = strncmp(line, client, sizeof client - 1) == 0;
    unsigned char *secret = is_client ? secrets.client : secrets.server;
    const char *text = strrchr(line, ' ') + 1;
    (void)ssl;
    if (!is_client && strncmp(line, server, sizeof server - 1) != 0)
        return;
    size_t count = 0;
    CHECK_EQ(OPENSSL_hexstr2buf_ex(secret, SECRET_BYTES, &count, text, '\0'), 1);
    CHECK_EQ(count, SECRET_BYTES);
}

void sealer_prepare(SSL_CTX *context, int version)
{
    CHECK_EQ(SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256"), 1);
    CHECK_EQ(SSL_CTX_set_cipher_list(context, "ECDHE-ECDSA-AES128-GCM-SHA256"), 1);
    CHECK_EQ(SSL_CTX_set_max_proto_version(context, version), 1);
    SSL_CTX_set_keylog_callback(context, secret_seen);
}

/* ---- keys ---- */

static void derive(const char *name, OSSL_PARAM *params, unsigned char *out, size_t count)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    CHECK(context != NULL);
    CHECK_EQ(EVP_KDF_derive(context, out, count, params), 1);
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
}

static OSSL_PARAM octets(const char *name, const void *bytes, size_t count)
{
    return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)bytes, count);
}

static OSSL_PARAM digest(void)
{
    static char name[] = "SHA256";
    return OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name, 0);
}

static void expand(const unsigned char *secret, const char *label, unsigned char *out, size_t count)
{
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    OSSL_PARAM params[] = {digest(),
                           OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
                           octets(OSSL_KDF_PARAM_KEY, secret, SECRET_BYTES),
                           octets(OSSL_KDF_PARAM_PREFIX, "tls13 ", 6),
                           octets(OSSL_KDF_PARAM_LABEL, label, strlen(label)),
                           OSSL_PARAM_construct_end()};
    derive("TLS13-KDF", params, out, count);
}

/* The client's key, the server's key, and what their nonces begin with. */
static void keys_of_1_2(const SSL *ssl, unsigned char out[40])
{
    unsigned char master[SSL_MAX_MASTER_KEY_LENGTH], seed[64];
    size_t count = SSL_SESSION_get_master_key(SSL_get_session(ssl), master, sizeof master);
    CHECK_EQ(SSL_get_server_random(ssl, seed, 32), 32u);
    CHECK_EQ(SSL_get_client_random(ssl, seed + 32, 32), 32u);
    OSSL_PARAM params[] = {digest(), octets(OSSL_KDF_PARAM_SECRET, master, count),
                           octets(OSSL_KDF_PARAM_SEED, "key expansion", 13),
                           octets(OSSL_KDF_PARAM_SEED, seed, sizeof seed),
                           OSSL_PARAM_construct_end()};
    derive("TLS1-PRF", params, out, 40);
}

void sealer_init(struct sealer *sealer, const SSL *ssl)
{
    bool is_server = SSL_is_server(ssl);
    *sealer = (struct sealer){.version = SSL_version(ssl)};
    if (sealer->version == TLS1_3_VERSION) {
        const unsigned char *secret = is_server ? secrets.server : secrets.client;
        expand(secret, "key", sealer->key, sizeof sealer->key);
        expand(secret, "iv", sealer->nonce, sizeof sealer->nonce);
    } else {
        unsigned char keys[40];
        keys_of_1_2(ssl, keys);
        memcpy(sealer->key, keys + (is_server ? 16 : 0), 16);
        memcpy(sealer->nonce, keys + (is_server ? 36 : 32), 4);
        sealer->record_count = 1; /* Finished */
    }
}

/* ---- records ---- */

static void put_number(unsigned char *out, uint64_t number, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        out[i] = (unsigned char)(number >> 8 * (bytes - 1 - i));
}

/* What is sealed is followed by its tag. */
static void encrypt(const struct sealer *sealer, const unsigned char nonce[12],
                    const unsigned char *head, int head_bytes, unsigned char *bytes, int count)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int done;
    CHECK_EQ(EVP_EncryptInit(context, EVP_aes_128_gcm(), sealer->key, nonce), 1);
    CHECK_EQ(EVP_EncryptUpdate(context, NULL, &done, head, head_bytes), 1);
    CHECK_EQ(EVP_EncryptUpdate(context, bytes, &done, bytes, count), 1);
    CHECK_EQ(EVP_EncryptFinal(context, bytes + count, &done), 1);
    CHECK_EQ(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, bytes + count), 1);
    EVP_CIPHER_CTX_free(context);
}

static void put_header(unsigned char *out, int type, size_t count)
{
    out[0] = (unsigned char)type;
    put_number(out + 1, 0x0303, 2);
    put_number(out + 3, count, 2);
}

/* The type is sealed too, and the nonce is not sent. */
static size_t seal_1_3(const struct sealer *sealer, uint64_t number, int type, const void *bytes,
                       size_t count, unsigned char *out)
{
    unsigned char nonce[12], mask[12] = {0};
    put_number(mask + 4, number, 8);
    for (size_t i = 0; i < sizeof nonce; i++)
        nonce[i] = sealer->nonce[i] ^ mask[i];
    put_header(out, SSL3_RT_APPLICATION_DATA, count + 1 + TAG_BYTES);
    memcpy(out + HEADER_BYTES, bytes, count);
    out[HEADER_BYTES + count] = (unsigned char)type;
    encrypt(sealer, nonce, out, HEADER_BYTES, out + HEADER_BYTES, (int)count + 1);
    return HEADER_BYTES + count + 1 + TAG_BYTES;
}

/* The record's number is the part of the nonce that is sent. */
static size_t seal_1_2(const struct sealer *sealer, uint64_t number, int type, const void *bytes,
                       size_t count, unsigned char *out)
{
    unsigned char nonce[12], head[8 + HEADER_BYTES];
    memcpy(nonce, sealer->nonce, 4);
    put_number(nonce + 4, number, 8);
    put_number(head, number, 8);
    put_header(head + 8, type, count);
    put_header(out, type, 8 + count + TAG_BYTES);
    put_number(out + HEADER_BYTES, number, 8);
    memcpy(out + HEADER_BYTES + 8, bytes, count);
    encrypt(sealer, nonce, head, sizeof head, out + HEADER_BYTES + 8, (int)count);
    return HEADER_BYTES + 8 + count + TAG_BYTES;
}

size_t sealer_seal(struct sealer *sealer, int type, const void *bytes, size_t count,
                   unsigned char *out)
{
    uint64_t number = sealer->record_count++;
    return sealer->version == TLS1_3_VERSION ? seal_1_3(sealer, number, type, bytes, count, out)
                                             : seal_1_2(sealer, number, type, bytes, count, out);
}
