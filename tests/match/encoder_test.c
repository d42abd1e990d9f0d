/* SPDX-License-Identifier: MIT */

/* Static models, encoders of one's own, and what the matcher makes of them. */
#include "make.h"

#include "match/matcher_priv.h"
#include "match/model/encoder.h"

#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weft/encoder.h>
#include <weft/file.h>
#include <weft/task.h>

/* ---- directories ---- */

static const char tokenizer[] =
    "{\"added_tokens\":[],\"normalizer\":{\"type\":\"BertNormalizer\"},"
    "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},\"model\":{\"type\":\"WordPiece\","
    "\"unk_token\":\"?\",\"vocab\":{\"?\":0,\"car\":1,\"automobile\":2,\"boat\":3,\"##s\":4}}}";

/* car and automobile are alike, boat is not; unknown is far from all. */
static const float table[5][3] = {{0, 0, 9}, {4, 1, 0}, {4, 2, 0}, {-1, 4, 0}, {0.5f, 0, 0}};

static char folder[64];
static int put_rc; /* what went wrong in a task, or 0 */

static void put(const char *name, const void *bytes, size_t count)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (weft_self().id != 0) { /* a task may be in a world of its own */
        put_rc = put_rc < 0 ? put_rc : weft_file_save(path, bytes, count, 0600);
        return;
    }
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL);
    CHECK_EQ(fwrite(bytes, 1, count, file), count);
    fclose(file);
}

static void put_text(const char *name, const char *text)
{
    put(name, text, strlen(text));
}

static void put_tensors(const char *head, const void *data, size_t bytes)
{
    char file[2048] = {0};
    size_t head_bytes = strlen(head);
    file[0] = (char)head_bytes;
    file[1] = (char)(head_bytes >> 8);
    memcpy(file + 8, head, head_bytes);
    memcpy(file + 8 + head_bytes, data, bytes);
    put("model.safetensors", file, 8 + head_bytes + bytes);
}

#define TABLE_HEAD "{\"embeddings\":{\"dtype\":\"F32\",\"shape\":[5,3],\"data_offsets\":[0,60]}"

static void make_folder(void)
{
    snprintf(folder, sizeof(folder), "/tmp/weft-encoder-%d", (int)getpid());
    put_rc = weft_self().id != 0 ? weft_mkdir(folder, 0700) : mkdir(folder, 0700);
    if (put_rc == -EEXIST)
        put_rc = 0;
    put_text("tokenizer.json", tokenizer);
    put_tensors(TABLE_HEAD "}", table, sizeof(table));
}

static void remove_one(const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    unlink(path);
}

static void remove_folder(void)
{
    static const char *const names[] = {
        "tokenizer.json",        "model.safetensors", "config.json",
        "modules.json",          "m.weftm",           "config_sentence_transformers.json",
        "tokenizer_config.json", "vocab.txt"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        remove_one(names[i]);
    rmdir(folder);
}

static void check_vector(const char *text, float x, float y, float z)
{
    weft_encoder *encoder;
    weft_m_error error = {0};
    weft_str query = str_of(text);
    float out[3];
    int rc = weft_encoder_open(&encoder, folder, NULL, &error);
    note("%s", error.message);
    CHECK_OK(rc);
    CHECK_EQ(weft_encoder_dimension(encoder), 3);
    CHECK_STR(weft_encoder_kind(encoder), "static");
    CHECK_OK(weft_encoder_encode(encoder, &query, 1, out));
    note("%s: %g %g %g", text, (double)out[0], (double)out[1], (double)out[2]);
    CHECK_NEAR(out[0], x, 1e-6);
    CHECK_NEAR(out[1], y, 1e-6);
    CHECK_NEAR(out[2], z, 1e-6);
    weft_encoder_unref(encoder);
}

TEST(static_model_is_the_mean_of_known_tokens)
{
    make_folder();
    check_vector("Cars boat", 3.5f / 3, 5.0f / 3, 0);
    check_vector("xyz car", 4, 1, 0); /* what is unknown does not count */
    check_vector("xyz", 0, 0, 0);
    check_vector("", 0, 0, 0);
    put_text("config.json", "{\"normalize\":true}");
    check_vector("boat", -1 / sqrtf(17), 4 / sqrtf(17), 0);
    remove_folder();
}

TEST(static_model_has_weights_and_a_mapping)
{
    struct {
        float table[2][3], weights[5];
        int32_t mapping[5];
    } data = {{{1, 0, 0}, {0, 2, 0}}, {1, 2, 1, 0.5f, 1}, {0, 0, 1, 1, 0}};
    make_folder();
    put_tensors("{\"embeddings\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
                "\"weights\":{\"dtype\":\"F32\",\"shape\":[5],\"data_offsets\":[24,44]},"
                "\"mapping\":{\"dtype\":\"I32\",\"shape\":[5],\"data_offsets\":[44,64]}}",
                &data, sizeof(data));
    check_vector("car boat", 1, 0.5f, 0);
    remove_folder();
}

TEST(static_embedding_keeps_what_is_unknown)
{
    make_folder();
    put_tensors(
        "{\"embedding.weight\":{\"dtype\":\"F32\",\"shape\":[5,3],\"data_offsets\":[0,60]}}", table,
        sizeof(table));
    check_vector("xyz car", 2, 0.5f, 4.5f);
    put_text("modules.json", "[{\"type\":\"a.StaticEmbedding\"},{\"type\":\"b.Normalize\"}]");
    check_vector("car", 4 / sqrtf(17), 1 / sqrtf(17), 0);
    remove_folder();
}

TEST(what_follows_a_static_embedding_and_is_not_read_is_named)
{
    weft_encoder *encoder;
    weft_m_error error;
    make_folder();
    put_tensors(
        "{\"embedding.weight\":{\"dtype\":\"F32\",\"shape\":[5,3],\"data_offsets\":[0,60]}}", table,
        sizeof(table));
    put_text("modules.json", "[{\"type\":\"a.StaticEmbedding\"},{\"type\":\"b.Dense\"}]");
    CHECK_EQ(weft_encoder_open(&encoder, folder, NULL, &error), -WEFT_M_EMODEL);
    CHECK(strstr(error.message, "its module 'b.Dense' is not read behind static embeddings"));
    remove_folder();
}

TEST(static_embedding_has_its_default_prompt_before_every_text)
{
    static const char prompt[] = "{\"default_prompt_name\":\"q\",\"prompts\":{\"q\":\"boat \"}}";
    make_folder();
    put_text("config_sentence_transformers.json", prompt);
    check_vector("car", 4, 1, 0); /* model2vec knows no prompts */
    put_tensors(
        "{\"embedding.weight\":{\"dtype\":\"F32\",\"shape\":[5,3],\"data_offsets\":[0,60]}}", table,
        sizeof(table));
    check_vector("car", 1.5f, 2.5f, 0);
    check_vector("", -1, 4, 0);
    remove_folder();
}

static void check_refused(const char *wanted)
{
    weft_encoder *encoder;
    weft_m_error error;
    CHECK_EQ(weft_encoder_open(&encoder, folder, NULL, &error), -WEFT_M_EMODEL);
    note("%s", error.message);
    CHECK(strstr(error.message, wanted) != NULL);
}

/* As BERT's older directories have it; the settings must be there too, for nothing is guessed. */
TEST(a_model_may_have_a_vocab_txt_in_place_of_a_tokenizer_json)
{
    static const char config[] = "{\"unk_token\":\"?\",\"cls_token\":\"?\",\"sep_token\":\"?\"}";
    weft_encoder *encoder;
    weft_m_error error;
    make_folder();
    remove_one("tokenizer.json");
    CHECK_EQ(weft_encoder_open(&encoder, folder, NULL, &error), -WEFT_M_EMODEL);
    CHECK(strstr(error.message, "tokenizer.json") != NULL);
    put_text("vocab.txt", "?\ncar\nautomobile\nboat\n##s\n");
    CHECK_EQ(weft_encoder_open(&encoder, folder, NULL, &error), -WEFT_M_EMODEL);
    CHECK(strstr(error.message, "tokenizer_config.json") != NULL);
    put_text("tokenizer_config.json", config);
    check_vector("Cars boat", 3.5f / 3, 5.0f / 3, 0);
    put_text("added_tokens.json", "{}");
    CHECK_EQ(weft_encoder_open(&encoder, folder, NULL, &error), -WEFT_M_EMODEL);
    CHECK(strstr(error.message, "added_tokens.json") != NULL);
    remove_one("added_tokens.json");
    put_text("vocab.txt", "?\ncar\n");
    put_text("tokenizer_config.json", "{\"unk_token\":\"[UNK]\"}");
    CHECK_EQ(weft_encoder_open(&encoder, folder, NULL, &error), -WEFT_M_EMODEL);
    CHECK(strstr(error.message, "vocab.txt: ") != NULL);
    remove_folder();
}

/* It is there, so it is not called missing. */
TEST(a_file_of_a_model_that_cannot_be_read_is_named)
{
    static const char *const names[] = {"model.safetensors", "config.json", "tokenizer.json"};
    weft_encoder *encoder;
    weft_m_error error;
    char path[128], wanted[64];
    for (size_t i = 0; i < 3; i++) {
        make_folder();
        remove_one(names[i]);
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        snprintf(wanted, sizeof(wanted), ": %s: Is a directory", names[i]);
        CHECK_OK(mkdir(path, 0700));
        CHECK_EQ(weft_encoder_open(&encoder, folder, NULL, &error), -EISDIR);
        note("%s", error.message);
        CHECK(strstr(error.message, wanted) != NULL);
        CHECK_OK(rmdir(path));
    }
    remove_folder();
}

TEST(model_that_does_not_fit_together_is_refused)
{
    static const int64_t far[5] = {0, 1, 2, 3, 5};
    char bytes[sizeof(table) + sizeof(far)];
    make_folder();
    put_tensors("{\"embeddings\":{\"dtype\":\"F32\",\"shape\":[3,5],\"data_offsets\":[0,60]}}",
                table, sizeof(table));
    check_refused("tensor 'embeddings' has 3 rows, tokenizer.json ids up to 4");
    put_tensors("{\"x\":{\"dtype\":\"F32\",\"shape\":[5,3],\"data_offsets\":[0,60]}}", table,
                sizeof(table));
    check_refused("no static embeddings");
    memcpy(bytes, table, sizeof(table));
    memset(bytes + 28, 0xFF, sizeof(float)); /* NaN */
    put_tensors(TABLE_HEAD "}", bytes, sizeof(table));
    check_refused("tensor 'embeddings' has a number that is not finite");
    memcpy(bytes, table, sizeof(table));
    memcpy(bytes + sizeof(table), far, sizeof(far));
    put_tensors(TABLE_HEAD
                ",\"mapping\":{\"dtype\":\"I64\",\"shape\":[5],\"data_offsets\":[60,100]}}",
                bytes, sizeof(bytes));
    check_refused("outside the embeddings");
    put_tensors(TABLE_HEAD "}", table, sizeof(table) - 1);
    check_refused("model.safetensors: ");
    put_tensors(TABLE_HEAD "}", table, sizeof(table));
    put_text("config.json", "{\"normalize\":\"yes\"}");
    check_refused("config.json: its 'normalize'");
    remove_one("config.json");
    put_text("tokenizer.json", "{");
    check_refused("tokenizer.json: ");
    remove_folder();
    check_refused("it has no model.safetensors");
}

TEST(model_can_be_asked_for_fewer_numbers)
{
    weft_encoder_options options;
    weft_encoder *encoder;
    weft_str text = STR("boat");
    float out[2];
    make_folder();
    weft_encoder_options_init(&options);
    options.dimension = 2;
    CHECK_OK(weft_encoder_open(&encoder, folder, &options, NULL));
    CHECK_EQ(weft_encoder_dimension(encoder), 2);
    CHECK_OK(weft_encoder_encode(encoder, &text, 1, out));
    CHECK_NEAR(out[1], 4, 0);
    weft_encoder_unref(encoder);
    options.dimension = 4;
    weft_m_error error;
    CHECK_EQ(weft_encoder_open(&encoder, folder, &options, &error), -WEFT_M_EMODEL);
    CHECK(strstr(error.message, "have 3 numbers, fewer than the 4 asked for") != NULL);
    remove_folder();
}

/* ---- in a matcher ---- */

static const weft_m_entity vehicles[] = {
    {.id = WEFT_STR("C"), .name = WEFT_STR("car")},
    {.id = WEFT_STR("B"), .name = WEFT_STR("boat")},
};

static weft_matcher *open_matcher(const char *score_kind)
{
    weft_m_options options;
    weft_m_error error = {0};
    weft_matcher *matcher;
    weft_m_options_init(&options);
    options.model = str_of(folder);
    options.score_kind = str_of(score_kind);
    int rc = weft_m_open(&matcher, vehicles, 2, &options, &error);
    note("%s", error.message);
    CHECK_OK(rc);
    CHECK_OK(weft_m_fit(matcher, NULL, 0, NULL, NULL));
    return matcher;
}

static void check_match(weft_matcher *matcher, const char *text, const char *wanted)
{
    weft_text out;
    CHECK_OK(weft_m_match_json(matcher, str_of(text), NULL, &out, NULL));
    note("%s: %s", text, out.ptr);
    CHECK(strstr(out.ptr, wanted) != NULL);
    weft_text_free(&out);
}

TEST(dense_score_is_the_cosine_of_the_vectors)
{
    weft_m_info info = {.size = sizeof(info)};
    make_folder();
    weft_matcher *matcher = open_matcher("dense");
    check_match(matcher, "automobile", "{\"id\":\"C\",\"score\":0.976187,");
    check_match(matcher, "Car", "{\"id\":\"C\",\"score\":1.0,");
    check_match(matcher, "xyz", "null");
    CHECK_OK(weft_m_info_get(matcher, &info));
    CHECK_STR(info.model, folder);
    CHECK_STR(info.encoder, "static");
    CHECK_EQ(info.dimension, 3);
    weft_m_close(matcher);
    remove_folder();
}

TEST(fused_score_finds_by_letters_and_by_meaning)
{
    make_folder();
    weft_matcher *matcher = open_matcher("auto");
    check_match(matcher, "automobile", "\"id\":\"C\"");
    check_match(matcher, "car", "{\"id\":\"C\",\"score\":1.0,");
    check_match(matcher, "boatt", "\"id\":\"B\"");
    check_match(matcher, "xyz", "null");
    weft_m_close(matcher);
    remove_folder();
}

static weft_text explain(weft_matcher *matcher, const char *text)
{
    weft_text out;
    CHECK_OK(weft_m_explain_json(matcher, str_of(text), 5, &out, NULL));
    return out;
}

TEST(fused_score_says_when_it_is_by_meaning)
{
    make_folder();
    weft_matcher *matcher = open_matcher("fused");
    weft_text out = explain(matcher, "automobile");
    CHECK(strstr(out.ptr, "dense cosine") != NULL);
    weft_text_free(&out);
    out = explain(matcher, "car");
    CHECK(strstr(out.ptr, "dense cosine") == NULL);
    weft_text_free(&out);
    weft_m_close(matcher);
    remove_folder();
}

TEST(saved_matcher_wants_the_model_it_was_made_with)
{
    static const char *const kinds[] = {"dense", "fused"};
    char path[128];
    weft_m_error error;
    make_folder();
    snprintf(path, sizeof(path), "%s/m.weftm", folder);
    for (size_t i = 0; i < 2; i++) {
        weft_matcher *matcher = open_matcher(kinds[i]), *again;
        weft_text before = explain(matcher, "automobiles"), after;
        CHECK_OK(weft_m_save(matcher, path, NULL));
        CHECK_OK(weft_m_load(&again, path, NULL, &error));
        after = explain(again, "automobiles");
        CHECK_STR(before.ptr, after.ptr);
        weft_text_free(&before);
        weft_text_free(&after);
        weft_m_close(matcher);
        weft_m_close(again);
        float other[5][3];
        memcpy(other, table, sizeof(table));
        other[1][0] = 5;
        put_tensors(TABLE_HEAD "}", other, sizeof(other));
        CHECK_EQ(weft_m_load(&again, path, NULL, &error), -WEFT_M_EPERSIST);
        CHECK(strstr(error.message, "another model") != NULL);
        snprintf(path, sizeof(path), "%s/model.safetensors", folder);
        unlink(path);
        snprintf(path, sizeof(path), "%s/m.weftm", folder);
        CHECK_EQ(weft_m_load(&again, path, NULL, &error), -WEFT_M_EMODEL);
        put_tensors(TABLE_HEAD "}", table, sizeof(table));
        put_text("config.json", "{\"normalize\":true}"); /* the same numbers, other vectors */
        CHECK_EQ(weft_m_load(&again, path, NULL, &error), -WEFT_M_EPERSIST);
        CHECK(strstr(error.message, "another model") != NULL);
        remove_one("config.json");
    }
    remove_folder();
}

/* Files knew their model by a CRC once. */
TEST(a_file_that_does_not_have_the_sum_of_its_model_says_so)
{
    weft_m_error error;
    weft_bytes bytes;
    make_folder();
    weft_matcher *matcher = open_matcher("dense"), *again;
    wf_pack *pack = calloc(1, sizeof(*pack));
    wf_snapshot *snapshot = wf_matcher_snapshot(matcher);
    CHECK_OK(wf_matcher_pack(matcher, snapshot, NULL, pack));
    wf_snapshot_unref(snapshot);
    for (size_t i = 0; i < pack->count; i++) {
        if (pack->sections[i].tag == WF_TAG('M', 'O', 'D', 'H'))
            pack->sections[i].tag = WF_TAG('M', 'O', 'D', 'L');
    }
    CHECK_OK(wf_pack_make(pack, &bytes));
    CHECK_EQ(wf_matcher_of_bytes(&again, bytes.ptr, bytes.len, &error), -WEFT_M_EPERSIST);
    CHECK(strstr(error.message, "SHA-256") != NULL);
    weft_bytes_free(&bytes);
    wf_pack_fini(pack);
    free(pack);
    weft_m_close(matcher);
    remove_folder();
}

/* What has learnt needs the model for nothing until it is to forget. */
TEST(saved_matcher_that_has_learnt_loads_without_its_model)
{
    const weft_m_example examples[] = {{.text = STR("drives on a road"), .label = STR("C")},
                                       {.text = STR("needs a road"), .label = STR("C")},
                                       {.text = STR("swims on a lake"), .label = STR("B")},
                                       {.text = STR("has a sail"), .label = STR("B")}};
    char path[128];
    weft_m_fit_options fit;
    weft_m_fit_options_init(&fit);
    fit.mode = STR("head-only");
    make_folder();
    snprintf(path, sizeof(path), "%s/m.weftm", folder);
    weft_matcher *matcher = open_matcher("fused"), *again, *third;
    CHECK_OK(weft_m_fit(matcher, examples, 4, &fit, NULL));
    CHECK_OK(weft_m_save(matcher, path, NULL));
    put_text("tokenizer.json", "{}");
    CHECK_OK(weft_m_load(&again, path, NULL, NULL));
    check_match(again, "a road", "\"C\"");
    CHECK_OK(weft_m_save(again, path, NULL));
    CHECK_OK(weft_m_load(&third, path, NULL, NULL));
    check_match(third, "a sail", "\"B\"");
    fit.mode = STR("zero-shot");
    CHECK_EQ(weft_m_fit(third, NULL, 0, &fit, NULL), -WEFT_M_EMODEL);
    put_text("tokenizer.json", tokenizer);
    CHECK_OK(weft_m_fit(third, NULL, 0, &fit, NULL));
    check_match(third, "automobile", "\"C\"");
    weft_m_close(matcher);
    weft_m_close(again);
    weft_m_close(third);
    remove_folder();
}

/* A name whose tokens the model does not know has no vector, but it is that name. */
TEST(M72_dense_finds_a_name_that_the_model_knows_nothing_of)
{
    static const weft_m_entity names[] = {{.id = WEFT_STR("C"), .name = WEFT_STR("car")},
                                          {.id = WEFT_STR("B"), .name = WEFT_STR("boat")},
                                          {.id = WEFT_STR("X"), .name = WEFT_STR("Zyx")},
                                          {.id = WEFT_STR("Y"), .name = WEFT_STR("yxz")}};
    const weft_str text = STR("zyx");
    weft_m_options options;
    weft_matcher *matcher;
    weft_m_results *results;
    make_folder();
    weft_m_options_init(&options);
    options.model = str_of(folder);
    options.score_kind = STR("dense");
    CHECK_OK(weft_m_open(&matcher, names, 4, &options, NULL));
    check_match(matcher, "zyx", "\"id\":\"X\",\"score\":1.0");
    check_match(matcher, "yxz", "\"id\":\"Y\",\"score\":1.0");
    check_match(matcher, "zzz", "null");
    CHECK_OK(weft_m_novelty(matcher, &text, 1, NULL, &results, NULL));
    CHECK(weft_m_results_novelty(results, 0)->is_match);
    CHECK(!weft_m_results_novelty(results, 0)->is_novel);
    weft_m_results_free(results);
    weft_m_close(matcher);
    remove_folder();
}

static weft_matcher *open_missing(const char *model, const char *score_kind, const char *fallback)
{
    weft_m_options options;
    weft_m_error error = {0};
    weft_matcher *matcher;
    weft_m_options_init(&options);
    options.model = str_of(model);
    options.score_kind = str_of(score_kind);
    options.model_fallback = weft_str_of(fallback);
    int rc = weft_m_open(&matcher, vehicles, 2, &options, &error);
    note("%s", error.message);
    CHECK_OK(rc);
    return matcher;
}

static void check_missing(const char *model, const char *fallback, bool is_missing)
{
    weft_m_info info = {.size = sizeof(info)};
    weft_m_error error;
    weft_text text;
    weft_matcher *matcher = open_missing(model, "dense", fallback);
    int rc = weft_m_fit(matcher, NULL, 0, NULL, &error);
    CHECK_OK(weft_m_info_get(matcher, &info));
    CHECK_OK(weft_m_info_json(matcher, &text));
    CHECK_EQ(rc, is_missing ? 0 : -WEFT_M_EMODEL);
    CHECK_EQ(strstr(text.ptr, "\"missing_model\"") != NULL, is_missing);
    if (is_missing) {
        CHECK_STR(info.missing_model, model);
        CHECK_STR(info.model, "lexical");
        CHECK_STR(info.score_kind, "probability");
        check_match(matcher, "boats", "\"id\":\"B\"");
    }
    weft_text_free(&text);
    weft_m_close(matcher);
}

TEST(a_model_that_is_nowhere_is_done_without_if_that_is_allowed)
{
    unsetenv("WEFT_MODEL_FALLBACK");
    check_missing("/nowhere/at/all", NULL, false);
    check_missing("/nowhere/at/all", "none", false);
    check_missing("/nowhere/at/all", "lexical", true);
    check_missing("minilm", "lexical", true);
    check_missing("nomic", "lexical", false); /* it says why it is not read */
    setenv("WEFT_MODEL_FALLBACK", "lexical", 1);
    check_missing("/nowhere/at/all", NULL, true);
    check_missing("/nowhere/at/all", "none", false);
    make_folder();
    put_text("tokenizer.json", "{");
    check_missing(folder, "lexical", false); /* it is there, and broken */
    remove_folder();
    setenv("WEFT_MODEL_FALLBACK", "something", 1);
    weft_m_options options;
    weft_m_error error;
    weft_matcher *matcher;
    weft_m_options_init(&options);
    CHECK_EQ(weft_m_open(&matcher, vehicles, 2, &options, &error), -WEFT_M_EVALID);
    CHECK_STR(error.field, "");
    CHECK_STR(error.message, "WEFT_MODEL_FALLBACK must be 'lexical' or 'none', is 'something'");
    unsetenv("WEFT_MODEL_FALLBACK");
    options.model_fallback = STR("anything");
    CHECK_EQ(weft_m_open(&matcher, vehicles, 2, &options, &error), -WEFT_M_EVALID);
    CHECK_STR(error.field, "model_fallback");
    CHECK_STR(error.message, "model_fallback must be 'lexical' or 'none', is 'anything'");
}

/* Its vectors mean nothing without the model that made them. */
TEST(a_saved_matcher_is_not_loaded_without_its_model)
{
    char path[128];
    weft_m_options options;
    weft_m_error error;
    make_folder();
    snprintf(path, sizeof(path), "%s/m.weftm", folder);
    weft_matcher *matcher = open_matcher("fused");
    CHECK_OK(weft_m_save(matcher, path, NULL));
    weft_m_close(matcher);
    weft_m_options_init(&options);
    options.model = STR("/nowhere/at/all");
    options.model_fallback = STR("lexical");
    CHECK_EQ(weft_m_load(&matcher, path, &options, &error), -WEFT_M_EMODEL);
    CHECK_STR(error.field, "model");
    remove_folder();
}

TEST(scores_by_a_model_want_a_model)
{
    weft_m_options options;
    weft_m_error error;
    weft_matcher *matcher;
    weft_m_options_init(&options);
    options.score_kind = STR("dense");
    CHECK_EQ(weft_m_open(&matcher, vehicles, 2, &options, &error), -WEFT_M_EVALID);
    CHECK_STR(error.field, "score_kind");
    options.score_kind = (weft_str){0};
    options.model = STR("/nowhere/at/all");
    CHECK_OK(weft_m_open(&matcher, vehicles, 2, &options, &error)); /* loads nothing */
    CHECK_EQ(weft_m_fit(matcher, NULL, 0, NULL, &error), -WEFT_M_EMODEL);
    CHECK_STR(error.field, "model");
    weft_m_close(matcher);
}

/* ---- an encoder of one's own ---- */

struct own {
    int closed, calls, fails_at, fails_with;
    size_t text_count;
    float broken; /* in place of a number of the call that fails with 0 */
};

/* Letters counted in four groups. */
static int own_encode(void *self, const weft_str *texts, size_t count, float *out)
{
    struct own *own = self;
    bool fails = ++own->calls == own->fails_at;
    if (fails && own->fails_with != 0)
        return own->fails_with;
    own->text_count += count;
    memset(out, 0, count * 4 * sizeof(*out));
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < texts[i].len; k++)
            out[i * 4 + (size_t)texts[i].ptr[k] % 4] += 1;
    }
    if (fails)
        out[count * 4 - 1] = own->broken;
    return 0;
}

static void own_close(void *self)
{
    ((struct own *)self)->closed++;
}

static const weft_encoder_class own_class = {
    .size = sizeof(own_class), .kind = "own", .encode = own_encode, .close = own_close};

static weft_matcher *open_own(struct own *own)
{
    weft_m_options options;
    weft_encoder *encoder;
    weft_matcher *matcher;
    CHECK_OK(weft_encoder_new(&encoder, &own_class, "letters", 4, own));
    weft_m_options_init(&options);
    options.encoder = encoder;
    options.score_kind = STR("dense");
    CHECK_OK(weft_m_open(&matcher, vehicles, 2, &options, NULL));
    weft_encoder_unref(encoder);
    return matcher;
}

TEST(encoder_of_ones_own_is_asked_and_closed_once)
{
    struct own own = {0};
    weft_matcher *matcher = open_own(&own);
    check_match(matcher, "acr", "{\"id\":\"C\",\"score\":1.0,");
    CHECK_EQ(own.closed, 0);
    weft_m_close(matcher);
    CHECK_EQ(own.closed, 1);
}

TEST(encoder_is_asked_for_new_rows_only)
{
    static const weft_m_entity plane = {.id = WEFT_STR("P"), .name = WEFT_STR("plane")};
    const weft_str boat = STR("B");
    struct own own = {0};
    weft_matcher *matcher = open_own(&own);
    CHECK_OK(weft_m_fit(matcher, NULL, 0, NULL, NULL));
    CHECK_EQ(own.text_count, 2);
    CHECK_OK(weft_m_add(matcher, &plane, 1, NULL));
    CHECK_EQ(own.text_count, 3);
    CHECK_OK(weft_m_remove(matcher, &boat, 1, NULL));
    CHECK_EQ(own.text_count, 3);
    check_match(matcher, "plane", "{\"id\":\"P\",\"score\":1.0,");
    check_match(matcher, "car", "{\"id\":\"C\",\"score\":1.0,");
    weft_m_close(matcher);
}

TEST(encoder_that_fails_ends_the_call_and_nothing_else)
{
    struct own own = {.fails_at = 1, .fails_with = -WEFT_ELIMIT};
    weft_m_error error;
    weft_matcher *matcher = open_own(&own);
    weft_str query = STR("boat");
    weft_m_results *results;
    CHECK_EQ(weft_m_fit(matcher, NULL, 0, NULL, &error), -WEFT_ELIMIT);
    CHECK(strstr(error.message, "training") == NULL);
    own = (struct own){.fails_at = 2,
                       .fails_with = -EIO}; /* the rows are one call, the query the next */
    CHECK_EQ(weft_m_match(matcher, &query, 1, NULL, &results, &error), -EIO);
    check_match(matcher, "boat", "\"id\":\"B\"");
    weft_m_close(matcher);
    CHECK_EQ(own.closed, 1);
}

/* Not a text without a vector, which would be found by nobody and nobody would know why. */
TEST(encoder_whose_numbers_are_not_finite_ends_the_call)
{
    static const float broken[] = {NAN, INFINITY, -INFINITY};
    weft_str query = STR("boat");
    weft_m_results *results;
    weft_m_error error;
    for (size_t i = 0; i < 3; i++) {
        struct own own = {.fails_at = 1, .broken = broken[i]};
        weft_matcher *matcher = open_own(&own);
        CHECK_EQ(weft_m_fit(matcher, NULL, 0, NULL, &error), -WEFT_M_EMODEL);
        CHECK(strstr(error.message, "not finite") != NULL);
        own = (struct own){.fails_at = 2, .broken = broken[i]};
        CHECK_EQ(weft_m_match(matcher, &query, 1, NULL, &results, &error), -WEFT_M_EMODEL);
        check_match(matcher, "boat", "\"id\":\"B\"");
        weft_m_close(matcher);
    }
}

TEST(encoder_without_numbers_is_refused_and_closed)
{
    struct own own = {0};
    weft_encoder *encoder;
    CHECK_EQ(weft_encoder_new(&encoder, &own_class, "x", 0, &own), -EINVAL);
    CHECK_EQ(weft_encoder_new(&encoder, &own_class, "x", 1 << 20, &own), -EINVAL);
    CHECK_EQ(own.closed, 2);
}

/* ---- everything that can go wrong ---- */

/* Loading, the first fit and a match, cancelled and failed everywhere. */
WORK_SCENARIO(matcher_with_a_model_survives_every_failure)
{
    weft_m_options options;
    weft_matcher *matcher;
    weft_text out = {0};
    make_folder();
    weft_m_options_init(&options);
    options.model = str_of(folder);
    int rc = put_rc < 0 ? put_rc : weft_m_open(&matcher, vehicles, 2, &options, NULL);
    if (rc == 0) {
        rc = weft_m_match_json(matcher, STR("automobile"), NULL, &out, NULL);
        weft_text_free(&out);
        weft_m_close(matcher);
    }
    remove_folder();
    return rc;
}

WORK_SCENARIO(opening_a_model_survives_every_failure)
{
    weft_encoder *encoder;
    make_folder();
    int rc = put_rc < 0 ? put_rc : weft_encoder_open(&encoder, folder, NULL, NULL);
    if (rc == 0)
        weft_encoder_unref(encoder);
    remove_folder();
    return rc;
}
