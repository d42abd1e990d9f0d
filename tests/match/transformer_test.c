/* SPDX-License-Identifier: MIT */

/* Transformers: the families, pooling and what follows, pairs, and files that are not what they
 * should be. */
#include "tiny_transformer.h"

#include "match/model/encoder.h"
#include "match/model/place.h"
#include "match/model/reranker.h"
#include "match/tokenize/frame.h"
#include "match/transformer/trunk.h"

#include <weft/encoder.h>
#include <weft/reranker.h>

/* ---- sentence encoders ---- */

static const char *const texts[] = {
    "a b c",
    "",
    "h",
    "a a a a b b b b c c c c d d d d",
    "d x f",
    ("h g f e d c b a h g f e d c b a"
     " h g f e d c b a h g f e d c b a h g f e d c"),
};

#define TEXTS (sizeof(texts) / sizeof(texts[0]))
#define DIM_MAX (6 * TINY_HIDDEN)

static double cosine(const float *a, const double *b, size_t dim)
{
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < dim; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * (double)a[i];
        bb += b[i] * b[i];
    }
    return ab / sqrt(aa * bb);
}

/* The poolings of `mask`, one behind the other; bits in the order of the concatenation. */
static size_t pool(const tiny_rows *rows, unsigned mask, double *out)
{
    double n = (double)rows->count;
    size_t dim = 0;
    for (unsigned bit = 0; bit < 6; bit++) {
        for (size_t i = 0; i < TINY_HIDDEN && (mask >> bit & 1) != 0; i++) {
            double sum = 0, weighted = 0, max = rows->at[0][i];
            for (size_t t = 0; t < rows->count; t++) {
                sum += rows->at[t][i];
                weighted += rows->at[t][i] * (double)(t + 1);
                max = fmax(max, rows->at[t][i]);
            }
            const double all[] = {rows->at[0][i],
                                  max,
                                  sum / n,
                                  sum / sqrt(n),
                                  weighted / (n * (n + 1) / 2),
                                  rows->at[rows->count - 1][i]};
            out[dim++] = all[bit];
        }
    }
    return dim;
}

static const char *const pool_keys[] = {"cls_token",           "max_tokens",
                                        "mean_tokens",         "mean_sqrt_len_tokens",
                                        "weightedmean_tokens", "lasttoken"};

static void put_modules(unsigned mask, bool has_dense, bool has_norm)
{
    char text[1024];
    size_t used =
        (size_t)snprintf(text, sizeof(text), "{\"word_embedding_dimension\":%d", TINY_HIDDEN);
    for (unsigned bit = 0; bit < 6; bit++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, ",\"pooling_mode_%s\":%s",
                                 pool_keys[bit], (mask >> bit & 1) != 0 ? "true" : "false");
    snprintf(text + used, sizeof(text) - used, "}");
    tiny_put_text("1_Pooling/config.json", text);
    snprintf(text, sizeof(text),
             "[{\"idx\":0,\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"},"
             "{\"idx\":1,\"path\":\"1_Pooling\",\"type\":\"sentence_transformers.models.Pooling\"}"
             "%s%s]",
             has_dense ? ",{\"path\":\"2_Dense\",\"type\":\"sentence_transformers.models.Dense\"}"
                       : "",
             has_norm ? ",{\"path\":\"3_Normalize\",\"type\":\"a.Normalize\"}" : "");
    tiny_put_text("modules.json", text);
}

static weft_encoder *open_encoder(void)
{
    weft_encoder *encoder;
    weft_m_error error = {0};
    int rc = weft_encoder_open(&encoder, tiny_folder, NULL, &error);
    note("%s", error.message);
    CHECK_OK(rc);
    CHECK_STR(weft_encoder_kind(encoder), "transformer");
    return encoder;
}

static void check_vectors(const tiny *it, unsigned mask, size_t tokens_max)
{
    static float out[TEXTS * DIM_MAX], alone[DIM_MAX];
    static tiny_rows rows;
    static const int types[TINY_TOKENS];
    weft_str list[TEXTS];
    weft_encoder *encoder = open_encoder();
    size_t dim = weft_encoder_dimension(encoder);
    for (size_t i = 0; i < TEXTS; i++)
        list[i] = str_of(texts[i]);
    CHECK_OK(weft_encoder_encode(encoder, list, TEXTS, out));
    for (size_t i = 0; i < TEXTS; i++) {
        int ids[TINY_TOKENS];
        double wanted[DIM_MAX];
        tiny_run(it, ids, types, tiny_read(texts[i], tokens_max, ids), &rows);
        CHECK_EQ(pool(&rows, mask, wanted), dim);
        CHECK_NEAR(cosine(out + i * dim, wanted, dim), 1, 1e-9);
        CHECK_NEAR(out[i * dim + 1], wanted[1], 2e-4);
        CHECK_OK(weft_encoder_encode(encoder, &list[i], 1, alone));
        CHECK(memcmp(alone, out + i * dim, dim * sizeof(float)) == 0);
    }
    weft_encoder_unref(encoder);
}

TEST(each_family_is_what_its_definition_says)
{
    for (enum tiny_kind kind = 0; kind < TINY_KINDS; kind++) {
        tiny it = {.kind = kind, .is_tanh = kind == TINY_XLMR};
        tiny_fill(&it);
        tiny_put_all(&it);
        note("%s", tiny_types[kind]);
        check_vectors(&it, 1u << 2, kind == TINY_BERT || kind == TINY_DISTILBERT ? 34 : 32);
        tiny_remove_folder();
        tiny_fini(&it);
    }
}

TEST(each_pooling_is_what_its_definition_says)
{
    tiny it = {.kind = TINY_BERT};
    tiny_fill(&it);
    tiny_put_all(&it);
    for (unsigned bit = 0; bit < 6; bit++) {
        put_modules(1u << bit, false, false);
        check_vectors(&it, 1u << bit, 34);
    }
    put_modules(63, false, false);
    tiny_put_text("sentence_bert_config.json", "{\"max_seq_length\":7,\"do_lower_case\":false}");
    check_vectors(&it, 63, 7);
    tiny_put_text("tokenizer_config.json", "{\"model_max_length\":5}");
    check_vectors(&it, 63, 7); /* the former counts, be it more or less */
    tiny_put_text("sentence_bert_config.json", "{\"max_seq_length\":null}");
    check_vectors(&it, 63, 5);
    tiny_put_text("sentence_bert_config.json", "{\"max_seq_length\":512}");
    check_vectors(&it, 63, 34);
    tiny_remove_folder();
    tiny_fini(&it);
}

TEST(weights_of_half_the_bits_are_read)
{
    for (enum tiny_dtype dtype = TINY_F16; dtype <= TINY_BF16; dtype++) {
        tiny it = {.kind = TINY_MPNET, .dtype = dtype};
        tiny_fill(&it);
        for (size_t i = 0; i < it.count; i++) { /* what the file cannot hold is not wanted */
            for (size_t k = 0;
                 k < (it.tensors[i].rows ? it.tensors[i].rows : 1) * it.tensors[i].width; k++)
                it.tensors[i].numbers[k] = round(it.tensors[i].numbers[k] * 64) / 64;
        }
        tiny_put_all(&it);
        check_vectors(&it, 1u << 2, 32);
        tiny_remove_folder();
        tiny_fini(&it);
    }
}

TEST(dense_and_normalize_follow_the_pooling)
{
    enum { DENSE = 10 };
    static tiny_rows rows;
    static const int types[TINY_TOKENS];
    tiny it = {.kind = TINY_ROBERTA}, dense = {.dice = {3}};
    tiny_fill(&it);
    tiny_put_all(&it);
    tiny_add_linear(&dense, "linear", TINY_HIDDEN, DENSE);
    tiny_put_tensors(&dense, "2_Dense/model.safetensors");
    put_modules(1, true, true);
    tiny_put_text("2_Dense/config.json",
                  "{\"in_features\":24,\"out_features\":10,\"bias\":true,"
                  "\"activation_function\":\"torch.nn.modules.activation.Tanh\"}");
    weft_encoder *encoder = open_encoder();
    int ids[TINY_TOKENS];
    float out[DENSE];
    double wanted[DENSE], squares = 0;
    weft_str text = str_of("c a b");
    CHECK_EQ(weft_encoder_dimension(encoder), DENSE);
    CHECK_OK(weft_encoder_encode(encoder, &text, 1, out));
    tiny_run(&it, ids, types, tiny_read("c a b", 32, ids), &rows);
    tiny_linear(&dense, "linear", rows.at[0], TINY_HIDDEN, wanted, DENSE);
    for (size_t i = 0; i < DENSE; i++) {
        wanted[i] = tanh(wanted[i]);
        squares += wanted[i] * wanted[i];
    }
    for (size_t i = 0; i < DENSE; i++)
        CHECK_NEAR(out[i], wanted[i] / sqrt(squares), 1e-5);
    weft_encoder_unref(encoder);
    tiny_remove_folder();
    tiny_fini(&dense);
    tiny_fini(&it);
}

/* The old key beside the new one does not count. */
TEST(pools_of_newer_versions_stand_in_their_order)
{
    static tiny_rows rows;
    static const int types[TINY_TOKENS];
    tiny it = {.kind = TINY_BERT};
    int ids[TINY_TOKENS];
    float out[2 * TINY_HIDDEN];
    double wanted[2 * TINY_HIDDEN];
    weft_str text = str_of("c a b");
    tiny_fill(&it);
    tiny_put_all(&it);
    put_modules(1, false, false);
    tiny_put_text("1_Pooling/config.json",
                  "{\"embedding_dimension\":24,\"pooling_mode\":[\"mean\",\"cls\"],"
                  "\"pooling_mode_max_tokens\":true}");
    weft_encoder *encoder = open_encoder();
    CHECK_EQ(weft_encoder_dimension(encoder), 2 * TINY_HIDDEN);
    CHECK_OK(weft_encoder_encode(encoder, &text, 1, out));
    tiny_run(&it, ids, types, tiny_read("c a b", 34, ids), &rows);
    pool(&rows, 1u << 2, wanted);
    pool(&rows, 1u << 0, wanted + TINY_HIDDEN);
    for (size_t i = 0; i < 2 * TINY_HIDDEN; i++)
        CHECK_NEAR(out[i], wanted[i], 2e-4);
    weft_encoder_unref(encoder);
    tiny_remove_folder();
    tiny_fini(&it);
}

/* tanh(dense) + what comes in, through a matrix of its own where the widths differ. */
static void check_residual(const tiny *it, size_t width)
{
    static tiny_rows rows;
    static const int types[TINY_TOKENS];
    tiny dense = {.dice = {5}};
    int ids[TINY_TOKENS];
    float out[TINY_HIDDEN];
    double wanted[TINY_HIDDEN], added[TINY_HIDDEN];
    char config[256];
    weft_str text = str_of("c a b");
    tiny_add_linear(&dense, "linear", TINY_HIDDEN, width);
    tiny_add_linear(&dense, "residual", TINY_HIDDEN, width); /* its bias is not wanted */
    memset(dense.tensors[3].numbers, 0, width * sizeof(double));
    tiny_put_tensors(&dense, "2_Dense/model.safetensors");
    snprintf(config, sizeof(config),
             "{\"in_features\":24,\"out_features\":%zu,\"bias\":true,\"use_residual\":true,"
             "\"module_input_name\":\"sentence_embedding\",\"module_output_name\":null}",
             width);
    tiny_put_text("2_Dense/config.json", config);
    weft_encoder *encoder = open_encoder();
    CHECK_EQ(weft_encoder_dimension(encoder), width);
    CHECK_OK(weft_encoder_encode(encoder, &text, 1, out));
    tiny_run(it, ids, types, tiny_read("c a b", 32, ids), &rows);
    tiny_linear(&dense, "linear", rows.at[0], TINY_HIDDEN, wanted, width);
    tiny_linear(&dense, "residual", rows.at[0], TINY_HIDDEN, added, width);
    for (size_t i = 0; i < width; i++)
        CHECK_NEAR(out[i], tanh(wanted[i]) + (width == TINY_HIDDEN ? rows.at[0][i] : added[i]),
                   1e-4);
    weft_encoder_unref(encoder);
    tiny_fini(&dense);
}

TEST(a_dense_may_add_what_came_in)
{
    tiny it = {.kind = TINY_ROBERTA};
    tiny_fill(&it);
    tiny_put_all(&it);
    put_modules(1, true, false);
    check_residual(&it, TINY_HIDDEN);
    check_residual(&it, 10);
    tiny_remove_folder();
    tiny_fini(&it);
}

/* ---- cross-encoders ---- */

static void check_refused(const char *wanted, bool is_reranker)
{
    weft_encoder *encoder;
    weft_reranker *reranker;
    weft_m_error error = {0};
    int rc = is_reranker ? weft_reranker_open(&reranker, tiny_folder, &error)
                         : weft_encoder_open(&encoder, tiny_folder, NULL, &error);
    note("%s", error.message);
    CHECK_EQ(rc, -WEFT_M_EMODEL);
    CHECK_STR(error.field, is_reranker ? "reranker" : "model");
    CHECK(strstr(error.message, wanted) != NULL);
}

static double head_of(const tiny *it, const tiny_rows *rows)
{
    const char *pooler, *classifier;
    double pooled[TINY_HIDDEN], logit;
    tiny_name_head(it, &pooler, &classifier);
    tiny_linear(it, pooler, rows->at[0], TINY_HIDDEN, pooled, TINY_HIDDEN);
    for (size_t i = 0; i < TINY_HIDDEN; i++)
        pooled[i] = it->kind == TINY_DISTILBERT ? fmax(pooled[i], 0) : tanh(pooled[i]);
    tiny_linear(it, classifier, pooled, TINY_HIDDEN, &logit, 1);
    return logit;
}

/* "[C] query [S] text [S]" */
static double pair_of(const tiny *it, const char *query, const char *text)
{
    static tiny_rows rows;
    int ids[2 * TINY_TOKENS], types[2 * TINY_TOKENS] = {0};
    size_t count = tiny_read(query, TINY_TOKENS, ids), first = count;
    count += tiny_read(text, TINY_TOKENS, ids + count - 1) - 1;
    ids[first - 1] = 2;
    for (size_t i = first; i < count; i++)
        types[i] = 1;
    tiny_run(it, ids, types, count, &rows);
    return head_of(it, &rows);
}

static void check_pairs(tiny *it, bool is_identity)
{
    static const char *const others[] = {"a b", "h", "e f g h a", ""};
    weft_str list[4];
    weft_reranker *reranker;
    weft_m_error error = {0};
    float scores[4], alone;
    int rc = weft_reranker_open(&reranker, tiny_folder, &error);
    note("%s: %s", tiny_types[it->kind], error.message);
    CHECK_OK(rc);
    CHECK_STR(weft_reranker_kind(reranker), "cross-encoder");
    for (size_t i = 0; i < 4; i++)
        list[i] = str_of(others[i]);
    CHECK_OK(weft_reranker_score(reranker, STR("a c"), list, 4, scores));
    for (size_t i = 0; i < 4; i++) {
        double logit = pair_of(it, "a c", others[i]);
        CHECK_NEAR(scores[i], is_identity ? logit : 1 / (1 + exp(-logit)), 2e-5);
        CHECK_OK(weft_reranker_score(reranker, STR("a c"), &list[i], 1, &alone));
        CHECK(memcmp(&alone, &scores[i], sizeof(alone)) == 0);
    }
    CHECK_EQ(weft_reranker_score(reranker, STR("\xFF"), list, 4, scores), -WEFT_M_EVALID);
    weft_reranker_unref(reranker);
}

TEST(each_family_scores_pairs)
{
    for (enum tiny_kind kind = 0; kind < TINY_KINDS; kind++) {
        tiny it = {.kind = kind, .is_classifier = true};
        tiny_fill(&it);
        tiny_put_all(&it);
        check_pairs(&it, /* is_identity= */ false);
        it.extra = "\"sentence_transformers\":{\"activation_fn\":\"torch.nn.modules.linear."
                   "Identity\"},";
        tiny_put_config(&it);
        check_pairs(&it, /* is_identity= */ true);
        tiny_remove_folder();
        tiny_fini(&it);
    }
}

/* As sentence-transformers 6 writes it: what counts stands in files beside config.json. */
TEST(a_cross_encoder_minds_the_files_of_its_makers)
{
    tiny it = {.kind = TINY_MPNET, .is_classifier = true};
    weft_reranker *reranker;
    weft_m_error error = {0};
    float score;
    weft_str text = STR("e f g h a");
    tiny_fill(&it);
    it.extra = "\"sentence_transformers\":{\"activation_fn\":\"torch.nn.Sigmoid\"},";
    tiny_put_all(&it);
    tiny_put_text("modules.json", "[{\"path\":\"\",\"type\":\"a.Transformer\"}]");
    tiny_put_text("sentence_bert_config.json", "{\"max_seq_length\":9}");
    tiny_put_text("config_sentence_transformers.json",
                  "{\"activation_fn\":\"torch.nn.modules.linear.Identity\","
                  "\"default_prompt_name\":\"q\",\"prompts\":{\"q\":\"h \"}}");
    CHECK_OK(weft_reranker_open(&reranker, tiny_folder, &error));
    CHECK_OK(weft_reranker_score(reranker, STR("a c"), &text, 1, &score));
    CHECK_NEAR(score, pair_of(&it, "h a c", "e f g"), 2e-5); /* six of eight, and three */
    weft_reranker_unref(reranker);
    tiny_put_text("modules.json", "[{\"path\":\"\",\"type\":\"a.Transformer\"},"
                                  "{\"path\":\"2_Dense\",\"type\":\"a.Dense\"}]");
    check_refused("no other module", /* is_reranker= */ true);
    tiny_put_text("modules.json", "[{\"path\":\"\",\"type\":\"a.Transformer\"}]");
    tiny_put_text("config_sentence_transformers.json", "{\"activation_fn\":\"a.Softplus\"}");
    check_refused("config_sentence_transformers.json: its activation 'a.Softplus'",
                  /* is_reranker= */ true);
    tiny_put_text("config_sentence_transformers.json", "{}");
    tiny_put_text("sentence_bert_config.json", "{\"processing_kwargs\":{\"text\":{}}}");
    check_refused("processing_kwargs", /* is_reranker= */ true);
    tiny_remove_folder();
    tiny_fini(&it);
}

/* Such a pair has no first row, which is what is judged. */
TEST(pairs_without_a_special_token_are_refused)
{
    tiny it = {.kind = TINY_DISTILBERT, .is_classifier = true};
    char text[sizeof(tiny_tokenizer) + 256];
    const char *at = strstr(tiny_tokenizer, "\"model\"");
    tiny_fill(&it);
    tiny_put_all(&it);
    snprintf(
        text, sizeof(text),
        "{\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":{\"id\":"
        "\"A\",\"type_id\":0}}],\"pair\":[{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},"
        "{\"Sequence\":{\"id\":\"B\",\"type_id\":0}}],\"special_tokens\":{}},"
        "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},%s",
        at);
    tiny_put_text("tokenizer.json", text);
    check_refused("no special token", /* is_reranker= */ true);
    tiny_remove_folder();
    tiny_fini(&it);
}

/* What the public implementation of tokenizers leaves of two texts for "longest first". */
TEST(pairs_are_cut_at_the_longer_text)
{
    static const size_t cases[][5] = {
        /* total, first, second, left of each */
        {10, 3, 4, 3, 4}, {10, 3, 9, 3, 4}, {10, 9, 3, 4, 3}, {10, 9, 9, 3, 4},
        {11, 9, 8, 4, 4}, {10, 0, 9, 0, 7}, {10, 9, 0, 7, 0}, {10, 8, 9, 3, 4},
        {10, 9, 8, 4, 3}, {4, 5, 5, 0, 1},  {3, 5, 5, 0, 0},
    };
    wf_frame_list pair = {.count = 3};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t first = cases[i][1], second = cases[i][2];
        wf_frame_cut(&pair, cases[i][0], &first, &second);
        CHECK_EQ(first, cases[i][3]);
        CHECK_EQ(second, cases[i][4]);
    }
}

/* ---- what is refused ---- */

TEST(config_is_believed_in_nothing)
{
    /* The first of two equal keys counts, so each of these takes the place of a good one. */
    static const char *const cases[][2] = {
        {"\"model_type\":\"t5\",", "'t5'"},
        {"\"hidden_size\":0,", "hidden_size"},
        {"\"hidden_size\":8193,", "hidden_size"},
        {"\"hidden_size\":48,", "embeddings.word_embeddings.weight"},
        {"\"num_hidden_layers\":3,", "encoder.layer.2."},
        {"\"num_hidden_layers\":1e9,", "num_hidden_layers"},
        {"\"num_attention_heads\":5,", "num_attention_heads"},
        {"\"intermediate_size\":41,", "intermediate.dense"},
        {"\"vocab_size\":13,", "word_embeddings"},
        {"\"max_position_embeddings\":35,", "position_embeddings"},
        {"\"max_position_embeddings\":-1,", "max_position_embeddings"},
        {"\"type_vocab_size\":3,", "token_type"},
        {"\"hidden_act\":\"swish\",", "'swish'"},
        {"\"layer_norm_eps\":-1,", "layer_norm_eps"},
        {"\"is_decoder\":true,", "is_decoder"},
        {"\"position_embedding_type\":\"relative_key\",", "position_embedding_type"},
    };
    tiny it = {.kind = TINY_BERT};
    tiny_fill(&it);
    tiny_put_all(&it);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        it.extra = cases[i][0];
        tiny_put_config(&it);
        check_refused(cases[i][1], false);
    }
    tiny_remove_folder();
    tiny_fini(&it);
}

TEST(modules_are_believed_in_nothing)
{
    static const char body[] = "{\"path\":\"\",\"type\":\"a.Transformer\"}";
    static const char *const cases[][2] = {
        {"", "no Pooling"},
        {",{\"path\":\"1_Pooling\",\"type\":\"a.Pooling\"},{\"path\":\"\",\"type\":\"a.LSTM\"}",
         "LSTM"},
        {",{\"path\":\"../x\",\"type\":\"a.Pooling\"}", "path"},
        {",{\"path\":\"/etc\",\"type\":\"a.Pooling\"}", "path"},
        {",{\"path\":\"..\",\"type\":\"a.Pooling\"}", "path"},
        {",{\"path\":\"2_Dense\",\"type\":\"a.Dense\"}", "Pooling"},
        {",{\"path\":\"1_Pooling\",\"type\":\"a.Pooling\"},{\"path\":\"2_Dense\",\"type\":\"Dense"
         "\"}",
         "2_Dense/config.json"},
    };
    tiny it = {.kind = TINY_BERT};
    char text[512];
    tiny_fill(&it);
    tiny_put_all(&it);
    put_modules(4, false, false);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(text, sizeof(text), "[%s%s]", body, cases[i][0]);
        tiny_put_text("modules.json", text);
        check_refused(cases[i][1], false);
    }
    put_modules(0, false, false);
    check_refused("pooling_mode", false);
    tiny_put_text("1_Pooling/config.json", "{\"word_embedding_dimension\":25,"
                                           "\"pooling_mode_mean_tokens\":true}");
    check_refused("word_embedding_dimension", false);
    tiny_put_text("1_Pooling/config.json", "{\"pooling_mode_new\":true}");
    check_refused("pooling_mode_new", false);
    tiny_put_text("1_Pooling/config.json", "{\"pooling_mode\":[\"mean\",\"new\"]}");
    check_refused("'new'", false);
    tiny_put_text("1_Pooling/config.json", "{\"pooling_mode\":[]}");
    check_refused("no pooling_mode", false);
    tiny_put_text("1_Pooling/config.json", "{\"pooling_mode\":[\"max\",\"max\",\"max\",\"max\","
                                           "\"max\",\"max\",\"max\",\"max\",\"max\"]}");
    check_refused("more than 8", false);
    tiny_remove_folder();
    tiny_fini(&it);
}

/* Modules may work on the rows before they are pooled, or leave the text's vector as it was. */
TEST(modules_that_work_on_something_else_are_refused)
{
    static const char *const kinds[] = {"Dense", "Normalize"};
    static const char *const keys[] = {"module_input_name", "module_output_name"};
    tiny it = {.kind = TINY_BERT}, dense = {.dice = {3}};
    char text[512];
    tiny_fill(&it);
    tiny_put_all(&it);
    put_modules(4, false, false);
    tiny_add_linear(&dense, "linear", TINY_HIDDEN, TINY_HIDDEN);
    tiny_put_tensors(&dense, "2_Dense/model.safetensors");
    for (size_t i = 0; i < 4; i++) {
        snprintf(text, sizeof(text),
                 "[{\"path\":\"\",\"type\":\"a.Transformer\"},{\"path\":\"1_Pooling\",\"type\":"
                 "\"Pooling\"},{\"path\":\"2_Dense\",\"type\":\"%s\"}]",
                 kinds[i / 2]);
        tiny_put_text("modules.json", text);
        snprintf(text, sizeof(text),
                 "{\"in_features\":24,\"out_features\":24,\"%s\":\"token_embeddings\"}",
                 keys[i % 2]);
        tiny_put_text("2_Dense/config.json", text);
        check_refused(keys[i % 2], /* is_reranker= */ false);
    }
    tiny_remove_folder();
    tiny_fini(&dense);
    tiny_fini(&it);
}

TEST(files_that_do_not_fit_each_other_are_refused)
{
    tiny it = {.kind = TINY_BERT};
    tiny_fill(&it);
    tiny_put_all(&it);
    check_refused("no classifier", true);
    tiny_put_text("sentence_bert_config.json", "{\"max_seq_length\":2}");
    check_refused("max_seq_length", false);
    tiny_put_text("sentence_bert_config.json", "{}");
    tiny_put_text("tokenizer_config.json", "{\"truncation_side\":\"left\"}");
    check_refused("truncation_side", false);
    tiny_put_text("tokenizer_config.json",
                  "{\"model_max_length\":1000000000000000019884624838656}");
    weft_encoder_unref(open_encoder());
    it.tensors[5].numbers[3] = NAN;
    tiny_put_tensors(&it, "model.safetensors");
    check_refused("finite", false);
    tiny_put_text("config.json", "{\"model_type\":\"bert\",");
    check_refused("config.json", false); /* found by fuzzing: it was looked at all the same */
    tiny_put_config(&it);
    tiny_put_text("model.safetensors", "");
    check_refused("model.safetensors", false);
    char path[128];
    snprintf(path, sizeof(path), "%s/model.safetensors", tiny_folder);
    unlink(path);
    tiny_put_text("pytorch_model.bin", "x");
    check_refused("pickle", false);
    tiny_remove_folder();
    tiny_fini(&it);
}

/* The first `first` tensors in one file, the others in another. */
static void put_shards(const tiny *it, size_t first)
{
    tiny a = *it, b = *it;
    a.count = first;
    b.count = it->count - first;
    memmove(b.tensors, it->tensors + first, b.count * sizeof(b.tensors[0]));
    tiny_put_tensors(&a, "a.safetensors");
    tiny_put_tensors(&b, "b.safetensors");
}

#define SHARD_INDEX "model.safetensors.index.json"

TEST(weights_in_several_files_are_read)
{
    static const char *const bad[][2] = {
        {"{}", "index.json: it has no weight_map"},
        {"{\"weight_map\":{\"x\":7}}", "is no file of the model"},
        {"{\"weight_map\":{\"x\":\"../a.safetensors\"}}", "'../a.safetensors' is no file"},
        {"{\"weight_map\":{\"x\":\".a.safetensors\"}}", "is no file of the model"},
        {"{\"weight_map\":{\"x\":\"a/../../b.safetensors\"}}", "is no file of the model"},
        {"{\"weight_map\":{\"x\":\"/b.safetensors\"}}", "is no file of the model"},
        {"{\"weight_map\":{\"x\":\"a.bin\"}}", "'a.bin' is no file"},
        {"{\"weight_map\":{\"x\":\"c.safetensors\"}}", "it has no c.safetensors"},
        {"{\"weight_map\":{\"x\":\"a.safetensors\"}}", "it has no tensor 'encoder.layer."},
    };
    char path[160];
    tiny it = {.kind = TINY_BERT};
    tiny_fill(&it);
    tiny_put_all(&it);
    snprintf(path, sizeof(path), "%s/model.safetensors", tiny_folder);
    unlink(path);
    put_shards(&it, it.count / 2);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        tiny_put_text(SHARD_INDEX, bad[i][0]);
        check_refused(bad[i][1], /* is_reranker= */ false);
    }
    tiny_put_text(SHARD_INDEX, "{\"metadata\":{},\"weight_map\":{\"x\":\"b.safetensors\",\"y\":"
                               "\"a.safetensors\",\"z\":\"b.safetensors\"}}");
    check_vectors(&it, 1u << 2, 34);
    tiny_put("a.safetensors", "x", 1);
    check_refused("a.safetensors: it is too short", /* is_reranker= */ false);
    tiny_remove_folder();
    tiny_fini(&it);
}

TEST(prompts_that_are_none_are_refused)
{
    static const struct {
        const char *text, *refused; /* NULL: it is fine */
    } cases[] = {
        {"{}", NULL},
        {"{\"prompts\":{\"query\":\"query: \"}}", NULL}, /* for who asks for it */
        {"{\"prompts\":{\"query\":\"query: \"},\"default_prompt_name\":null}", NULL},
        {"{\"default_prompt_name\":\"plain\",\"prompts\":{\"plain\":\"\"}}", NULL},
        {"{\"default_prompt_name\":\"other\",\"prompts\":{\"query\":\"\"}}", "none of its prompts"},
        {"{\"default_prompt_name\":\"query\"}", "none of its prompts"},
        {"{\"default_prompt_name\":7}", "no name"},
        {"[", "config_sentence_transformers.json"},
    };
    tiny it = {.kind = TINY_BERT};
    tiny_fill(&it);
    tiny_put_all(&it);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tiny_put_text("config_sentence_transformers.json", cases[i].text);
        if (cases[i].refused != NULL)
            check_refused(cases[i].refused, /* is_reranker= */ false);
        else
            weft_encoder_unref(open_encoder());
    }
    tiny_remove_folder();
    tiny_fini(&it);
}

/* The prompt "e f ", and then the texts: rows before `first` are not pooled, but for CLS and LAST.
 */
static void check_prompted(const tiny *it, unsigned bit, size_t first)
{
    static tiny_rows rows, counted;
    static const int types[TINY_TOKENS];
    static float out[DIM_MAX];
    weft_encoder *encoder = open_encoder();
    for (size_t i = 0; i < TEXTS; i++) {
        int ids[TINY_TOKENS];
        char text[256];
        double wanted[DIM_MAX];
        const weft_str query = str_of(texts[i]);
        snprintf(text, sizeof(text), "e f %s", texts[i]);
        tiny_run(it, ids, types, tiny_read(text, 34, ids), &rows);
        counted = rows;
        bool is_cut = bit != 0 && bit != 5;
        counted.count = rows.count - (is_cut ? first : 0);
        if (is_cut)
            memmove(counted.at, rows.at + first, counted.count * sizeof(rows.at[0]));
        pool(&counted, 1u << bit, wanted);
        if (bit == 4 && first != 0) { /* weights go on counting from the beginning */
            double total = 0;
            memset(wanted, 0, sizeof(wanted));
            for (size_t t = first; t < rows.count; t++) {
                total += (double)(t + 1);
                for (size_t k = 0; k < TINY_HIDDEN; k++)
                    wanted[k] += rows.at[t][k] * (double)(t + 1);
            }
            for (size_t k = 0; k < TINY_HIDDEN; k++)
                wanted[k] /= total;
        }
        CHECK_OK(weft_encoder_encode(encoder, &query, 1, out));
        note("bit %u, from %zu: %s", bit, first, text);
        CHECK_NEAR(cosine(out, wanted, TINY_HIDDEN), 1, 1e-9);
        CHECK_NEAR(out[1], wanted[1], 2e-4);
    }
    weft_encoder_unref(encoder);
}

/* [C], "e" and "f" are the prompt's three tokens; [S] behind them is not. */
TEST(a_default_prompt_stands_before_every_text)
{
    tiny it = {.kind = TINY_BERT};
    char config[1024];
    tiny_fill(&it);
    tiny_put_all(&it);
    tiny_put_text("config_sentence_transformers.json",
                  "{\"default_prompt_name\":\"q\",\"prompts\":{\"q\":\"e f \"}}");
    for (unsigned bit = 0; bit < 6; bit++) {
        put_modules(1u << bit, false, false);
        check_prompted(&it, bit, 0);
        snprintf(
            config, sizeof(config),
            "{\"word_embedding_dimension\":%d,\"include_prompt\":false,\"pooling_mode_%s\":true}",
            TINY_HIDDEN, pool_keys[bit]);
        tiny_put_text("1_Pooling/config.json", config);
        check_prompted(&it, bit, 3);
    }
    tiny_remove_folder();
    tiny_fini(&it);
}

TEST(post_processors_that_are_not_known_are_refused)
{
    static const char *const cases[][2] = {
        {"{\"type\":\"New\"}", "'New'"},
        {"{\"type\":\"TemplateProcessing\",\"single\":[]}", "each text once"},
        {"{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":{\"id\":\"C\",\"type_id\":0}}"
         "]}",
         "neither A nor B"},
        {"{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"x\",\"type_id\":"
         "0}}]}",
         "'x'"},
        {"{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":{\"id\":\"A\",\"type_id\":7}}"
         "]}",
         "type_id"},
        {"{\"type\":\"BertProcessing\",\"cls\":[\"a\",0]}", "sep"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        wf_tape tape;
        wf_frame frame;
        wf_reason reason = {""};
        CHECK_OK(wf_tape_read(&tape, cases[i][0], strlen(cases[i][0]), &reason));
        CHECK_EQ(wf_frame_read(&frame, &tape, 0, &reason), -WEFT_M_EMODEL);
        note("%s", reason.text);
        CHECK(strstr(reason.text, cases[i][1]) != NULL);
        wf_tape_fini(&tape);
    }
}

/* ---- names ---- */

static void check_place(const char *model, enum wf_place_use use, const char *path, int wanted,
                        const char *part)
{
    char out[WF_FOLDER_PATH_BYTES] = "";
    wf_reason reason = {""};
    CHECK_EQ(wf_place_find(model, use, path, out, &reason), wanted);
    note("%s: %s%s", model, out, reason.text);
    CHECK(strstr(wanted == 0 ? out : reason.text, part) != NULL);
}

TEST(models_are_found_by_their_names)
{
    char path[256], maker[128], model[160];
    tiny_make_folder();
    snprintf(maker, sizeof(maker), "%s/BAAI", tiny_folder);
    snprintf(model, sizeof(model), "%s/bge-m3", maker);
    snprintf(path, sizeof(path), "/nowhere::%s", tiny_folder);
    mkdir(maker, 0700);
    mkdir(model, 0700);
    tiny_put_text("BAAI/bge-m3/config.json", "{}");
    check_place("bge-m3", WF_PLACE_ENCODER, path, 0, "/BAAI/bge-m3");
    check_place("BAAI/bge-m3", WF_PLACE_ENCODER, path, 0, "/BAAI/bge-m3");
    check_place(model, WF_PLACE_ENCODER, NULL, 0, "/BAAI/bge-m3");
    check_place("other/bge-m3", WF_PLACE_ENCODER, maker, 0, "/BAAI/bge-m3");
    check_place("bge-m3", WF_PLACE_RERANKER, path, -ENOENT, "/nowhere/BAAI/bge-reranker");
    check_place("minilm", WF_PLACE_ENCODER, NULL, -ENOENT, "WEFT_MODEL_PATH");
    check_place("all-MiniLM-L6-v2", WF_PLACE_ENCODER, "/nowhere", -ENOENT,
                "/nowhere/sentence-transformers/all-MiniLM-L6-v2");
    check_place("nomic-embed-text-v1", WF_PLACE_ENCODER, path, -WEFT_M_EMODEL, "program");
    check_place("nomic", WF_PLACE_ENCODER, path, -WEFT_M_EMODEL, "program");
    check_place("x/../bge-m3", WF_PLACE_ENCODER, maker, -ENOENT, "no such");
    snprintf(path, sizeof(path), "%s/config.json", model);
    remove(path);
    remove(model);
    remove(maker);
    tiny_remove_folder();
}

/* ---- in the matcher ---- */

TEST(a_matcher_is_made_with_a_transformer_and_saved)
{
    static const weft_m_entity entities[] = {
        {.id = WEFT_STR("1"), .name = WEFT_STR("a b c")},
        {.id = WEFT_STR("2"), .name = WEFT_STR("h g f")},
    };
    tiny it = {.kind = TINY_DISTILBERT};
    weft_matcher *matcher, *loaded;
    weft_m_options options;
    weft_m_error error;
    char path[128];
    tiny_fill(&it);
    tiny_put_all(&it);
    snprintf(path, sizeof(path), "%s/m.weftm", tiny_folder);
    weft_m_options_init(&options);
    options.model = str_of(tiny_folder);
    options.score_kind = str_of("dense");
    CHECK_OK(weft_m_open(&matcher, entities, 2, &options, &error));
    CHECK_OK(weft_m_fit(matcher, NULL, 0, NULL, &error));
    CHECK_OK(weft_m_save(matcher, path, &error));
    weft_m_close(matcher);
    CHECK_OK(weft_m_load(&loaded, path, NULL, &error));
    weft_m_close(loaded);
    it.tensors[0].numbers[0] += 1; /* another model in its place */
    tiny_put_tensors(&it, "model.safetensors");
    CHECK_EQ(weft_m_load(&loaded, path, NULL, &error), -WEFT_M_EPERSIST);
    tiny_remove_folder();
    tiny_fini(&it);
}

/* Once its matcher is stopped an encoder ends in the middle of a batch. */
TEST(encoding_ends_when_its_job_is_halted)
{
    static float out[TEXTS * TINY_HIDDEN];
    int stop = -WEFT_M_ECLOSED;
    const wf_job job = {.stop = &stop};
    weft_str list[TEXTS];
    tiny it = {.kind = TINY_BERT};
    tiny_fill(&it);
    tiny_put_all(&it);
    weft_encoder *encoder = open_encoder();
    for (size_t i = 0; i < TEXTS; i++)
        list[i] = str_of(texts[i]);
    CHECK_EQ(wf_encoder_run(encoder, list, TEXTS, out, &job), -WEFT_M_ECLOSED);
    stop = 0;
    CHECK_OK(wf_encoder_run(encoder, list, TEXTS, out, &job));
    weft_encoder_unref(encoder);
    tiny_remove_folder();
    tiny_fini(&it);
}

/* ---- how long work goes on once it is halted ---- */

static int halt_stop;
static size_t halt_products; /* multiply-adds of the first product, and after it */

/* Computes nothing: the first product halts the job. */
static void count_product(const wf_product *product)
{
    halt_products += product->rows * product->depth * WF_PANEL;
    halt_stop = -WEFT_M_ECLOSED;
}

static void skip_softmax(float *row, size_t count, float scale, const float *bias)
{
    (void)row, (void)count, (void)scale, (void)bias;
}

static const wf_kernel counting_kernel = {.product = count_product, .softmax = skip_softmax};

/* A product of a panel is one piece, so a text's rows are taken some at a time. */
TEST(a_long_text_ends_when_its_job_is_halted)
{
    enum { LONG = 8192, WIDTH = 1024 };
    const wf_job job = {.stop = &halt_stop};
    wf_linear linear;
    float *rows = calloc((size_t)LONG * WIDTH, sizeof(*rows));
    halt_stop = 0;
    halt_products = 0;
    CHECK_OK(wf_linear_init(&linear, WIDTH, WIDTH));
    CHECK_EQ(wf_linear_run(&linear, &counting_kernel, rows, WIDTH, LONG, rows, WIDTH, &job),
             -WEFT_M_ECLOSED);
    note("linear: %zu", halt_products);
    CHECK(halt_products <= 2 * WF_PRODUCTS_A_POLL);
    wf_linear_fini(&linear);
    free(rows);
}

TEST(attention_of_a_long_text_ends_when_its_job_is_halted)
{
    enum { LONG = 4096, WIDTH = 128, HEADS = 8 };
    const wf_trunk body = {.kernel = &counting_kernel,
                           .shape = {.hidden = WIDTH, .heads = HEADS, .tokens_max = LONG}};
    const wf_job job = {.stop = &halt_stop};
    wf_toil toil = {&job, 0};
    wf_sheet sheet = {.wide_stride = 3 * WIDTH, .row_stride = WIDTH};
    float *qkv = calloc((size_t)LONG * 3 * WIDTH, sizeof(*qkv));
    halt_stop = 0;
    halt_products = 0;
    CHECK_OK(wf_attend_reserve(&body, LONG, &sheet));
    CHECK_EQ(wf_attend(&body, qkv, LONG, qkv, &sheet, &toil), -WEFT_M_ECLOSED);
    note("attention: %zu", halt_products);
    CHECK(halt_products <= 2 * WF_PRODUCTS_A_POLL);
    wf_sheet_fini(&sheet);
    free(qkv);
}
