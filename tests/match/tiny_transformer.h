/* SPDX-License-Identifier: MIT */

/*
 * Small transformers with made numbers, written as their makers publish them, and what they must
 * answer, computed here in doubles straight from the definitions: no packing, no batches, none of
 * the library's code.
 */
#ifndef WF_TESTS_MATCH_TINY_TRANSFORMER_H
#define WF_TESTS_MATCH_TINY_TRANSFORMER_H

#include "make.h"

#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weft/file.h>
#include <weft/task.h>

#define TINY_HIDDEN 24
#define TINY_HEADS 3
#define TINY_LAYERS 2
#define TINY_INNER 40
#define TINY_WORDS 12
#define TINY_POSITIONS 34
#define TINY_TENSORS 64
#define TINY_TOKENS 40

enum tiny_kind { TINY_BERT, TINY_ROBERTA, TINY_XLMR, TINY_DISTILBERT, TINY_MPNET, TINY_KINDS };
enum tiny_dtype { TINY_F32, TINY_F16, TINY_BF16 };

typedef struct tiny_tensor {
    char name[96];
    size_t rows, width; /* rows 0: a list */
    double *numbers;
} tiny_tensor;

/* What the test changes before the files are written. */
typedef struct tiny {
    enum tiny_kind kind;
    enum tiny_dtype dtype;
    bool is_tanh;       /* GELU by tanh */
    bool is_classifier; /* names with the family's prefix, and a head */
    const char *extra;  /* of config.json */
    tiny_tensor tensors[TINY_TENSORS];
    size_t count;
    dice dice;
} tiny;

static const char *const tiny_types[TINY_KINDS] = {"bert", "roberta", "xlm-roberta", "distilbert",
                                                   "mpnet"};

static char tiny_folder[64];

/* ---- files ---- */

static void tiny_put(const char *name, const void *bytes, size_t count)
{
    char path[160];
    snprintf(path, sizeof(path), "%s/%s", tiny_folder, name);
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL);
    CHECK_EQ(fwrite(bytes, 1, count, file), count);
    fclose(file);
}

static void tiny_put_text(const char *name, const char *text)
{
    tiny_put(name, text, strlen(text));
}

static void tiny_make_folder(void)
{
    static const char *const inner[] = {"", "/1_Pooling", "/2_Dense"};
    char path[128];
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "/tmp/weft-transformer-%d%s", (int)getpid(), inner[i]);
        mkdir(path, 0700);
    }
    snprintf(tiny_folder, sizeof(tiny_folder), "/tmp/weft-transformer-%d", (int)getpid());
}

static void tiny_remove_folder(void)
{
    static const char *const names[] = {
        "config.json",
        "model.safetensors",
        "model.safetensors.index.json",
        "a.safetensors",
        "b.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "modules.json",
        "sentence_bert_config.json",
        "config_sentence_transformers.json",
        "pytorch_model.bin",
        "m.weftm",
        "1_Pooling/config.json",
        "2_Dense/config.json",
        "1_Pooling",
        "2_Dense/model.safetensors",
        "2_Dense",
    };
    char path[160];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", tiny_folder, names[i]);
        remove(path);
    }
    rmdir(tiny_folder);
}

/* ---- tensors ---- */

/* A multiple of 1/64 under 2: exact in all three dtypes. */
static double tiny_number(dice *d)
{
    return ((double)roll(d, 255) - 127) / 64;
}

static tiny_tensor *tiny_add(tiny *it, const char *name, size_t rows, size_t width, double middle,
                             double spread)
{
    tiny_tensor *tensor = &it->tensors[it->count++];
    size_t count = (rows != 0 ? rows : 1) * width;
    CHECK(it->count <= TINY_TENSORS);
    snprintf(tensor->name, sizeof(tensor->name), "%s", name);
    tensor->rows = rows;
    tensor->width = width;
    tensor->numbers = calloc(count, sizeof(double));
    for (size_t i = 0; i < count; i++)
        tensor->numbers[i] = middle + spread * tiny_number(&it->dice);
    return tensor;
}

static const double *tiny_get(const tiny *it, const char *start, const char *end)
{
    char name[96];
    snprintf(name, sizeof(name), "%s%s", start, end);
    for (size_t i = 0; i < it->count; i++) {
        if (strcmp(it->tensors[i].name, name) == 0)
            return it->tensors[i].numbers;
    }
    note("no tensor %s", name);
    CHECK(false);
    return NULL;
}

static const char *tiny_prefix(const tiny *it)
{
    static const char *const prefixes[TINY_KINDS] = {"bert.", "roberta.", "roberta.", "distilbert.",
                                                     "mpnet."};
    return it->is_classifier ? prefixes[it->kind] : "";
}

/* query, key, value, joined, joined_norm, up, down, norm */
static const char *tiny_part(const tiny *it, size_t part)
{
    static const char *const parts[3][8] = {
        {"attention.self.query", "attention.self.key", "attention.self.value",
         "attention.output.dense", "attention.output.LayerNorm", "intermediate.dense",
         "output.dense", "output.LayerNorm"},
        {"attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin",
         "sa_layer_norm", "ffn.lin1", "ffn.lin2", "output_layer_norm"},
        {"attention.attn.q", "attention.attn.k", "attention.attn.v", "attention.attn.o",
         "attention.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm"},
    };
    return parts[it->kind == TINY_DISTILBERT ? 1 : it->kind == TINY_MPNET ? 2 : 0][part];
}

static void tiny_layer(const tiny *it, size_t layer, size_t part, char out[96])
{
    snprintf(out, 96, "%s%s.layer.%zu.%s", tiny_prefix(it),
             it->kind == TINY_DISTILBERT ? "transformer" : "encoder", layer, tiny_part(it, part));
}

static void tiny_add_linear(tiny *it, const char *name, size_t in, size_t out)
{
    char path[128];
    snprintf(path, sizeof(path), "%s.weight", name);
    tiny_add(it, path, out, in, 0, 0.25);
    snprintf(path, sizeof(path), "%s.bias", name);
    tiny_add(it, path, 0, out, 0, 0.25);
}

static void tiny_add_norm(tiny *it, const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "%s.weight", name);
    tiny_add(it, path, 0, TINY_HIDDEN, 1, 0.25);
    snprintf(path, sizeof(path), "%s.bias", name);
    tiny_add(it, path, 0, TINY_HIDDEN, 0, 0.25);
}

static void tiny_add_layer(tiny *it, size_t layer)
{
    static const size_t sizes[8][2] = {
        {TINY_HIDDEN, TINY_HIDDEN},
        {TINY_HIDDEN, TINY_HIDDEN},
        {TINY_HIDDEN, TINY_HIDDEN},
        {TINY_HIDDEN, TINY_HIDDEN},
        {0, 0},
        {TINY_HIDDEN, TINY_INNER},
        {TINY_INNER, TINY_HIDDEN},
        {0, 0},
    };
    char name[96];
    for (size_t part = 0; part < 8; part++) {
        tiny_layer(it, layer, part, name);
        if (sizes[part][0] != 0)
            tiny_add_linear(it, name, sizes[part][0], sizes[part][1]);
        else
            tiny_add_norm(it, name);
    }
}

static bool tiny_counts_from_pad(const tiny *it)
{
    return it->kind == TINY_ROBERTA || it->kind == TINY_XLMR || it->kind == TINY_MPNET;
}

static bool tiny_has_types(const tiny *it)
{
    return it->kind == TINY_BERT || it->kind == TINY_ROBERTA || it->kind == TINY_XLMR;
}

static void tiny_name_head(const tiny *it, const char **pooler, const char **classifier)
{
    bool is_late = tiny_counts_from_pad(it);
    *pooler = it->kind == TINY_BERT ? "bert.pooler.dense"
              : is_late             ? "classifier.dense"
                                    : "pre_classifier";
    *classifier = is_late ? "classifier.out_proj" : "classifier";
}

static void tiny_fill(tiny *it)
{
    char name[96];
    const char *prefix = tiny_prefix(it), *pooler, *classifier;
    it->dice.state = 0x9E3779B97F4A7C15 + (uint64_t)it->kind;
    snprintf(name, sizeof(name), "%sembeddings.word_embeddings.weight", prefix);
    tiny_add(it, name, TINY_WORDS, TINY_HIDDEN, 0, 1);
    snprintf(name, sizeof(name), "%sembeddings.position_embeddings.weight", prefix);
    tiny_add(it, name, TINY_POSITIONS, TINY_HIDDEN, 0, 0.5);
    snprintf(name, sizeof(name), "%sembeddings.token_type_embeddings.weight", prefix);
    if (tiny_has_types(it))
        tiny_add(it, name, it->kind == TINY_BERT ? 2 : 1, TINY_HIDDEN, 0, 0.5);
    snprintf(name, sizeof(name), "%sembeddings.LayerNorm", prefix);
    tiny_add_norm(it, name);
    snprintf(name, sizeof(name), "%sencoder.relative_attention_bias.weight", prefix);
    if (it->kind == TINY_MPNET)
        tiny_add(it, name, 32, TINY_HEADS, 0, 1);
    for (size_t layer = 0; layer < TINY_LAYERS; layer++)
        tiny_add_layer(it, layer);
    tiny_name_head(it, &pooler, &classifier);
    if (!it->is_classifier)
        return;
    tiny_add_linear(it, pooler, TINY_HIDDEN, TINY_HIDDEN);
    tiny_add_linear(it, classifier, TINY_HIDDEN, 1);
}

static void tiny_fini(tiny *it)
{
    for (size_t i = 0; i < it->count; i++)
        free(it->tensors[i].numbers);
}

/* ---- writing ---- */

static uint16_t tiny_half(float number)
{
    uint32_t bits;
    memcpy(&bits, &number, sizeof(bits));
    if ((bits & 0x7FFFFFFF) == 0)
        return (uint16_t)(bits >> 16);
    return (uint16_t)((bits >> 16 & 0x8000) | ((bits >> 23 & 255) - 112) << 10 |
                      (bits >> 13 & 0x3FF));
}

static size_t tiny_write(enum tiny_dtype dtype, double number, char *out)
{
    float single = (float)number;
    uint32_t bits;
    memcpy(&bits, &single, sizeof(bits));
    uint16_t half = dtype == TINY_F16 ? tiny_half(single) : (uint16_t)(bits >> 16);
    if (dtype == TINY_F32) {
        memcpy(out, &single, 4);
        return 4;
    }
    memcpy(out, &half, 2);
    return 2;
}

static void tiny_put_tensors(const tiny *it, const char *file)
{
    static char bytes[1 << 20], data[1 << 19];
    static const char *const dtypes[] = {"F32", "F16", "BF16"};
    size_t used = 8, data_used = 0;
    bytes[used++] = '{';
    for (size_t i = 0; i < it->count; i++) {
        const tiny_tensor *tensor = &it->tensors[i];
        size_t start = data_used, count = (tensor->rows != 0 ? tensor->rows : 1) * tensor->width;
        for (size_t k = 0; k < count; k++)
            data_used += tiny_write(it->dtype, tensor->numbers[k], data + data_used);
        char shape[48];
        snprintf(shape, sizeof(shape), tensor->rows != 0 ? "%zu,%zu" : "%.0zu%zu", tensor->rows,
                 tensor->width);
        used += (size_t)snprintf(bytes + used, sizeof(bytes) - used,
                                 "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":"
                                 "[%zu,%zu]}",
                                 i != 0 ? "," : "", tensor->name, dtypes[it->dtype], shape, start,
                                 data_used);
    }
    bytes[used++] = '}';
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (char)((used - 8) >> (8 * i));
    memcpy(bytes + used, data, data_used);
    tiny_put(file, bytes, used + data_used);
}

static void tiny_put_config(const tiny *it)
{
    char text[1024];
    const char *act = it->is_tanh ? "gelu_new" : "gelu", *extra = it->extra ? it->extra : "";
    if (it->kind == TINY_DISTILBERT)
        snprintf(text, sizeof(text),
                 "{%s\"model_type\":\"distilbert\",\"dim\":%d,\"n_layers\":%d,\"n_heads\":%d,"
                 "\"hidden_dim\":%d,\"activation\":\"%s\",\"vocab_size\":%d,"
                 "\"max_position_embeddings\":%d}",
                 extra, TINY_HIDDEN, TINY_LAYERS, TINY_HEADS, TINY_INNER, act, TINY_WORDS,
                 TINY_POSITIONS);
    else
        snprintf(text, sizeof(text),
                 "{%s\"model_type\":\"%s\",\"hidden_size\":%d,\"num_hidden_layers\":%d,"
                 "\"num_attention_heads\":%d,\"intermediate_size\":%d,\"hidden_act\":\"%s\","
                 "\"vocab_size\":%d,\"max_position_embeddings\":%d,\"type_vocab_size\":%d,"
                 "\"pad_token_id\":%d,\"layer_norm_eps\":1e-5}",
                 extra, tiny_types[it->kind], TINY_HIDDEN, TINY_LAYERS, TINY_HEADS, TINY_INNER, act,
                 TINY_WORDS, TINY_POSITIONS, it->kind == TINY_BERT ? 2 : 1,
                 tiny_counts_from_pad(it) ? 1 : 0);
    tiny_put_text("config.json", text);
}

/* [C] 0, [P] 1, [S] 2, unknown 3, and the words "a" to "h". */
static const char tiny_tokenizer[] =
    "{\"added_tokens\":[],\"normalizer\":{\"type\":\"BertNormalizer\"},"
    "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
    "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":["
    "{\"SpecialToken\":{\"id\":\"[C]\",\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},"
    "{\"SpecialToken\":{\"id\":\"[S]\",\"type_id\":0}}],\"pair\":["
    "{\"SpecialToken\":{\"id\":\"[C]\",\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},"
    "{\"SpecialToken\":{\"id\":\"[S]\",\"type_id\":0}},{\"Sequence\":{\"id\":\"B\",\"type_id\":1}},"
    "{\"SpecialToken\":{\"id\":\"[S]\",\"type_id\":1}}],\"special_tokens\":{"
    "\"[C]\":{\"id\":\"[C]\",\"ids\":[0],\"tokens\":[\"[C]\"]},"
    "\"[S]\":{\"id\":\"[S]\",\"ids\":[2],\"tokens\":[\"[S]\"]}}},"
    "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"?\",\"vocab\":{\"[C]\":0,\"[P]\":1,"
    "\"[S]\":2,\"?\":3,\"a\":4,\"b\":5,\"c\":6,\"d\":7,\"e\":8,\"f\":9,\"g\":10,\"h\":11}}}";

/* All files of a body. */
static void tiny_put_all(const tiny *it)
{
    tiny_make_folder();
    tiny_put_tensors(it, "model.safetensors");
    tiny_put_config(it);
    tiny_put_text("tokenizer.json", tiny_tokenizer);
}

/* ---- the answer in doubles ---- */

typedef struct tiny_rows {
    double at[TINY_TOKENS][TINY_HIDDEN];
    size_t count;
} tiny_rows;

static void tiny_linear(const tiny *it, const char *name, const double *in, size_t in_width,
                        double *out, size_t out_width)
{
    const double *weight = tiny_get(it, name, ".weight"), *bias = tiny_get(it, name, ".bias");
    for (size_t o = 0; o < out_width; o++) {
        out[o] = bias[o];
        for (size_t i = 0; i < in_width; i++)
            out[o] += in[i] * weight[o * in_width + i];
    }
}

static void tiny_norm(const tiny *it, const char *name, double *row)
{
    const double *weight = tiny_get(it, name, ".weight"), *bias = tiny_get(it, name, ".bias");
    double mean = 0, variance = 0, epsilon = it->kind == TINY_DISTILBERT ? 1e-12 : 1e-5;
    for (size_t i = 0; i < TINY_HIDDEN; i++)
        mean += row[i] / TINY_HIDDEN;
    for (size_t i = 0; i < TINY_HIDDEN; i++)
        variance += (row[i] - mean) * (row[i] - mean) / TINY_HIDDEN;
    for (size_t i = 0; i < TINY_HIDDEN; i++)
        row[i] = (row[i] - mean) / sqrt(variance + epsilon) * weight[i] + bias[i];
}

/* The formula of T5, in its own words: distances under 8 each, then by the logarithm up to 128. */
static size_t tiny_bucket(int key, int query)
{
    int apart = query - key, half = apart < 0 ? 16 : 0;
    apart = abs(apart);
    if (apart < 8)
        return (size_t)(half + apart);
    int far = 8 + (int)(log(apart / 8.0) / log(16.0) * 8 + 1e-9);
    return (size_t)(half + (far < 15 ? far : 15));
}

static double tiny_score(const tiny *it, const double *query, const double *key, size_t head,
                         int key_at, int query_at)
{
    const size_t width = TINY_HIDDEN / TINY_HEADS;
    double sum = 0;
    for (size_t i = head * width; i < (head + 1) * width; i++)
        sum += query[i] * key[i];
    sum /= sqrt((double)width);
    if (it->kind == TINY_MPNET)
        sum += tiny_get(
            it, tiny_prefix(it),
            "encoder.relative_attention_bias.weight")[tiny_bucket(key_at, query_at) * TINY_HEADS +
                                                      head];
    return sum;
}

static void tiny_attend(const tiny *it, const tiny_rows *q, const tiny_rows *k, const tiny_rows *v,
                        tiny_rows *out)
{
    const size_t width = TINY_HIDDEN / TINY_HEADS;
    memset(out, 0, sizeof(*out));
    for (size_t row = 0; row < q->count; row++) {
        for (size_t head = 0; head < TINY_HEADS; head++) {
            double shares[TINY_TOKENS], total = 0;
            for (size_t j = 0; j < q->count; j++) {
                shares[j] = exp(tiny_score(it, q->at[row], k->at[j], head, (int)j, (int)row));
                total += shares[j];
            }
            for (size_t j = 0; j < q->count; j++) {
                for (size_t i = head * width; i < (head + 1) * width; i++)
                    out->at[row][i] += shares[j] / total * v->at[j][i];
            }
        }
    }
    out->count = q->count;
}

static double tiny_gelu(const tiny *it, double x)
{
    if (it->is_tanh)
        return x / 2 * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)));
    return x / 2 * (1 + erf(x / sqrt(2)));
}

static void tiny_run_layer(const tiny *it, size_t layer, tiny_rows *rows)
{
    static tiny_rows parts[3], mixed;
    char names[8][96];
    for (size_t part = 0; part < 8; part++)
        tiny_layer(it, layer, part, names[part]);
    for (size_t part = 0; part < 3; part++) {
        parts[part].count = rows->count;
        for (size_t row = 0; row < rows->count; row++)
            tiny_linear(it, names[part], rows->at[row], TINY_HIDDEN, parts[part].at[row],
                        TINY_HIDDEN);
    }
    tiny_attend(it, &parts[0], &parts[1], &parts[2], &mixed);
    for (size_t row = 0; row < rows->count; row++) {
        double out[TINY_HIDDEN], inner[TINY_INNER];
        tiny_linear(it, names[3], mixed.at[row], TINY_HIDDEN, out, TINY_HIDDEN);
        for (size_t i = 0; i < TINY_HIDDEN; i++)
            rows->at[row][i] += out[i];
        tiny_norm(it, names[4], rows->at[row]);
        tiny_linear(it, names[5], rows->at[row], TINY_HIDDEN, inner, TINY_INNER);
        for (size_t i = 0; i < TINY_INNER; i++)
            inner[i] = tiny_gelu(it, inner[i]);
        tiny_linear(it, names[6], inner, TINY_INNER, out, TINY_HIDDEN);
        for (size_t i = 0; i < TINY_HIDDEN; i++)
            rows->at[row][i] += out[i];
        tiny_norm(it, names[7], rows->at[row]);
    }
}

/* Rows of tokens, through all layers. */
static void tiny_run(const tiny *it, const int *ids, const int *types, size_t count,
                     tiny_rows *rows)
{
    char name[96];
    const char *prefix = tiny_prefix(it);
    const double *words = tiny_get(it, prefix, "embeddings.word_embeddings.weight");
    const double *places = tiny_get(it, prefix, "embeddings.position_embeddings.weight");
    size_t first = tiny_counts_from_pad(it) ? 2 : 0;
    rows->count = count;
    for (size_t t = 0; t < count; t++) {
        for (size_t i = 0; i < TINY_HIDDEN; i++)
            rows->at[t][i] =
                words[(size_t)ids[t] * TINY_HIDDEN + i] + places[(t + first) * TINY_HIDDEN + i];
        size_t type = it->kind == TINY_BERT ? (size_t)types[t] : 0;
        for (size_t i = 0; tiny_has_types(it) && i < TINY_HIDDEN; i++)
            rows->at[t][i] += tiny_get(
                it, prefix, "embeddings.token_type_embeddings.weight")[type * TINY_HIDDEN + i];
        snprintf(name, sizeof(name), "%sembeddings.LayerNorm", prefix);
        tiny_norm(it, name, rows->at[t]);
    }
    for (size_t layer = 0; layer < TINY_LAYERS; layer++)
        tiny_run_layer(it, layer, rows);
}

/* "a b" between [C] and [S], cut to `max` tokens. */
static size_t tiny_read(const char *text, size_t max, int *ids)
{
    size_t count = 0;
    ids[count++] = 0;
    for (; *text != '\0' && count < max - 1; text++) {
        if (*text != ' ')
            ids[count++] = *text >= 'a' && *text <= 'h' ? 4 + *text - 'a' : 3;
    }
    ids[count++] = 2;
    return count;
}

#endif
