/* SPDX-License-Identifier: MIT */

/* A saved matcher answers as the one that was saved; a bad file is refused, whatever is in it. */
#include "make.h"

#include "match/file/crc.h"
#include "match/file/sha256.h"
#include "match/matcher_priv.h"
#include "match/score/probability.h"
#include "match/train/head.h"

#include <float.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weft/exec.h>
#include <weft/file.h>
#include <weft/hierarchy.h>
#include <weft/novelty.h>
#include <weft/run.h>
#include <weft/sim.h>
#include <weft/task.h>

#define HEAD_BYTES 32u
#define ENTRY_BYTES 24u

static weft_matcher *open_with(const made *m, const char *score_kind)
{
    weft_m_options options;
    weft_matcher *matcher;
    weft_m_options_init(&options);
    options.score_kind = str_of(score_kind);
    options.threshold = 0.25f;
    CHECK_OK(weft_m_open(&matcher, m->entities, m->count, &options, NULL));
    return matcher;
}

static made make_rich(size_t count)
{
    dice d = {9};
    made m = make_random(&d, count, 8, 7, 3);
    for (size_t i = 0; i < count; i++) {
        m.entities[i].id_is_integer = i % 3 == 0;
        if (i % 5 == 0)
            m.entities[i].text = m.entities[(i + 1) % count].name;
        if (i % 7 == 0)
            m.entities[i].extra = STR("{\"level\":[1,2]}");
        if (i % 7 == 1)
            m.entities[i].extra = STR("{\"hierarchy\":{\"parents\":[0,\"7\"],\"weights\":{}}}");
    }
    if (count > 8)
        m.entities[8].name = STR("Straße 日本 Ελλάδα");
    return m;
}

enum { COUNT = 60 };

/* Everything a caller can see of some answers, as text. */
static weft_text some_answers_of(weft_matcher *matcher, size_t count)
{
    static char texts[COUNT][64];
    weft_str queries[COUNT];
    weft_m_query query;
    weft_text out;
    dice d = {77};
    weft_m_query_init(&query);
    query.top_k = 7;
    for (size_t i = 0; i < COUNT; i++)
        queries[i] = (weft_str){texts[i], make_name(&d, texts[i], 8, 7)};
    queries[0] = STR("strasse ελλαδα");
    CHECK_OK(weft_m_metadata_json(matcher, queries, count, &query, false, &out, NULL));
    return out;
}

static weft_text answers_of(weft_matcher *matcher)
{
    return some_answers_of(matcher, COUNT);
}

static void check_same(weft_matcher *a, weft_matcher *b)
{
    weft_text left = answers_of(a), right = answers_of(b);
    CHECK_EQ(left.len, right.len);
    CHECK(memcmp(left.ptr, right.ptr, left.len) == 0);
    weft_text_free(&left);
    weft_text_free(&right);
}

static char *scratch(const char *name)
{
    static char path[64];
    snprintf(path, sizeof(path), "/tmp/weft-persist-%d-%s", (int)getpid(), name);
    return path;
}

/* The bytes that save would write. */
static weft_bytes bytes_of(weft_matcher *matcher)
{
    weft_bytes bytes = {0};
    const char *path = scratch("bytes");
    CHECK_OK(weft_m_save(matcher, path, NULL));
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

/* ---- answers ---- */

TEST(a_loaded_matcher_answers_as_the_one_that_was_saved)
{
    static const char *const kinds[] = {"probability", "cosine"};
    static const size_t counts[] = {1, 2, 300};
    for (size_t i = 0; i < 6; i++) {
        note("%s, %zu entities", kinds[i % 2], counts[i / 2]);
        made m = make_rich(counts[i / 2]);
        weft_matcher *saved = open_with(&m, kinds[i % 2]), *loaded;
        char *path = scratch("same");
        CHECK_OK(weft_m_save(saved, path, NULL)); /* fits it */
        CHECK_OK(weft_m_load(&loaded, path, NULL, NULL));
        check_same(saved, loaded);
        weft_m_info info = {.size = sizeof(info)};
        CHECK_OK(weft_m_info_get(loaded, &info));
        CHECK(info.is_ready);
        CHECK(info.threshold == 0.25f);
        CHECK_EQ(strcmp(info.score_kind, kinds[i % 2]), 0);

        const weft_m_entity more = {.id = STR("new"), .name = STR("abba cabbage")};
        CHECK_OK(weft_m_add(saved, &more, 1, NULL));
        CHECK_OK(weft_m_add(loaded, &more, 1, NULL)); /* the file is not needed any more */
        check_same(saved, loaded);
        CHECK_OK(weft_m_save(loaded, path, NULL));
        weft_m_close(loaded);
        CHECK_OK(weft_m_load(&loaded, path, NULL, NULL));
        check_same(saved, loaded);
        weft_m_close(loaded);
        weft_m_close(saved);
        unlink(path);
        make_free(&m);
    }
}

TEST(a_loaded_matcher_knows_rows_that_are_initials)
{
    static const weft_str ecb[] = {{"ECB", 3}};
    static const weft_m_entity entities[] = {
        {.id = {"1", 1}, .name = {"Federal Bureau", 14}},
        {.id = {"2", 1}, .name = {"Frankfurt", 9}, .aliases = ecb, .alias_count = 1},
    };
    made m = {.entities = (weft_m_entity *)entities, .count = 2};
    weft_matcher *saved = open_with(&m, "probability"), *loaded;
    weft_str asked = STR("european central bank");
    weft_m_results *results;
    size_t count;
    char *path = scratch("initials");
    CHECK_OK(weft_m_save(saved, path, NULL));
    CHECK_OK(weft_m_load(&loaded, path, NULL, NULL));
    CHECK_OK(weft_m_match(loaded, &asked, 1, NULL, &results, NULL));
    const weft_m_hit *hits = weft_m_results_hits(results, 0, &count);
    CHECK_EQ(count, 1);
    CHECK(hits[0].entity == 1);
    weft_m_results_free(results);
    weft_m_close(saved);
    weft_m_close(loaded);
    unlink(path);
}

static weft_matcher *open_learnt(const made *m)
{
    weft_m_fit_options options;
    weft_matcher *matcher = open_with(m, "probability");
    weft_m_example examples[80];
    for (size_t i = 0; i < 80; i++) {
        size_t entity = i * 7 % m->count;
        examples[i] = (weft_m_example){.text = m->entities[(entity + i % 3) % m->count].name,
                                       .label = m->entities[entity].id,
                                       .is_none = i % 9 == 0};
    }
    weft_m_fit_options_init(&options);
    options.mode = STR("head-only");
    CHECK_OK(weft_m_fit(matcher, examples, 80, &options, NULL));
    return matcher;
}

TEST(a_matcher_that_has_learnt_is_saved_with_what_it_learnt_from)
{
    made m = make_rich(40);
    weft_matcher *saved = open_learnt(&m), *loaded;
    char *path = scratch("learnt");
    CHECK_OK(weft_m_save(saved, path, NULL));
    CHECK_OK(weft_m_load(&loaded, path, NULL, NULL));
    check_same(saved, loaded);
    const weft_m_entity more = {.id = STR("new"), .name = STR("abba cabbage")};
    CHECK_OK(weft_m_add(saved, &more, 1, NULL)); /* both learn again */
    CHECK_OK(weft_m_add(loaded, &more, 1, NULL));
    check_same(saved, loaded);
    weft_m_close(saved);
    weft_m_close(loaded);
    unlink(path);
    make_free(&m);
}

/* More rows than one segment of the index has. */
TEST(a_matcher_of_several_segments_is_saved)
{
    dice d = {15};
    made m = make_random(&d, 17000, 20, 9, 0);
    weft_matcher *saved = open_with(&m, "probability"), *loaded;
    char *path = scratch("large");
    CHECK_OK(weft_m_save(saved, path, NULL));
    CHECK_OK(weft_m_load(&loaded, path, NULL, NULL));
    check_same(saved, loaded);
    weft_m_close(saved);
    weft_m_close(loaded);
    unlink(path);
    make_free(&m);
}

TASK_TEST(a_task_saves_and_loads)
{
    made m = make_rich(40);
    weft_matcher *saved = open_with(&m, "probability"), *loaded;
    char *path = scratch("task");
    CHECK_OK(weft_m_save(saved, path, NULL));
    CHECK_OK(weft_m_load(&loaded, path, NULL, NULL));
    check_same(saved, loaded);
    weft_m_close(saved);
    weft_m_close(loaded);
    CHECK_OK(weft_unlink(path));
    make_free(&m);
}

/* ---- bad files ---- */

TEST(errors_of_files_say_which_and_why)
{
    weft_m_error error;
    weft_matcher *matcher;
    CHECK_EQ(weft_m_load(&matcher, "/nowhere/m.weftm", NULL, &error), -ENOENT);
    CHECK(strstr(error.message, "/nowhere/m.weftm") != NULL);
    CHECK_EQ(weft_m_load(&matcher, "/tmp", NULL, &error), -EISDIR);
    CHECK_EQ(weft_m_load(&matcher, "/dev/null", NULL, &error), -WEFT_M_EPERSIST);
    CHECK(strstr(error.message, "no file of a matcher") != NULL);
    made m = make_rich(3);
    weft_matcher *saved = open_with(&m, "probability");
    CHECK_EQ(weft_m_save(saved, "/nowhere/m.weftm", &error), -ENOENT);
    CHECK(strstr(error.message, "/nowhere/m.weftm") != NULL);
    weft_m_close(saved);
    make_free(&m);
}

/* Its head is looked at before the rest is brought into memory. */
TEST(a_file_of_a_terabyte_that_is_no_matcher_is_refused_at_once)
{
    char path[] = "/tmp/weft-huge-XXXXXX";
    weft_m_error error;
    weft_matcher *matcher;
    int fd = mkstemp(path);
    CHECK_GE(fd, 0);
    bool is_made = ftruncate(fd, (off_t)1 << 40) == 0; /* some disks have no such files */
    CHECK_OK(close(fd));
    if (is_made)
        CHECK_EQ(weft_m_load(&matcher, path, NULL, &error), -WEFT_M_EPERSIST);
    CHECK_OK(unlink(path));
}

static bool is_refused(const uint8_t *bytes, size_t count)
{
    static const wf_job job = {0};
    char reason[WF_REASON_BYTES] = "";
    const wf_image image = {.refs = 1, .bytes = bytes, .count = count};
    int rc = wf_image_check(&image, &job, reason);
    CHECK(rc == 0 || (rc == -WEFT_M_EPERSIST && reason[0] != '\0'));
    return rc < 0;
}

static size_t section_count(const uint8_t *bytes)
{
    uint32_t count;
    memcpy(&count, bytes + 12, sizeof(count));
    return count;
}

TEST(a_file_cut_off_anywhere_is_refused)
{
    made m = make_rich(2);
    weft_matcher *matcher = open_with(&m, "probability");
    weft_bytes bytes = bytes_of(matcher);
    CHECK(!is_refused((uint8_t *)bytes.ptr, bytes.len));
    for (size_t len = 0; len < bytes.len; len++)
        CHECK(is_refused((uint8_t *)bytes.ptr, len));
    free(bytes.ptr);
    weft_m_close(matcher);
    make_free(&m);
}

/* Each bit of the head and the table; of the rest, one in each run of 61 bytes. */
TEST(a_file_with_a_flipped_bit_is_refused)
{
    made m = make_rich(2);
    weft_matcher *matcher = open_with(&m, "cosine");
    weft_bytes bytes = bytes_of(matcher);
    uint8_t *at = (uint8_t *)bytes.ptr;
    size_t table = HEAD_BYTES + section_count(at) * ENTRY_BYTES;
    for (size_t i = 0; i < table * 8; i++) {
        note("bit %zu of the head", i);
        at[i / 8] ^= (uint8_t)(1u << i % 8);
        CHECK(is_refused(at, bytes.len));
        at[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    for (size_t i = table; i < bytes.len; i += 61) {
        note("byte %zu", i);
        at[i] ^= (uint8_t)(1u << i % 8);
        CHECK(is_refused(at, bytes.len));
        at[i] ^= (uint8_t)(1u << i % 8);
    }
    CHECK(!is_refused(at, bytes.len));
    free(bytes.ptr);
    weft_m_close(matcher);
    make_free(&m);
}

/* Makes every check sum right. */
static void seal(uint8_t *bytes)
{
    static const uint8_t zero[4] = {0};
    size_t count = section_count(bytes);
    for (size_t i = 0; i < count; i++) {
        uint8_t *entry = bytes + HEAD_BYTES + i * ENTRY_BYTES;
        uint64_t start, size;
        memcpy(&start, entry + 8, sizeof(start));
        memcpy(&size, entry + 16, sizeof(size));
        uint32_t crc = wf_crc32c(0, bytes + start, size);
        memcpy(entry + 4, &crc, sizeof(crc));
    }
    uint32_t crc = wf_crc32c(0, bytes, 24);
    crc = wf_crc32c(crc, zero, 4);
    crc = wf_crc32c(crc, bytes + 28, 4 + count * ENTRY_BYTES);
    memcpy(bytes + 24, &crc, sizeof(crc));
}

/* Changes one to three numbers of one section. */
static void spoil(dice *d, uint8_t *bytes)
{
    static const uint32_t values[] = {0,          1,          2,          0x7F,
                                      0xFFFF,     0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
                                      0x7F800000, 0x7FC00000, 0xFF7FFFFF};
    uint64_t start, size;
    do {
        uint8_t *entry = bytes + HEAD_BYTES + roll(d, section_count(bytes)) * ENTRY_BYTES;
        memcpy(&start, entry + 8, sizeof(start));
        memcpy(&size, entry + 16, sizeof(size));
    } while (size < 4);
    for (size_t n = 1 + roll(d, 3); n > 0; n--) {
        uint32_t value = roll(d, 2) == 0 ? values[roll(d, 11)] : (uint32_t)roll(d, 64);
        uint8_t *at = bytes + start + roll(d, size / 4) * 4;
        if (roll(d, 4) == 0)
            at[roll(d, 4)] ^= (uint8_t)(1u << roll(d, 8));
        else
            memcpy(at, &value, sizeof(value));
    }
}

/* Of a file that may say anything: answers, or a reason. */
static void try_hierarchy(weft_matcher *matcher)
{
    const weft_str text = STR("abba cabbage");
    weft_m_results *results;
    weft_m_error error;
    int rc = weft_m_hierarchy_match(matcher, &text, 1, NULL, &results, &error);
    if (rc == 0)
        weft_m_results_free(results);
    else
        CHECK(rc == -WEFT_M_EVALID && error.message[0] != '\0');
}

/* What a head's file was before it knew names: that part has another tag. */
static void make_old_file(weft_matcher *matcher, const wf_snapshot *snapshot, weft_bytes *out)
{
    wf_pack *pack = calloc(1, sizeof(*pack));
    size_t hidden = 0;
    CHECK_OK(wf_matcher_pack(matcher, snapshot, NULL, pack));
    for (size_t i = 0; i < pack->count; i++) {
        bool is_names = pack->sections[i].tag == WF_PROBABILITY_TAG;
        hidden += is_names;
        pack->sections[i].tag = is_names ? WF_TAG('N', 'O', 'N', 'E') : pack->sections[i].tag;
    }
    CHECK_EQ(hidden, 1);
    CHECK_OK(wf_pack_make(pack, out));
    wf_pack_fini(pack);
    free(pack);
}

/* It is made of the catalogue. */
TEST(a_file_of_before_heads_knew_names_answers_the_same)
{
    made m = make_rich(30);
    weft_matcher *matcher = open_learnt(&m), *loaded;
    wf_snapshot *snapshot = wf_matcher_snapshot(matcher);
    weft_bytes bytes;
    make_old_file(matcher, snapshot, &bytes);
    CHECK_OK(wf_matcher_of_bytes(&loaded, bytes.ptr, bytes.len, NULL));
    weft_text left = answers_of(matcher), right = answers_of(loaded);
    CHECK_STR(left.ptr, right.ptr);
    weft_text_free(&left);
    weft_text_free(&right);
    weft_bytes_free(&bytes);
    wf_snapshot_unref(snapshot);
    weft_m_close(loaded);
    weft_m_close(matcher);
    make_free(&m);
}

struct unwanted {
    weft_matcher *matcher;
    wf_scorer *like;
    wf_image *image;
    bool has_begun; /* atomic */
    int rc;         /* of the load: that of its task would be a cancelled one's anyway */
};

/* Nobody wants it any more when it begins. */
static int load_unwanted(void *arg)
{
    struct unwanted *it = arg;
    wf_scorer *scorer;
    CHECK_OK(wf_head_create(&scorer, it->like->cls, it->like->catalogue, NULL, NULL, NULL,
                            &it->matcher->options));
    __atomic_store_n(&it->has_begun, true, __ATOMIC_RELEASE);
    while (!weft_blocking_cancelled())
        sched_yield();
    it->rc = scorer->cls->load(scorer, it->image);
    wf_scorer_unref(scorer);
    return it->rc;
}

static int load_body(void *arg)
{
    return weft_run_cpu(load_unwanted, arg);
}

static int cancel_load(void *arg)
{
    struct unwanted *it = arg;
    weft_task task = weft_spawn(load_body, it);
    while (!__atomic_load_n(&it->has_begun, __ATOMIC_ACQUIRE))
        CHECK_OK(weft_yield());
    weft_cancel(task, "no more");
    CHECK_EQ(weft_await(task), -ECANCELED);
    return 0;
}

TEST(a_file_of_before_heads_knew_names_stops_loading_when_cancelled)
{
    made m = make_rich(30);
    struct unwanted it = {.matcher = open_learnt(&m)};
    wf_snapshot *snapshot = wf_matcher_snapshot(it.matcher);
    weft_bytes bytes;
    it.like = snapshot->scorer;
    make_old_file(it.matcher, snapshot, &bytes);
    CHECK_OK(wf_image_of(&it.image, bytes.ptr, bytes.len));
    CHECK_OK(weft_run(cancel_load, &it));
    CHECK_EQ(it.rc, -ECANCELED);
    wf_image_unref(it.image);
    weft_bytes_free(&bytes);
    wf_snapshot_unref(snapshot);
    weft_m_close(it.matcher);
    make_free(&m);
}

/* Check sums keep out accidents, not people: what is inside must be harmless too. */
TEST(a_file_made_up_with_right_sums_is_refused_or_answers)
{
    made m = make_rich(30);
    dice d = {51};
    for (size_t kind = 0; kind < 3; kind++) {
        weft_matcher *loaded, *matcher = kind == 2
                                             ? open_learnt(&m)
                                             : open_with(&m, kind == 0 ? "probability" : "cosine");
        weft_bytes bytes = bytes_of(matcher);
        uint8_t *copy = malloc(bytes.len);
        size_t refused = 0, rounds = 200; /* fuzz/match_file.c has millions */
        for (size_t round = 0; round < rounds; round++) {
            weft_m_error error;
            note("round %zu", round);
            memcpy(copy, bytes.ptr, bytes.len);
            spoil(&d, copy);
            seal(copy);
            int rc = wf_matcher_of_bytes(&loaded, copy, bytes.len, &error);
            refused += rc < 0;
            if (rc < 0) {
                CHECK(rc == -WEFT_M_EPERSIST);
                CHECK(error.message[0] != '\0');
                continue;
            }
            weft_text text = some_answers_of(loaded, 15);
            weft_text_free(&text);
            try_hierarchy(loaded);
            weft_m_close(loaded);
        }
        CHECK_GT(refused, rounds / 8);
        CHECK_GT(rounds, refused);
        free(copy);
        free(bytes.ptr);
        weft_m_close(matcher);
    }
    make_free(&m);
}

/* Fills a section with one value, and makes its check sum right. */
static void flood(weft_bytes *file, uint32_t tag, const void *value, size_t bytes)
{
    uint8_t *at = (uint8_t *)file->ptr;
    size_t i = 0;
    uint64_t start, size;
    while (memcmp(at + HEAD_BYTES + i * ENTRY_BYTES, &tag, sizeof(tag)) != 0)
        CHECK_LT(++i, section_count(at));
    memcpy(&start, at + HEAD_BYTES + i * ENTRY_BYTES + 8, sizeof(start));
    memcpy(&size, at + HEAD_BYTES + i * ENTRY_BYTES + 16, sizeof(size));
    for (uint64_t k = 0; k + bytes <= size; k += bytes)
        memcpy(at + start + k, value, bytes);
    seal(at);
}

/* The reciprocal of such a number is none: a histogram of the scores was written beside itself. */
TEST(a_file_whose_rows_are_endlessly_long_is_refused)
{
    const float tiny = 1e-40f;
    made m = make_rich(30);
    weft_matcher *loaded, *matcher = open_with(&m, "probability");
    weft_bytes bytes = bytes_of(matcher);
    flood(&bytes, WF_TAG('P', 'O', 'N', 'O'), &tiny, sizeof(tiny));
    CHECK_EQ(wf_matcher_of_bytes(&loaded, bytes.ptr, bytes.len, NULL), -WEFT_M_EPERSIST);
    free(bytes.ptr);
    weft_m_close(matcher);
    make_free(&m);
}

static weft_bytes bytes_with_novelty(const made *m)
{
    const weft_str strategies[] = {STR("calibrated"), STR("knn_distance")};
    weft_matcher *matcher = open_with(m, "probability");
    weft_m_novelty_options options;
    weft_m_novelty_options_init(&options);
    options.strategies = strategies;
    options.strategy_count = 2;
    CHECK_OK(weft_m_novelty_prepare(matcher, &options, NULL));
    weft_bytes bytes = bytes_of(matcher);
    weft_m_close(matcher);
    return bytes;
}

/* Of two strategies that are combined: sums beyond all numbers, and quarters of the least one, were
 * no numbers, and no pool of equal scores had an end. */
TEST(a_file_whose_novelty_scores_are_next_to_no_numbers_is_refused_or_answers)
{
    const weft_str texts[] = {STR("abba cabbage"), STR("a")},
                   both[] = {STR("calibrated"), STR("knn_distance")};
    const double greatest = DBL_MAX, least = 5e-324;
    made m = make_rich(30);
    weft_bytes bytes = bytes_with_novelty(&m);
    weft_matcher *loaded;
    weft_m_results *results;
    weft_m_novelty_options options;
    weft_m_novelty_options_init(&options);
    options.strategies = both;
    options.strategy_count = 2;
    flood(&bytes, WF_TAG('N', 'O', 'V', 'K'), &(double){0}, sizeof(double));
    flood(&bytes, WF_TAG('N', 'O', 'V', 'N'), &least, sizeof(least));
    CHECK_OK(wf_matcher_of_bytes(&loaded, bytes.ptr, bytes.len, NULL));
    CHECK_OK(weft_m_novelty(loaded, texts, 2, &options, &results, NULL));
    for (size_t i = 0; i < 2; i++)
        CHECK(weft_m_results_novelty(results, i)->novel_score >= 0);
    weft_m_results_free(results);
    weft_m_close(loaded);
    flood(&bytes, WF_TAG('N', 'O', 'V', 'N'), &greatest, sizeof(greatest));
    CHECK_EQ(wf_matcher_of_bytes(&loaded, bytes.ptr, bytes.len, NULL), -WEFT_M_EPERSIST);
    free(bytes.ptr);
    make_free(&m);
}

TEST(the_check_sum_is_that_of_the_standard)
{
    const char *digits = "123456789";
    uint8_t bytes[300];
    CHECK_EQ(wf_crc32c(0, digits, 9), 0xE3069283u); /* RFC 3720, B.4 has more */
    CHECK_EQ(wf_crc32c(wf_crc32c(0, digits, 4), digits + 4, 5), 0xE3069283u);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 37);
    for (size_t i = 0; i < sizeof(bytes); i++)
        CHECK_EQ(wf_crc32c(7, bytes, i), wf_crc32c_plain(7, bytes, i));
}

static void check_sha256(const char *text, size_t times, const char *expected)
{
    char hex[2 * WF_SHA256_BYTES + 1];
    uint8_t out[WF_SHA256_BYTES];
    wf_sha256 it;
    wf_sha256_init(&it);
    for (size_t i = 0; i < times; i++)
        wf_sha256_add(&it, text, strlen(text));
    wf_sha256_end(&it, out);
    for (size_t i = 0; i < sizeof(out); i++)
        snprintf(hex + 2 * i, 3, "%02x", out[i]);
    CHECK_STR(hex, expected);
}

/* The examples of FIPS 180-2, and both ways to compute it. */
TEST(the_sum_of_a_model_is_that_of_the_standard)
{
    check_sha256("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check_sha256("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
                 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    check_sha256("aaaaaaaaaa", 100000,
                 "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    static uint8_t bytes[100 * WF_SHA256_BLOCK];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * i >> 3);
    uint32_t plain[8] = {1, 2, 3}, best[8] = {1, 2, 3};
    wf_sha256_blocks_plain(plain, bytes, 100);
    wf_sha256_blocks(best, bytes, 100);
    CHECK(memcmp(plain, best, sizeof(plain)) == 0);
}

/* ---- ends in the middle of a save ---- */

/* Two matchers that are told apart by the number of their entities. */
static weft_matcher *matcher_of(made *m, size_t count)
{
    m->count = count;
    return open_with(m, "probability");
}

static void save_for_ever(weft_matcher *const matchers[2], const char *path)
{
    for (size_t i = 0;; i++) {
        if (weft_m_save(matchers[i % 2], path, NULL) < 0)
            _exit(1);
    }
}

/* How many entities it has. */
static uint64_t check_old_or_new(const char *path)
{
    weft_matcher *loaded;
    weft_m_info info = {.size = sizeof(info)};
    CHECK_OK(weft_m_load(&loaded, path, NULL, NULL));
    CHECK_OK(weft_m_info_get(loaded, &info));
    CHECK(info.entity_count == 20 || info.entity_count == 30);
    weft_m_close(loaded);
    return info.entity_count;
}

static void remove_temporary(const char *path)
{
    char command[200];
    snprintf(command, sizeof(command), "rm -f %s %s.tmp-*", path, path);
    CHECK_EQ(system(command), 0);
}

TEST(a_kill_in_the_middle_of_a_save_leaves_a_file_that_loads)
{
    made m = make_rich(30);
    weft_matcher *matchers[2] = {matcher_of(&m, 20), matcher_of(&m, 30)};
    char path[64];
    strcpy(path, scratch("kill"));
    CHECK_OK(weft_m_fit(matchers[1], NULL, 0, NULL, NULL));
    CHECK_OK(weft_m_save(matchers[0], path, NULL));
    dice d = {test_seed() + 2};
    enum { KILLS = 60 }; /* a thousand with --seeds 1000 --torture; a third are in a save */
    for (size_t round = 0; round < KILLS || (round < test_seed_count(KILLS) && test_has_time());
         round++) {
        pid_t child = fork();
        CHECK_GE(child, 0);
        if (child == 0)
            save_for_ever(matchers, path);
        usleep((useconds_t)roll(&d, 6000));
        kill(child, SIGKILL);
        int status;
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK(WIFSIGNALED(status)); /* and not that a save had failed */
        check_old_or_new(path);
    }
    remove_temporary(path);
    weft_m_close(matchers[0]);
    weft_m_close(matchers[1]);
    make_free(&m);
}

/* The simulated disk loses what was not synced, at any wait of a save. */
struct power {
    weft_matcher *matchers[2];
    weft_time after;
    size_t old, fresh;
};

static int save_body(void *arg)
{
    return weft_m_save(arg, "/tmp/power.weftm", NULL);
}

static int lose_power(void *arg)
{
    struct power *power = arg;
    CHECK_OK(weft_m_save(power->matchers[0], "/tmp/power.weftm", NULL));
    weft_task task = weft_spawn(save_body, power->matchers[1]);
    CHECK_OK(weft_sleep(power->after));
    bool is_done = weft_done(task, NULL) == 1;
    weft_cancel(task, "no power"); /* its next wait is its last */
    int saved = weft_await(task);
    CHECK(saved == 0 || saved == -ECANCELED);
    CHECK_OK(weft_sim_power_failure());
    uint64_t found = check_old_or_new("/tmp/power.weftm");
    power->old += found == 20;
    power->fresh += found == 30;
    CHECK(!is_done || found == 30); /* what was promised stays */
    return 0;
}

TEST(a_power_failure_in_the_middle_of_a_save_leaves_a_file_that_loads)
{
    made m = make_rich(30);
    struct power power = {.matchers = {matcher_of(&m, 20), matcher_of(&m, 30)}};
    for (uint64_t seed = 0; seed < 60; seed++) {
        const weft_sim_options options = {.seed = test_seed() + seed, .wait_ppm = 900000};
        power.after = (weft_time)(seed % 30) * 400 * WEFT_US;
        note("seed %llu", (unsigned long long)options.seed);
        CHECK_OK(weft_sim_run_with(&options, lose_power, &power));
    }
    CHECK_GT(power.old, 5);
    CHECK_GT(power.fresh, 5);
    weft_m_close(power.matchers[0]);
    weft_m_close(power.matchers[1]);
    make_free(&m);
}

/* A section is copied piece by piece: of one that nobody may read behind its beginning, a halted
 * save touches no more than that. */
TEST(a_halted_save_leaves_the_rest_of_a_section_alone)
{
    const int stop = -ECANCELED;
    const size_t readable = (size_t)8 << 20, all = (size_t)32 << 20;
    weft_bytes bytes;
    wf_pack *pack = calloc(1, sizeof(*pack));
    pack->job = (wf_job){.stop = &stop};
    char *section =
        mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(section != MAP_FAILED);
    CHECK_EQ(mprotect(section + readable, all - readable, PROT_NONE), 0);
    wf_pack_add(pack, WF_TAG('T', 'E', 'S', 'T'), section, all, 1);
    CHECK_EQ(wf_pack_make(pack, &bytes), -ECANCELED);
    wf_pack_fini(pack);
    free(pack);
    munmap(section, all);
}

/* Of a large matcher it is the sections that take long, before any byte is written. */
TEST(a_halted_save_fills_no_section)
{
    const int stop = -ECANCELED;
    made m = make_rich(30);
    weft_matcher *matcher = open_with(&m, "probability");
    weft_bytes bytes;
    CHECK_OK(weft_m_fit(matcher, NULL, 0, NULL, NULL));
    wf_snapshot *snapshot = wf_matcher_snapshot(matcher);
    wf_pack *pack = calloc(1, sizeof(*pack));
    pack->job = (wf_job){.stop = &stop};
    (void)wf_matcher_pack(matcher, snapshot, NULL, pack);
    for (size_t i = 0; i < pack->count; i++)
        CHECK(pack->sections[i].tag != WF_TAG('P', 'O', 'R', 'U')); /* the runs of the postings */
    CHECK_EQ(wf_pack_make(pack, &bytes), -ECANCELED);
    wf_pack_fini(pack);
    free(pack);
    wf_snapshot_unref(snapshot);
    weft_m_close(matcher);
    make_free(&m);
}

/* ---- everything that can go wrong ---- */

/* Whatever fails, what was saved is a file of a matcher. */
static int save_and_load(weft_matcher *matcher, const char *path)
{
    weft_matcher *loaded = NULL;
    weft_text text;
    int rc = weft_m_save(matcher, path, NULL);
    if (rc == 0)
        rc = weft_m_load(&loaded, path, NULL, NULL);
    CHECK_NE(rc, -WEFT_M_EPERSIST);
    if (rc == 0) {
        rc = weft_m_match_json(loaded, STR("abba"), NULL, &text, NULL);
        if (rc == 0)
            weft_text_free(&text);
        weft_m_close(loaded);
    }
    return rc;
}

/* In memory where there is some: it is saved hundreds of times, and a disk takes its time. */
static const char *quick_folder(void)
{
    bool is_real = strcmp(test_backend(), "sim") != 0;
    return is_real && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

/* Hybrid: a load makes its blocker anew. */
WORK_SCENARIO(saving_and_loading_survive_every_failure)
{
    char path[64];
    made m = make_rich(9);
    weft_m_options options;
    weft_matcher *matcher;
    weft_m_options_init(&options);
    options.mode = STR("hybrid");
    snprintf(path, sizeof(path), "%s/weft-persist-%d", quick_folder(), (int)getpid());
    int rc = weft_m_open(&matcher, m.entities, m.count, &options, NULL);
    if (rc == 0) {
        rc = save_and_load(matcher, path);
        weft_m_close(matcher);
    }
    unlink(path);
    make_free(&m);
    return rc;
}
