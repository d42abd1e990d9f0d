/* SPDX-License-Identifier: MIT */

/* A transformer's directory out of any bytes: config.json, modules.json, the configurations of
 * pooling, dense and tokenizer, tokenizer.json, and behind them all model.safetensors, with 0xFF
 * between.  Refused with a reason in UTF-8; or the vectors of texts and the scores of pairs are
 * made, the same alone and in company. */

#include "base/utf8.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weft/encoder.h>
#include <weft/reranker.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DIM_MAX 4096u
#define TEXTS 4u

static const char *const names[] = {
    "config.json",           "modules.json",   "1_Pooling/config.json", "2_Dense/config.json",
    "tokenizer_config.json", "tokenizer.json", "model.safetensors",
};

#define NAMES (sizeof(names) / sizeof(names[0]))

static char folder[64];

/* Of each name what its file holds; the folder begins without any. */
static struct part {
    uint8_t *bytes;
    size_t size, capacity;
} parts[NAMES];

static void path_of(const char *name, char out[128])
{
    snprintf(out, 128, "%s/%s", folder, name);
}

static void remove_all(void)
{
    char path[128];
    for (size_t i = 0; i < NAMES; i++) {
        path_of(names[i], path);
        unlink(path);
        free(parts[i].bytes);
    }
    path_of("1_Pooling", path);
    rmdir(path);
    path_of("2_Dense", path);
    rmdir(path);
    rmdir(folder);
}

static void make_folder(void)
{
    char path[128];
    if (folder[0] != '\0')
        return;
    snprintf(folder, sizeof(folder), "/tmp/weft-fuzz-transformer-%d", (int)getpid());
    mkdir(folder, 0700);
    path_of("1_Pooling", path);
    mkdir(path, 0700);
    path_of("2_Dense", path);
    mkdir(path, 0700);
    atexit(remove_all);
}

/* False: it is so already, as most parts of a changed input are. */
static bool part_change(struct part *part, const uint8_t *data, size_t size)
{
    if (part->size == size && (size == 0 || memcmp(part->bytes, data, size) == 0))
        return false;
    if (size > part->capacity) {
        free(part->bytes);
        part->bytes = malloc(size);
        assert(part->bytes != NULL);
        part->capacity = size;
    }
    if (size != 0)
        memcpy(part->bytes, data, size);
    part->size = size;
    return true;
}

/* A part that is empty is a file that is not there. */
static void put(size_t name, const uint8_t *data, size_t size)
{
    char path[128];
    if (!part_change(&parts[name], data, size))
        return;
    path_of(names[name], path);
    unlink(path);
    FILE *file = size != 0 ? fopen(path, "wb") : NULL;
    if (file == NULL)
        return;
    fwrite(data, 1, size, file);
    fclose(file);
}

static void put_all(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < NAMES; i++) {
        const uint8_t *end = i + 1 < NAMES && size != 0 ? memchr(data, 0xFF, size) : NULL;
        size_t bytes = end != NULL ? (size_t)(end - data) : size;
        put(i, data, bytes);
        data += end != NULL ? bytes + 1 : bytes;
        size -= end != NULL ? bytes + 1 : bytes;
    }
}

static void check_reason(int rc, const weft_m_error *error)
{
    assert(rc != -WEFT_M_EMODEL || error->message[0] != '\0');
    assert(wf_utf8_is_valid(error->message, strlen(error->message)));
}

static void check_encoder(const weft_str *texts)
{
    static float all[TEXTS * DIM_MAX], alone[DIM_MAX];
    weft_encoder *encoder;
    weft_m_error error;
    int rc = weft_encoder_open(&encoder, folder, NULL, &error);
    if (rc < 0) {
        check_reason(rc, &error);
        return;
    }
    size_t dim = weft_encoder_dimension(encoder);
    if (dim <= DIM_MAX && weft_encoder_encode(encoder, texts, TEXTS, all) == 0) {
        for (size_t i = 0; i < TEXTS; i++) {
            if (weft_encoder_encode(encoder, &texts[i], 1, alone) == 0)
                assert(memcmp(alone, all + i * dim, dim * sizeof(float)) == 0);
        }
    }
    weft_encoder_unref(encoder);
}

static void check_reranker(const weft_str *texts)
{
    float all[TEXTS], alone;
    weft_reranker *reranker;
    weft_m_error error;
    int rc = weft_reranker_open(&reranker, folder, &error);
    if (rc < 0) {
        check_reason(rc, &error);
        return;
    }
    if (weft_reranker_score(reranker, texts[0], texts, TEXTS, all) == 0 &&
        weft_reranker_score(reranker, texts[0], &texts[1], 1, &alone) == 0)
        assert(memcmp(&alone, &all[1], sizeof(alone)) == 0);
    weft_reranker_unref(reranker);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const weft_str texts[TEXTS] = {
        WEFT_STR("a b"), WEFT_STR(""), WEFT_STR(" b \xC3\xA9 [M]"), WEFT_STR("a a a a a a a a a")};
    make_folder();
    put_all(data, size);
    check_encoder(texts);
    check_reranker(texts);
    return 0;
}
