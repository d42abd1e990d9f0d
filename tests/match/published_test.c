/* SPDX-License-Identifier: MIT */

/*
 * A published model against the public implementation: all-MiniLM-L6-v2, which
 * tools/published-model fetches, and tests/match/models/minilm.jsonl, which tools/golden-vectors
 * made of it.  Another one: $WEFT_PUBLISHED_MODEL is its directory and $WEFT_PUBLISHED_GOLDEN what
 * the tool wrote.
 *
 * A vector of 384 numbers stands there as 16: its products with fixed directions, whose numbers are
 * evenly spread.  If the cosine of ours and theirs is below 0.9999, their difference d is longer
 * than 0.0141, and its product with such a direction has a density of at most sqrt(2 / 12) * 2 /
 * |d| anywhere (K. Ball, "Cube slicing in R^n", 1986).  So all 16 are within SLACK by a chance of
 * less than 1e-20: what a sketch lets pass has the cosine.
 */
#include "make.h"

#include "match/file/whole.h"
#include "match/model/tape.h"
#include "match/tokenize/tokenizer.h"
#include "match/tokenize/vocab_txt.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>
#include <weft/encoder.h>

#define SKETCH 16u
#define STEPS 4096.0 /* of a number of a sketch: one is 1/STEPS */
#define SLACK 2.5    /* steps; theirs are rounded, which is half of one */
#define SEED UINT64_C(0x5EED5EED)
#define TEXTS_MAX 4096u

#define BATCH 64u
#define FILE_BYTES_MAX ((size_t)64 << 20)

/* One text of the golden file. */
struct golden {
    wf_tape tape;
    weft_str text;
    uint64_t ids; /* their hash */
    double sketch[SKETCH];
};

typedef struct golden_file {
    weft_bytes bytes;
    struct golden *texts;
    size_t count;
} golden_file;

static const char *path_of(const char *variable, const char *otherwise)
{
    const char *given = getenv(variable);
    return given != NULL ? given : otherwise;
}

/* The model's directory, or one of its files. */
static const char *in_model(const char *name)
{
    static char path[1024];
    const char *folder = path_of("WEFT_PUBLISHED_MODEL", "build/published/all-MiniLM-L6-v2");
    const char *root = folder[0] == '/' ? "" : test_source("");
    snprintf(path, sizeof(path), "%s%s/%s", root, folder, name);
    if (access(path, R_OK) < 0)
        SKIP("no published model (tools/published-model fetches it)");
    return path;
}

static void read_line(const char *line, size_t bytes, struct golden *out)
{
    wf_reason reason;
    CHECK_OK(wf_tape_read(&out->tape, line, bytes, &reason));
    out->text = wf_tape_string(&out->tape, wf_tape_get(&out->tape, 0, "text"));
    weft_str ids = wf_tape_string(&out->tape, wf_tape_get(&out->tape, 0, "ids"));
    uint32_t sketch = wf_tape_get(&out->tape, 0, "sketch"), at = wf_tape_first(&out->tape, sketch);
    CHECK(out->text.ptr != NULL && ids.len == 16);
    CHECK_EQ(wf_tape_count(&out->tape, sketch), SKETCH);
    out->ids = strtoull(ids.ptr, NULL, 16);
    for (size_t i = 0; i < SKETCH; i++, at = wf_tape_next(&out->tape, sketch, at))
        CHECK(wf_tape_double(&out->tape, at, &out->sketch[i]));
}

static golden_file open_golden(void)
{
    golden_file it = {.texts = calloc(TEXTS_MAX, sizeof(*it.texts))};
    const char *path = path_of("WEFT_PUBLISHED_GOLDEN", "tests/match/models/minilm.jsonl");
    weft_m_error error = {0};
    int rc =
        wf_whole_load(path[0] == '/' ? path : test_source(path), FILE_BYTES_MAX, &it.bytes, &error);
    note("%s", error.message);
    CHECK_OK(rc);
    const size_t stride = test_amount(1, 50); /* of so many texts one is asked */
    const char *at = (const char *)it.bytes.ptr, *end = at + it.bytes.len, *line_end;
    for (size_t i = 0; at < end && it.count < TEXTS_MAX; i++, at = line_end + 1) {
        line_end = memchr(at, '\n', (size_t)(end - at));
        CHECK(line_end != NULL);
        if (i % stride == 0)
            read_line(at, (size_t)(line_end - at), &it.texts[it.count++]);
    }
    CHECK(it.count >= 1000 / stride);
    return it;
}

static void close_golden(golden_file *it)
{
    for (size_t i = 0; i < it->count; i++)
        wf_tape_fini(&it->texts[i].tape);
    free(it->texts);
    weft_bytes_free(&it->bytes);
}

/* ---- vectors ---- */

/* SKETCH directions; the same in tools/golden-vectors. */
static float *make_directions(size_t dim)
{
    dice d = {SEED};
    float *out = malloc(SKETCH * dim * sizeof(*out));
    for (size_t i = 0; i < SKETCH * dim; i++)
        out[i] = (float)(((double)roll(&d, 255) - 127) / sqrt((255.0 * 255 - 1) / 12));
    return out;
}

/* By how many steps a vector's sketch is another one, at most. */
static double steps_apart(const float *vector, const float *directions, size_t dim,
                          const double theirs[SKETCH])
{
    double squares = 0, most = 0;
    for (size_t i = 0; i < dim; i++)
        squares += (double)vector[i] * (double)vector[i];
    for (size_t k = 0; k < SKETCH; k++) {
        double product = 0;
        for (size_t i = 0; i < dim; i++)
            product += (double)vector[i] * (double)directions[k * dim + i];
        most = fmax(most, fabs(product / sqrt(squares) * STEPS - theirs[k]));
    }
    return most;
}

/* Vectors of all texts, one behind the other; some at a time, as a user would ask. */
static float *encode_all(weft_encoder *encoder, const golden_file *golden)
{
    size_t dim = weft_encoder_dimension(encoder);
    float *out = calloc(golden->count * dim, sizeof(*out));
    weft_str *texts = calloc(golden->count, sizeof(*texts));
    for (size_t i = 0; i < golden->count; i++)
        texts[i] = golden->texts[i].text;
    for (size_t i = 0; i < golden->count; i += BATCH) {
        size_t left = golden->count - i;
        CHECK_OK(
            weft_encoder_encode(encoder, texts + i, left < BATCH ? left : BATCH, out + i * dim));
    }
    free(texts);
    return out;
}

TEST(published_model_has_the_vectors_of_the_public_implementation)
{
    weft_encoder *encoder;
    weft_m_error error = {0};
    double worst = 0;
    int rc = weft_encoder_open(&encoder, in_model(""), NULL, &error);
    note("%s", error.message);
    CHECK_OK(rc);
    golden_file golden = open_golden();
    size_t dim = weft_encoder_dimension(encoder);
    float *vectors = encode_all(encoder, &golden), *directions = make_directions(dim);
    for (size_t i = 0; i < golden.count; i++) {
        double apart = steps_apart(vectors + i * dim, directions, dim, golden.texts[i].sketch);
        worst = fmax(worst, apart);
        if (!(apart <= SLACK))
            note("text %zu: %.1f steps apart: %.60s", i, apart, golden.texts[i].text.ptr);
    }
    note("%zu texts, at most %.3f steps apart", golden.count, worst);
    CHECK(worst <= SLACK);
    free(vectors);
    free(directions);
    close_golden(&golden);
    weft_encoder_unref(encoder);
}

/* ---- tokens ---- */

static uint64_t hash_ids(const wf_tokens *tokens)
{
    uint64_t value = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < tokens->count; i++) {
        for (uint32_t id = tokens->ids[i], byte = 0; byte < 4; byte++, id >>= 8)
            value = (value ^ (id & 0xFF)) * UINT64_C(0x100000001B3);
    }
    return value;
}

static void check_ids(const wf_tokenizer *tokenizer)
{
    golden_file golden = open_golden();
    wf_tokens tokens = {0};
    for (size_t i = 0; i < golden.count; i++) {
        note("text %zu: %.60s", i, golden.texts[i].text.ptr);
        CHECK_OK(wf_tokenize(tokenizer, golden.texts[i].text, &tokens));
        CHECK_EQ(hash_ids(&tokens), golden.texts[i].ids);
    }
    wf_tokens_fini(&tokens);
    close_golden(&golden);
}

TEST(published_tokenizer_gives_the_ids_of_the_public_implementation)
{
    weft_bytes json = {0};
    wf_reason reason = {""};
    wf_tokenizer *tokenizer = calloc(1, sizeof(*tokenizer));
    CHECK_OK(wf_whole_load(in_model("tokenizer.json"), FILE_BYTES_MAX, &json, NULL));
    CHECK_OK(wf_tokenizer_read(tokenizer, (const char *)json.ptr, json.len, &reason));
    check_ids(tokenizer);
    wf_tokenizer_fini(tokenizer);
    free(tokenizer);
    weft_bytes_free(&json);
}

/* What the directory would be without its tokenizer.json. */
TEST(published_vocab_txt_is_the_same_tokenizer)
{
    weft_bytes vocab = {0}, text = {0};
    wf_tape config;
    wf_buf json = {0};
    wf_reason reason = {""};
    wf_tokenizer *tokenizer = calloc(1, sizeof(*tokenizer));
    if (getenv("WEFT_PUBLISHED_MODEL") != NULL)
        SKIP("no published model but another");
    CHECK_OK(wf_whole_load(in_model("vocab.txt"), FILE_BYTES_MAX, &vocab, NULL));
    CHECK_OK(wf_whole_load(in_model("tokenizer_config.json"), FILE_BYTES_MAX, &text, NULL));
    CHECK_OK(wf_tape_read(&config, (const char *)text.ptr, text.len, &reason));
    CHECK_OK(wf_vocab_txt_write((weft_str){(const char *)vocab.ptr, vocab.len}, &config, &json,
                                &reason));
    CHECK_OK(wf_tokenizer_read(tokenizer, wf_buf_ptr(&json), wf_buf_bytes(&json), &reason));
    check_ids(tokenizer);
    wf_tokenizer_fini(tokenizer);
    free(tokenizer);
    wf_tape_fini(&config);
    wf_buf_fini(&json);
    weft_bytes_free(&vocab);
    weft_bytes_free(&text);
}
