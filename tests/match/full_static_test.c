/* SPDX-License-Identifier: MIT */

/* Mode full with a static model: the rows of its tokens are what is learnt.  The model here knows
 * which words are of a kind, and no two texts share a word, so nothing else can. */
#include "make.h"

#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weft/encoder.h>

enum { LABELS = 3, WORDS = 12, EACH = 8, DIM = 8, TOKENS = LABELS * WORDS + 1 };

/* Word w of label l is token 1 + l * WORDS + w; the first EACH of a label are shown. */
static char words[TOKENS][12];
static float table[TOKENS][DIM];
static char folder[64];

static void put(const char *name, const void *bytes, size_t count)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL);
    CHECK_EQ(fwrite(bytes, 1, count, file), count);
    fclose(file);
}

static void put_tokenizer(void)
{
    char text[2048];
    size_t used = (size_t)snprintf(text, sizeof(text),
                                   "{\"added_tokens\":[],\"normalizer\":null,\"pre_tokenizer\":"
                                   "{\"type\":\"BertPreTokenizer\"},\"model\":{\"type\":"
                                   "\"WordPiece\",\"unk_token\":\"?\",\"vocab\":{\"?\":0");
    for (size_t i = 1; i < TOKENS; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, ",\"%s\":%zu", words[i], i);
    used += (size_t)snprintf(text + used, sizeof(text) - used, "}}}");
    CHECK(used < sizeof(text));
    put("tokenizer.json", text, used);
}

static void put_table(void)
{
    char file[8 + 128 + sizeof(table)] = {0};
    int head = snprintf(file + 8, 128,
                        "{\"embeddings\":{\"dtype\":\"F32\",\"shape\":[%d,%d],\"data_offsets\":"
                        "[0,%zu]}}",
                        (int)TOKENS, (int)DIM, sizeof(table));
    file[0] = (char)head;
    memcpy(file + 8 + head, table, sizeof(table));
    put("model.safetensors", file, 8 + (size_t)head + sizeof(table));
}

/* Words of random letters; those of a label lie around a corner of the space. */
static void make_model(void)
{
    dice d = {2024};
    for (size_t i = 1; i < TOKENS; i++) {
        for (size_t c = 0; c < 8; c++)
            words[i][c] = (char)('a' + roll(&d, 26));
        for (size_t k = 0; k < DIM; k++)
            table[i][k] = ((float)roll(&d, 1000) / 500 - 1) * 0.6f;
        table[i][(i - 1) / WORDS] += 1;
    }
    snprintf(folder, sizeof(folder), "/tmp/weft-full-%d", (int)getpid());
    mkdir(folder, 0700);
    put_tokenizer();
    put_table();
}

static void remove_model(void)
{
    static const char *const names[] = {"tokenizer.json", "model.safetensors", "m.weftm"};
    char path[128];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

/* Names that the model knows nothing of. */
static const weft_m_entity labels[LABELS] = {
    {.id = WEFT_STR("L0"), .name = WEFT_STR("qqq")},
    {.id = WEFT_STR("L1"), .name = WEFT_STR("xxx")},
    {.id = WEFT_STR("L2"), .name = WEFT_STR("zzz")},
};

static weft_matcher *open_labels(void)
{
    weft_matcher *matcher;
    weft_m_options options;
    weft_m_error error = {0};
    weft_m_options_init(&options);
    options.model = str_of(folder);
    int rc = weft_m_open(&matcher, labels, LABELS, &options, &error);
    note("%s", error.message);
    CHECK_OK(rc);
    return matcher;
}

static int fit(weft_matcher *matcher, weft_m_error *error)
{
    weft_m_example examples[LABELS * EACH];
    weft_m_fit_options options;
    for (size_t i = 0; i < LABELS * EACH; i++)
        examples[i] = (weft_m_example){.text = str_of(words[1 + i / EACH * WORDS + i % EACH]),
                                       .label = labels[i / EACH].id};
    weft_m_fit_options_init(&options);
    options.mode = STR("full");
    return weft_m_fit(matcher, examples, LABELS * EACH, &options, error);
}

static weft_matcher *fit_labels(void)
{
    weft_matcher *matcher = open_labels();
    weft_m_error error = {0};
    int rc = fit(matcher, &error);
    note("%s", error.message);
    CHECK_OK(rc);
    return matcher;
}

static weft_text answers_of(weft_matcher *matcher)
{
    weft_str texts[TOKENS + 2];
    weft_m_query query;
    weft_text out;
    weft_m_query_init(&query);
    query.threshold = 0;
    query.top_k = LABELS;
    for (size_t i = 0; i < TOKENS; i++)
        texts[i] = str_of(words[i]); /* the first is empty */
    texts[TOKENS] = STR("unknown altogether");
    texts[TOKENS + 1] = STR("qqq");
    CHECK_OK(weft_m_batch_json(matcher, texts, TOKENS + 2, &query, 16, &out, NULL));
    return out;
}

/* Of the words that were not shown, how many have their label. */
static size_t right_of(weft_matcher *matcher)
{
    weft_m_query query;
    size_t right = 0, count;
    weft_m_query_init(&query);
    query.threshold = 0;
    for (size_t i = 0; i < LABELS * WORDS; i++) {
        weft_m_results *results;
        weft_str text = str_of(words[1 + i]);
        if (i % WORDS < EACH)
            continue;
        CHECK_OK(weft_m_match(matcher, &text, 1, &query, &results, NULL));
        const weft_m_hit *hits = weft_m_results_hits(results, 0, &count);
        right += count != 0 && hits[0].entity == i / WORDS;
        weft_m_results_free(results);
    }
    return right;
}

TEST(full_learns_from_the_rows_of_a_static_model_what_letters_cannot_say)
{
    weft_m_info info = {.size = sizeof(info)};
    make_model();
    weft_matcher *matcher = fit_labels();
    CHECK_OK(weft_m_info_get(matcher, &info));
    note("of %d: head %d, full %d, unseen %zu", (int)info.trial.held_out,
         (int)info.trial.head_only.right, (int)info.trial.full.right, right_of(matcher));
    CHECK_STR(info.active_mode, "full");
    CHECK_GT(info.trial.full.right, info.trial.head_only.right);
    CHECK_GE(right_of(matcher), LABELS * (WORDS - EACH) - 2);
    weft_m_close(matcher);
    remove_model();
}

TEST(full_leaves_the_model_of_others_as_it_was)
{
    float before[TOKENS - 1][DIM], after[TOKENS - 1][DIM];
    weft_str texts[TOKENS - 1];
    weft_encoder *encoder;
    weft_matcher *matcher;
    weft_m_options options;
    make_model();
    for (size_t i = 0; i + 1 < TOKENS; i++)
        texts[i] = str_of(words[i + 1]);
    CHECK_OK(weft_encoder_open(&encoder, folder, NULL, NULL));
    CHECK_OK(weft_encoder_encode(encoder, texts, TOKENS - 1, before[0]));
    weft_m_options_init(&options);
    options.encoder = encoder;
    CHECK_OK(weft_m_open(&matcher, labels, LABELS, &options, NULL));
    CHECK_OK(fit(matcher, NULL));
    CHECK_OK(weft_encoder_encode(encoder, texts, TOKENS - 1, after[0]));
    CHECK(memcmp(before, after, sizeof(before)) == 0);
    weft_m_close(matcher);
    weft_encoder_unref(encoder);
    remove_model();
}

TEST(full_of_a_static_model_is_the_same_each_time_and_out_of_its_file)
{
    char path[128];
    weft_matcher *c;
    weft_m_error error;
    make_model();
    weft_matcher *a = fit_labels(), *b = fit_labels();
    snprintf(path, sizeof(path), "%s/m.weftm", folder);
    CHECK_OK(weft_m_save(a, path, NULL));
    CHECK_OK(weft_m_load(&c, path, NULL, NULL));
    weft_text texts[] = {answers_of(a), answers_of(b), answers_of(c)};
    CHECK_STR(texts[0].ptr, texts[1].ptr);
    CHECK_STR(texts[0].ptr, texts[2].ptr);
    for (size_t i = 0; i < 3; i++)
        weft_text_free(&texts[i]);
    weft_m_close(a);
    weft_m_close(b);
    weft_m_close(c);

    /* Rows that were not learnt are the model's, so it must be the same model. */
    table[TOKENS - 1][0] += 1;
    put_table();
    CHECK_EQ(weft_m_load(&c, path, NULL, &error), -WEFT_M_EPERSIST);
    CHECK(strstr(error.message, "another model") != NULL);
    remove_model();
}

/* Nothing to learn from but letters: it says so, and answers. */
TEST(full_of_a_model_that_knows_no_word_is_a_head)
{
    weft_m_example examples[LABELS * 3];
    weft_m_fit_options options;
    weft_m_info info = {.size = sizeof(info)};
    static const char *const texts[] = {"red rose",   "red ruby",   "red wine",
                                        "blue sky",   "blue sea",   "blue whale",
                                        "green leaf", "green frog", "green pea"};
    make_model();
    weft_matcher *matcher = open_labels();
    for (size_t i = 0; i < LABELS * 3; i++)
        examples[i] = (weft_m_example){.text = str_of(texts[i]), .label = labels[i / 3].id};
    weft_m_fit_options_init(&options);
    options.mode = STR("full");
    CHECK_OK(weft_m_fit(matcher, examples, LABELS * 3, &options, NULL));
    CHECK_OK(weft_m_info_get(matcher, &info));
    CHECK_STR(info.active_mode, "head-only");
    weft_m_close(matcher);
    remove_model();
}
