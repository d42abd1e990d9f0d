/* SPDX-License-Identifier: MIT */

/* The same matcher has the same file, byte for byte, whatever was in memory before: each is made
 * and saved twice, with other random keys and another filling of heap and stack. */
#include "make.h"

#include "base/checkers.h"

#include <malloc.h>
#include <unistd.h>
#include <weft/encoder.h>
#include <weft/novelty.h>
#include <weft/vec.h>

enum { ENTITIES = 20, EXAMPLES = 30, DIM = 26 };

/* ---- what was in memory before ---- */

static __attribute__((noinline)) void dirty_stack(int byte)
{
    char below[128 << 10];
    memset(below, byte, sizeof(below));
    __asm__ volatile("" : : "r"(below) : "memory");
}

/* The C library fills what it gives out and takes back, but for calloc. */
static void dirty(int byte)
{
    if (WF_HAS_ASAN)
        SKIP("ASan fills memory with one byte of its own");
    CHECK_EQ(mallopt(M_PERTURB, byte), 1);
    dirty_stack(byte);
}

/* ---- files ---- */

static char path[64];

static weft_bytes read_file(void)
{
    weft_bytes bytes = {0};
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    fseek(file, 0, SEEK_END);
    bytes.len = (size_t)ftell(file);
    rewind(file);
    bytes.ptr = malloc(bytes.len);
    CHECK_EQ(fread(bytes.ptr, 1, bytes.len, file), bytes.len);
    fclose(file);
    unlink(path);
    return bytes;
}

/* Makes something and saves it at `path`. */
typedef void saves(const made *m, const char *kind, int byte);

enum { FIRST_BYTE = 0x55, SECOND_BYTE = 0xAA };

static weft_bytes bytes_of(saves *save, const char *kind, int byte)
{
    dice d = {9};
    snprintf(path, sizeof(path), "/tmp/weft-bytes-%d", (int)getpid());
    made m = make_random(&d, ENTITIES, 8, 7, 3);
    save(&m, kind, byte);
    make_free(&m);
    return read_file();
}

static void check_same_bytes(saves *save, const char *kind)
{
    weft_bytes a = bytes_of(save, kind, FIRST_BYTE), b = bytes_of(save, kind, SECOND_BYTE);
    note("%s", kind);
    CHECK_GT(a.len, 0);
    CHECK_BYTES(a.ptr, a.len, b.ptr, b.len);
    free(a.ptr);
    free(b.ptr);
}

/* ---- matchers ---- */

static int count_letters(void *self, const weft_str *texts, size_t count, float *out)
{
    (void)self;
    memset(out, 0, count * DIM * sizeof(*out));
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < texts[i].len; k++) {
            char c = texts[i].ptr[k];
            if (c >= 'a' && c <= 'z')
                out[i * DIM + (size_t)(c - 'a')] += 1;
        }
    }
    return 0;
}

static const weft_encoder_class letters = {
    .size = sizeof(weft_encoder_class), .kind = "letters", .encode = count_letters};

static weft_matcher *open_with(const made *m, weft_m_options *options, int byte)
{
    weft_matcher *matcher;
    dirty(byte);
    CHECK_OK(weft_m_open(&matcher, m->entities, m->count, options, NULL));
    return matcher;
}

static void save_and_close(weft_matcher *matcher, int byte)
{
    dirty(byte);
    CHECK_OK(weft_m_save(matcher, path, NULL)); /* fits it, if nothing else did */
    weft_m_close(matcher);
}

static void save_scorer(const made *m, const char *kind, int byte)
{
    weft_m_options options;
    weft_m_options_init(&options);
    options.score_kind = str_of(kind);
    save_and_close(open_with(m, &options, byte), byte);
}

static void save_vectors(const made *m, const char *kind, int byte)
{
    weft_m_options options;
    weft_encoder *encoder;
    weft_m_options_init(&options);
    CHECK_OK(weft_encoder_new(&encoder, &letters, "letters", DIM, NULL));
    options.score_kind = str_of(kind);
    options.encoder = encoder;
    options.ann_rows_min = ENTITIES / 2; /* with a graph */
    save_and_close(open_with(m, &options, byte), byte);
    weft_encoder_unref(encoder);
}

static void save_hybrid(const made *m, const char *blocking, int byte)
{
    weft_m_options options;
    weft_m_options_init(&options);
    options.mode = STR("hybrid");
    options.blocking = str_of(blocking);
    save_and_close(open_with(m, &options, byte), byte);
}

static void save_learnt(const made *m, const char *mode, int byte)
{
    weft_m_example examples[EXAMPLES];
    weft_m_fit_options options;
    weft_m_options opening;
    weft_m_options_init(&opening);
    weft_matcher *matcher = open_with(m, &opening, byte);
    for (size_t i = 0; i < EXAMPLES; i++) {
        size_t entity = i * 7 % m->count;
        examples[i] = (weft_m_example){.text = m->entities[(entity + i % 3) % m->count].name,
                                       .label = m->entities[entity].id,
                                       .is_none = i % 9 == 0};
    }
    weft_m_fit_options_init(&options);
    options.mode = str_of(mode);
    options.num_epochs = 2;
    dirty(byte);
    CHECK_OK(weft_m_fit(matcher, examples, EXAMPLES, &options, NULL));
    save_and_close(matcher, byte);
}

static void save_detector(const made *m, const char *strategy, int byte)
{
    weft_m_options options;
    weft_m_options_init(&options);
    weft_matcher *matcher = open_with(m, &options, byte);
    weft_m_novelty_options novelty;
    weft_str strategies[] = {str_of(strategy)};
    weft_m_novelty_options_init(&novelty);
    novelty.strategies = strategies;
    novelty.strategy_count = 1;
    dirty(byte);
    CHECK_OK(weft_m_novelty_prepare(matcher, &novelty, NULL));
    save_and_close(matcher, byte);
}

static void save_store(const made *m, const char *kind, int byte)
{
    weft_vec *store;
    weft_vec_options options;
    float numbers[DIM];
    weft_vec_options_init(&options);
    options.kind = kind;
    dirty(byte);
    CHECK_OK(weft_vec_new(&store, DIM, &options, NULL));
    for (size_t i = 0; i < m->count; i++) {
        const weft_m_entity *entity = &m->entities[i];
        const weft_vec_tag tag = {STR("name"), entity->name};
        const weft_vec_item item = {
            .id = entity->id, .numbers = numbers, .tags = &tag, .tag_count = 1};
        CHECK_OK(count_letters(NULL, &entity->name, 1, numbers));
        dirty_stack(byte);
        CHECK_OK(weft_vec_put(store, &item, 1, NULL));
    }
    dirty(byte);
    CHECK_OK(weft_vec_save(store, path, NULL));
    weft_vec_free(store);
}

/* A file that was loaded is that of the matcher again. */
static void save_again(const made *m, const char *mode, int byte)
{
    weft_matcher *matcher;
    save_learnt(m, mode, byte);
    if (byte == FIRST_BYTE)
        return;
    dirty(byte);
    CHECK_OK(weft_m_load(&matcher, path, NULL, NULL));
    save_and_close(matcher, byte);
}

TEST(each_way_of_scoring_has_the_same_bytes)
{
    check_same_bytes(save_scorer, "probability");
    check_same_bytes(save_scorer, "cosine");
}

TEST(vectors_and_their_graph_have_the_same_bytes)
{
    check_same_bytes(save_vectors, "dense");
    check_same_bytes(save_vectors, "fused");
}

TEST(each_blocking_has_the_same_bytes)
{
    check_same_bytes(save_hybrid, "bm25");
    check_same_bytes(save_hybrid, "tfidf");
    check_same_bytes(save_hybrid, "ngram");
    check_same_bytes(save_hybrid, "fuzzy");
}

TEST(what_was_learnt_has_the_same_bytes)
{
    check_same_bytes(save_learnt, "head-only");
    check_same_bytes(save_learnt, "full");
    check_same_bytes(save_learnt, "bert");
    check_same_bytes(save_learnt, "auto");
    check_same_bytes(save_again, "head-only");
}

TEST(a_detector_of_the_new_has_the_same_bytes)
{
    check_same_bytes(save_detector, "calibrated");
    check_same_bytes(save_detector, "knn_distance");
}

TEST(a_store_of_vectors_has_the_same_bytes)
{
    check_same_bytes(save_store, "exact");
    check_same_bytes(save_store, "hnsw");
}
