/* SPDX-License-Identifier: MIT */

#include "match/transformer/shape.h"

#include <string.h>

enum key { HIDDEN, LAYERS, HEADS, INNER, ACTIVATION, EPSILON };

#define BERT_KEYS                                                                                  \
    {                                                                                              \
        "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",            \
            "hidden_act", "layer_norm_eps"                                                         \
    }

#define BERT_LAYER                                                                                 \
    .layer = "encoder.layer.",                                                                     \
    .attention = {"attention.self.query", "attention.self.key", "attention.self.value"},           \
    .joined = "attention.output.dense", .joined_norm = "attention.output.LayerNorm",               \
    .up = "intermediate.dense", .down = "output.dense", .norm = "output.LayerNorm",                \
    .keys = BERT_KEYS, .has_types = true

#define ROBERTA_HEAD                                                                               \
    .counts_from_pad = true, .pooler = "classifier.dense", .classifier = "classifier.out_proj",    \
    .pooled = WF_ACT_TANH

static const wf_family families[] = {
    {.type = "bert",
     .prefix = "bert.",
     BERT_LAYER,
     .pooler = "bert.pooler.dense",
     .classifier = "classifier",
     .pooled = WF_ACT_TANH},
    {.type = "roberta", .prefix = "roberta.", BERT_LAYER, ROBERTA_HEAD},
    {.type = "xlm-roberta", .prefix = "roberta.", BERT_LAYER, ROBERTA_HEAD},
    {.type = "distilbert",
     .prefix = "distilbert.",
     .layer = "transformer.layer.",
     .attention = {"attention.q_lin", "attention.k_lin", "attention.v_lin"},
     .joined = "attention.out_lin",
     .joined_norm = "sa_layer_norm",
     .up = "ffn.lin1",
     .down = "ffn.lin2",
     .norm = "output_layer_norm",
     .keys = {"dim", "n_layers", "n_heads", "hidden_dim", "activation", NULL},
     .pooler = "pre_classifier",
     .classifier = "classifier",
     .pooled = WF_ACT_RELU},
    {.type = "mpnet",
     .prefix = "mpnet.",
     .layer = "encoder.layer.",
     .attention = {"attention.attn.q", "attention.attn.k", "attention.attn.v"},
     .joined = "attention.attn.o",
     .joined_norm = "attention.LayerNorm",
     .up = "intermediate.dense",
     .down = "output.dense",
     .norm = "output.LayerNorm",
     .keys = BERT_KEYS,
     .has_distances = true,
     ROBERTA_HEAD},
};

const wf_family *wf_family_of(const wf_tape *config)
{
    uint32_t type = wf_tape_get(config, 0, "model_type");
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        if (wf_tape_is(config, type, families[i].type))
            return &families[i];
    }
    return NULL;
}

bool wf_activation_of(weft_str name, enum wf_activation *out)
{
    static const struct {
        const char *name;
        enum wf_activation activation;
    } known[] = {
        {"gelu", WF_ACT_GELU},
        {"gelu_new", WF_ACT_GELU_TANH},
        {"gelu_pytorch_tanh", WF_ACT_GELU_TANH},
        {"relu", WF_ACT_RELU},
        {"tanh", WF_ACT_TANH},
        {"sigmoid", WF_ACT_SIGMOID},
        {"linear", WF_ACT_IDENTITY},
    };
    for (size_t i = 0; name.ptr != NULL && i < sizeof(known) / sizeof(known[0]); i++) {
        if (name.len == strlen(known[i].name) && memcmp(name.ptr, known[i].name, name.len) == 0) {
            *out = known[i].activation;
            return true;
        }
    }
    return false;
}

/* ---- reading ---- */

struct reading {
    wf_shape *out;
    const wf_tape *config;
    wf_reason *reason;
};

/* A number in [1, max]. */
static int read_size(const struct reading *it, const char *key, size_t max, size_t *out)
{
    if (wf_tape_size(it->config, wf_tape_get(it->config, 0, key), out) && *out >= 1 && *out <= max)
        return 0;
    return wf_reason_set(it->reason, "its %s is no number from 1 to %zu", key, max);
}

static int read_activation(const struct reading *it)
{
    const char *key = it->out->family->keys[ACTIVATION];
    weft_str name = wf_tape_string(it->config, wf_tape_get(it->config, 0, key));
    if (wf_activation_of(name, &it->out->activation))
        return 0;
    return wf_reason_set(it->reason, "its %s '%.*s' is not known here", key, wf_reason_shown(name),
                         name.ptr != NULL ? name.ptr : "");
}

static int read_epsilon(const struct reading *it)
{
    const char *key = it->out->family->keys[EPSILON];
    double epsilon = 1e-12;
    uint32_t at = key != NULL ? wf_tape_get(it->config, 0, key) : WF_NO_VALUE;
    if (at != WF_NO_VALUE &&
        (!wf_tape_double(it->config, at, &epsilon) || !(epsilon > 0 && epsilon <= 1)))
        return wf_reason_set(it->reason, "its %s is no number between 0 and 1", key);
    it->out->epsilon = (float)epsilon;
    return 0;
}

static int read_sizes(const struct reading *it)
{
    wf_shape *out = it->out;
    const char *const *keys = out->family->keys;
    int rc = read_size(it, keys[HIDDEN], WF_SHAPE_HIDDEN_MAX, &out->hidden);
    if (rc == 0)
        rc = read_size(it, keys[LAYERS], WF_SHAPE_LAYERS_MAX, &out->layers);
    if (rc == 0)
        rc = read_size(it, keys[HEADS], WF_SHAPE_HIDDEN_MAX, &out->heads);
    if (rc == 0)
        rc = read_size(it, keys[INNER], WF_SHAPE_INNER_MAX, &out->inner);
    if (rc == 0)
        rc = read_size(it, "vocab_size", WF_TAPE_VALUES_MAX, &out->words);
    if (rc == 0)
        rc = read_size(it, "max_position_embeddings", WF_SHAPE_POSITIONS_MAX, &out->positions);
    if (rc == 0 && out->hidden % out->heads != 0)
        rc = wf_reason_set(it->reason, "its %s, %zu, is no multiple of its %s, %zu", keys[HIDDEN],
                           out->hidden, keys[HEADS], out->heads);
    return rc;
}

/* Places and what else is in the embeddings. */
static int read_places(const struct reading *it)
{
    wf_shape *out = it->out;
    out->tokens_max = out->positions;
    if (out->family->has_types) {
        int rc = read_size(it, "type_vocab_size", 64, &out->types);
        if (rc < 0)
            return rc;
    }
    if (!out->family->counts_from_pad)
        return 0;
    out->pad = 1;
    uint32_t pad = wf_tape_get(it->config, 0, "pad_token_id");
    bool is_given = pad != WF_NO_VALUE && !out->family->has_distances;
    if ((is_given && !wf_tape_size(it->config, pad, &out->pad)) || out->pad >= out->positions - 1)
        return wf_reason_set(it->reason, "its pad_token_id is no number under its "
                                         "max_position_embeddings");
    out->tokens_max = out->positions - out->pad - 1;
    return 0;
}

/* Settings that would change what is computed, and must be as they are nearly everywhere. */
static int check_kind(const struct reading *it)
{
    const wf_tape *config = it->config;
    uint32_t place = wf_tape_get(config, 0, "position_embedding_type");
    if (place != WF_NO_VALUE && !wf_tape_is(config, place, "absolute"))
        return wf_reason_set(it->reason, "its position_embedding_type is not 'absolute'");
    if (wf_tape_bool(config, wf_tape_get(config, 0, "is_decoder"), false))
        return wf_reason_set(it->reason, "it is a decoder (is_decoder)");
    size_t buckets = 32;
    uint32_t at = wf_tape_get(config, 0, "relative_attention_num_buckets");
    if (it->out->family->has_distances && at != WF_NO_VALUE &&
        (!wf_tape_size(config, at, &buckets) || buckets != 32))
        return wf_reason_set(it->reason, "its relative_attention_num_buckets is not 32");
    return 0;
}

int wf_shape_read(wf_shape *shape, const wf_tape *config, wf_reason *reason)
{
    const struct reading it = {shape, config, reason};
    *shape = (wf_shape){.family = wf_family_of(config)};
    if (shape->family == NULL) {
        weft_str type = wf_tape_string(config, wf_tape_get(config, 0, "model_type"));
        return wf_reason_set(reason,
                             "its model_type '%.*s' is not read here (bert, distilbert, mpnet, "
                             "roberta and xlm-roberta are)",
                             wf_reason_shown(type), type.ptr != NULL ? type.ptr : "");
    }
    int rc = check_kind(&it);
    if (rc == 0)
        rc = read_sizes(&it);
    if (rc == 0)
        rc = read_places(&it);
    if (rc == 0)
        rc = read_activation(&it);
    return rc < 0 ? rc : read_epsilon(&it);
}
