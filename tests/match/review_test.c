/* SPDX-License-Identifier: MIT */

/* Reviews: their states, their file, whatever stands in it, and what becomes of it in a crash. */
#include "make.h"

#include "match/review/record.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weft/error.h>
#include <weft/file.h>
#include <weft/io.h>
#include <weft/review.h>
#include <weft/scope.h>
#include <weft/sim.h>
#include <weft/task.h>

static const weft_str texts[] = {
    {"where is my \"parcel\"", 20},
    {"the parcel is late\n", 19},
    {"parcel", 6},
    {"vegan lunch", 11},
    {"lunch on monday", 15},
};

/* Two clusters of these texts. */
static weft_m_discovery discovery_of(const char *id, weft_m_cluster clusters[2])
{
    static const uint32_t members[] = {0, 1, 2, 3, 4};
    static const weft_str keywords[] = {{"late", 4}, {"parcel", 6}};
    clusters[0] = (weft_m_cluster){.name = {"parcel", 6},
                                   .keywords = keywords,
                                   .keyword_count = 2,
                                   .members = members,
                                   .member_count = 3,
                                   .cohesion = 0.5};
    clusters[1] = (weft_m_cluster){
        .name = {"lunch", 5}, .members = members + 3, .member_count = 2, .cohesion = 1.5};
    weft_m_discovery it = {.clusters = clusters, .cluster_count = 2, .time = 1700000000};
    snprintf(it.id, sizeof(it.id), "%s", id);
    return it;
}

static const char *path_of(void)
{
    static char path[64];
    snprintf(path, sizeof(path), "/tmp/weft-review-%d.json", (int)getpid());
    unlink(path);
    return path;
}

static void drop(const char *path)
{
    char lock[80];
    snprintf(lock, sizeof(lock), "%s.lock", path);
    unlink(path);
    unlink(lock);
}

static weft_m_reviews *open_two(const char *path)
{
    weft_m_reviews *reviews;
    weft_m_cluster clusters[2];
    weft_m_discovery discovery = discovery_of("0123abcd", clusters);
    CHECK_OK(weft_m_reviews_open(&reviews, path, NULL));
    CHECK_OK(weft_m_reviews_add(reviews, &discovery, texts, NULL));
    return reviews;
}

static weft_matcher *open_matcher(void)
{
    const weft_m_entity entities[] = {{.id = STR("card"), .name = STR("lost card")}};
    weft_matcher *matcher;
    CHECK_OK(weft_m_open(&matcher, entities, 1, NULL, NULL));
    return matcher;
}

static char *content_of(const char *path)
{
    weft_bytes bytes;
    static char text[16384];
    FILE *file = fopen(path, "r");
    bytes.len = file != NULL ? fread(text, 1, sizeof(text) - 1, file) : 0;
    text[bytes.len] = '\0';
    if (file != NULL)
        fclose(file);
    return text;
}

TEST(M8_clusters_become_records_and_the_file_keeps_them)
{
    const char *path = path_of();
    weft_m_reviews *reviews = open_two(path), *again;
    weft_m_cluster clusters[2];
    weft_m_discovery discovery = discovery_of("0123abcd", clusters);
    size_t count;
    CHECK_OK(weft_m_reviews_add(reviews, &discovery, texts, NULL)); /* is there already */
    CHECK_OK(weft_m_reviews_open(&again, path, NULL));
    const weft_m_review *items = weft_m_reviews_list(again, &count);
    CHECK_EQ(count, 2);
    CHECK(weft_m_reviews_find(again, STR("0123abcd-1")) == &items[1]);
    CHECK(weft_m_reviews_find(again, STR("0123abcd-2")) == NULL);
    CHECK(items[1].confidence == 1);
    for (size_t i = 0; i < 2; i++) {
        weft_text a, b;
        CHECK_OK(weft_m_review_json(&items[i], &a));
        CHECK_OK(weft_m_review_json(&weft_m_reviews_list(reviews, &count)[i], &b));
        CHECK_STR(a.ptr, b.ptr);
        CHECK(strstr(a.ptr, "\"state\":\"pending_review\"") != NULL);
        CHECK(strstr(a.ptr, "\"reviewed_at\":null,\"promoted_at\":null}") != NULL);
        weft_text_free(&a);
        weft_text_free(&b);
    }
    CHECK(items[0].examples[0].len == 20 && items[0].examples[1].ptr[18] == '\n');
    weft_m_reviews_close(again);
    weft_m_reviews_close(reviews);
    drop(path);
}

/* Every way from every state; only those of the picture are open. */
TEST(M8_only_the_transitions_of_the_rules_are_made)
{
    static const struct {
        enum weft_m_review_state from, to;
        bool is_open;
    } ways[] = {
        {WEFT_M_REVIEW_PENDING, WEFT_M_REVIEW_APPROVED, true},
        {WEFT_M_REVIEW_PENDING, WEFT_M_REVIEW_REJECTED, true},
        {WEFT_M_REVIEW_PENDING, WEFT_M_REVIEW_PROMOTED, true},
        {WEFT_M_REVIEW_APPROVED, WEFT_M_REVIEW_APPROVED, false},
        {WEFT_M_REVIEW_APPROVED, WEFT_M_REVIEW_REJECTED, false},
        {WEFT_M_REVIEW_APPROVED, WEFT_M_REVIEW_PROMOTED, true},
        {WEFT_M_REVIEW_REJECTED, WEFT_M_REVIEW_APPROVED, false},
        {WEFT_M_REVIEW_REJECTED, WEFT_M_REVIEW_REJECTED, false},
        {WEFT_M_REVIEW_REJECTED, WEFT_M_REVIEW_PROMOTED, false},
        {WEFT_M_REVIEW_PROMOTED, WEFT_M_REVIEW_APPROVED, false},
        {WEFT_M_REVIEW_PROMOTED, WEFT_M_REVIEW_REJECTED, false},
        {WEFT_M_REVIEW_PROMOTED, WEFT_M_REVIEW_PROMOTED, false},
    };
    const char *path = path_of();
    const weft_str id = STR("0123abcd-0");
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        unlink(path);
        weft_m_reviews *reviews = open_two(path);
        weft_matcher *matcher = open_matcher();
        weft_m_promotion promotion;
        weft_m_error error;
        if (ways[i].from == WEFT_M_REVIEW_PROMOTED)
            CHECK_OK(weft_m_reviews_promote(reviews, id, NULL, matcher, NULL, &promotion, NULL));
        else if (ways[i].from != WEFT_M_REVIEW_PENDING)
            CHECK_OK(weft_m_reviews_decide(reviews, id, ways[i].from, "note", NULL));
        int rc = ways[i].to == WEFT_M_REVIEW_PROMOTED
                     ? weft_m_reviews_promote(reviews, id, NULL, matcher, NULL, &promotion, &error)
                     : weft_m_reviews_decide(reviews, id, ways[i].to, NULL, &error);
        const weft_m_review *it = weft_m_reviews_find(reviews, id);
        CHECK_EQ(rc, ways[i].is_open ? 0 : -WEFT_M_EVALID);
        CHECK_EQ(it->state, ways[i].is_open ? ways[i].to : ways[i].from);
        CHECK((it->promoted_at != 0) == (it->state == WEFT_M_REVIEW_PROMOTED));
        CHECK((it->reviewed_at != 0) == (it->state != WEFT_M_REVIEW_PENDING));
        CHECK(rc == 0 || strstr(error.message, "Invalid review state transition") != NULL);
        CHECK_EQ(weft_m_reviews_decide(reviews, id, WEFT_M_REVIEW_PENDING, NULL, &error),
                 -WEFT_M_EVALID);
        CHECK_EQ(weft_m_reviews_decide(reviews, STR("none"), ways[i].to, NULL, &error), -ENOENT);
        weft_m_close(matcher);
        weft_m_reviews_close(reviews);
    }
    drop(path);
}

/* Hybrid has learnt nothing, so nothing is to be learnt again. */
TEST(M8_promotion_keeps_notes_and_asks_for_training_only_where_there_was_any)
{
    const char *path = path_of();
    weft_m_reviews *reviews = open_two(path);
    weft_matcher *matcher = open_matcher();
    weft_m_promotion promotion;
    weft_m_fit_options fit;
    weft_m_fit_options_init(&fit);
    fit.mode = STR("hybrid");
    CHECK_OK(weft_m_fit(matcher, NULL, 0, &fit, NULL));
    const weft_str id = STR("0123abcd-0");
    CHECK_OK(
        weft_m_reviews_promote(reviews, id, "sold since May", matcher, NULL, &promotion, NULL));
    CHECK_EQ(promotion.entities_added, 1);
    CHECK(promotion.index_updated && !promotion.retrain_required);
    weft_m_reviews_close(reviews);
    CHECK_OK(weft_m_reviews_open(&reviews, path, NULL));
    const weft_m_review *it = weft_m_reviews_find(reviews, id);
    CHECK(it->notes.len == 14 && memcmp(it->notes.ptr, "sold since May", 14) == 0);
    weft_m_close(matcher);
    weft_m_reviews_close(reviews);
    drop(path);
}

/* Another entity has the id that the proposal's would get. */
TEST(M8_a_proposal_is_not_taken_for_an_entity_of_another_name)
{
    const char *path = path_of();
    weft_m_reviews *reviews = open_two(path);
    weft_matcher *matcher = open_matcher();
    weft_m_promotion promotion;
    weft_m_error error;
    const weft_m_entity other = {.id = STR("parcel"), .name = STR("a piece of land")};
    CHECK_OK(weft_m_add(matcher, &other, 1, NULL));
    CHECK_EQ(
        weft_m_reviews_promote(reviews, STR("0123abcd-0"), NULL, matcher, NULL, &promotion, &error),
        -WEFT_M_EVALID);
    CHECK_STR(error.field, "name");
    CHECK_EQ(weft_m_reviews_find(reviews, STR("0123abcd-0"))->state, WEFT_M_REVIEW_PENDING);
    weft_m_close(matcher);
    weft_m_reviews_close(reviews);
    drop(path);
}

TEST(M8_a_promoted_proposal_is_an_entity_and_is_found)
{
    const char *path = path_of();
    weft_m_reviews *reviews = open_two(path);
    weft_matcher *matcher = open_matcher();
    weft_m_promotion promotion;
    const weft_str query = STR("parcel");
    weft_m_results *results;
    size_t count;
    CHECK_OK(weft_m_match(matcher, &query, 1, NULL, &results, NULL));
    weft_m_results_free(results);
    CHECK_OK(
        weft_m_reviews_promote(reviews, STR("0123abcd-0"), NULL, matcher, NULL, &promotion, NULL));
    CHECK_EQ(promotion.entities_added, 1);
    CHECK(promotion.index_updated && !promotion.retrain_required);
    CHECK_OK(weft_m_match(matcher, &query, 1, NULL, &results, NULL));
    const weft_m_hit *hits = weft_m_results_hits(results, 0, &count);
    CHECK_EQ(count, 1);
    CHECK(hits[0].id.len == 6 && memcmp(hits[0].id.ptr, "parcel", 6) == 0);
    const weft_m_entity *entity = weft_m_results_entity(results, hits[0].entity);
    CHECK(memmem(entity->extra.ptr, entity->extra.len, "\"description\":\"3 texts about", 28) !=
          NULL);
    CHECK(memmem(entity->extra.ptr, entity->extra.len, "\"examples\":[", 12) != NULL);
    weft_m_results_free(results);

    /* As after a crash between the two files: the entity is there, the record does not know. */
    weft_m_reviews_close(reviews);
    unlink(path);
    reviews = open_two(path);
    CHECK_OK(
        weft_m_reviews_promote(reviews, STR("0123abcd-0"), NULL, matcher, NULL, &promotion, NULL));
    CHECK_EQ(promotion.entities_added, 0);

    /* But not for another proposal of this name. */
    weft_m_cluster clusters[2];
    weft_m_discovery other = discovery_of("ffff0000", clusters);
    CHECK_OK(weft_m_reviews_add(reviews, &other, texts, NULL));
    CHECK_EQ(
        weft_m_reviews_promote(reviews, STR("ffff0000-0"), NULL, matcher, NULL, &promotion, NULL),
        -WEFT_M_EVALID);
    weft_m_close(matcher);
    weft_m_reviews_close(reviews);
    drop(path);
}

/* ---- whatever stands in a file ---- */

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    fputs(text, file);
    fclose(file);
}

static int read_text(const char *text, size_t bytes, char *reason)
{
    wf_records records = {0};
    int rc = wf_records_read(&records, text, bytes, reason);
    wf_records_fini(&records);
    return rc;
}

TEST(M8_what_is_no_list_of_reviews_is_refused_and_stays_as_it_is)
{
    static const char *const bad[] = {"", "{}", "[1]", "[{}]", "[", "nothing", "[]]"};
    const char *path = path_of();
    weft_m_error error;
    weft_m_reviews *reviews;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        write_file(path, bad[i]);
        CHECK_EQ(weft_m_reviews_open(&reviews, path, &error), -WEFT_M_EPERSIST);
        CHECK(strstr(error.message, path) != NULL);
        CHECK_STR(content_of(path), bad[i]);
    }
    drop(path);
}

/* Each key missing, or of another kind, or beyond its limit. */
TEST(M8_every_key_of_a_record_is_checked)
{
    static const char *const swaps[][2] = {
        {"\"review_id\":\"0123abcd-0\"", "\"review_id\":7"},
        {"\"review_id\":\"0123abcd-0\"", "\"review_id\":\"\""},
        {"\"review_id\":\"0123abcd-0\"", "\"review_id\":\"0123abcd-1\""},
        {"\"discovery_id\":", "\"discovery\":"},
        {"\"proposal_index\":0", "\"proposal_index\":-1"},
        {"\"state\":\"pending_review\"", "\"state\":\"done\""},
        {"\"proposal\":{", "\"proposals\":{"},
        {"\"confidence\":0.5", "\"confidence\":1.5"},
        {"\"confidence\":0.5", "\"confidence\":1e999"},
        {"\"sample_count\":3", "\"sample_count\":99999999999"},
        {"\"example_samples\":[", "\"example_samples\":[7,"},
        {"\"keywords\":[\"late\",\"parcel\"]", "\"keywords\":null"},
        {"\"notes\":\"\"", "\"notes\":null"},
        {"\"promoted_at\":null", "\"promoted_at\":\"yesterday\""},
        {"\"promoted_at\":null", "\"promoted_at\":\"2026-02-30T00:00:00Z\""},
        {"\"promoted_at\":null", "\"promoted_at\":\"2026-02-20T24:00:00Z\""},
    };
    const char *path = path_of();
    weft_m_reviews_close(open_two(path));
    char reason[WF_RECORD_REASON_BYTES], good[8192], spoilt[8192];
    snprintf(good, sizeof(good), "%s", content_of(path));
    CHECK_OK(read_text(good, strlen(good), reason));
    for (size_t i = 0; i < sizeof(swaps) / sizeof(*swaps); i++) {
        const char *at = strstr(good, swaps[i][0]);
        CHECK(at != NULL);
        snprintf(spoilt, sizeof(spoilt), "%.*s%s%s", (int)(at - good), good, swaps[i][1],
                 at + strlen(swaps[i][0]));
        CHECK_EQ(read_text(spoilt, strlen(spoilt), reason), -WEFT_M_EPERSIST);
        CHECK(reason[0] != '\0');
    }
    drop(path);
}

TEST(M8_no_byte_of_a_file_does_harm)
{
    const char *path = path_of();
    weft_m_reviews_close(open_two(path));
    char reason[WF_RECORD_REASON_BYTES], text[8192];
    snprintf(text, sizeof(text), "%s", content_of(path));
    size_t bytes = strlen(text);
    dice d = {41};
    for (size_t i = 0; i < 2000; i++) {
        char copy[8192];
        memcpy(copy, text, bytes);
        for (size_t n = roll(&d, 4); n-- > 0;)
            copy[roll(&d, bytes)] = (char)roll(&d, 256);
        int rc = read_text(copy, roll(&d, 4) == 0 ? roll(&d, bytes) : bytes, reason);
        CHECK(rc == 0 || rc == -WEFT_M_EPERSIST);
    }
    drop(path);
}

/* ---- failures: the file is the old or the new one ---- */

static int approve(void)
{
    const char *file = path_of();
    weft_m_reviews *reviews = NULL;
    weft_m_cluster clusters[2];
    weft_m_discovery discovery = discovery_of("0123abcd", clusters);
    weft_m_error error;
    int rc = weft_m_reviews_open(&reviews, file, &error);
    if (rc == 0)
        rc = weft_m_reviews_add(reviews, &discovery, texts, &error);
    if (rc == 0)
        rc = weft_m_reviews_decide(reviews, STR("0123abcd-0"), WEFT_M_REVIEW_APPROVED, "yes",
                                   &error);
    /* What could not be saved has not been changed. */
    const weft_m_review *it =
        reviews != NULL ? weft_m_reviews_find(reviews, STR("0123abcd-0")) : NULL;
    CHECK(rc == 0 ? it != NULL && it->state == WEFT_M_REVIEW_APPROVED
                  : it == NULL || it->state == WEFT_M_REVIEW_PENDING);
    weft_m_reviews_close(reviews);
    drop(file);
    return rc;
}

SCENARIO(reviews_survive_every_failure)
{
    return approve();
}

/* ---- several at once ---- */

TEST(M8_two_stores_of_one_file_lose_no_change)
{
    const char *path = path_of();
    weft_m_reviews *one = open_two(path), *other;
    weft_m_cluster clusters[2];
    weft_m_discovery discovery = discovery_of("fedcba98", clusters);
    size_t count;
    CHECK_OK(weft_m_reviews_open(&other, path, NULL));
    CHECK_OK(weft_m_reviews_add(other, &discovery, texts, NULL));
    const weft_m_review *items = weft_m_reviews_list(one, &count);
    CHECK_EQ(count, 2); /* as it was read */
    CHECK_OK(weft_m_reviews_decide(one, items[0].review_id, WEFT_M_REVIEW_APPROVED, NULL, NULL));
    CHECK_EQ(weft_m_reviews_decide(other, STR("0123abcd-0"), WEFT_M_REVIEW_REJECTED, NULL, NULL),
             -WEFT_M_EVALID);
    items = weft_m_reviews_list(other, &count);
    CHECK_EQ(count, 4);
    CHECK_EQ(items[0].state, WEFT_M_REVIEW_APPROVED);
    weft_m_reviews_close(one);
    weft_m_reviews_close(other);
    drop(path);
}

TASK_TEST(M8_a_change_waits_for_that_of_another_process_and_then_names_it)
{
    const char *path = path_of();
    weft_m_reviews *reviews = open_two(path);
    weft_m_error error;
    char lock[80], said[160];
    snprintf(lock, sizeof(lock), "%s.lock", path);
    int fd = weft_open(lock, O_RDWR, 0);
    CHECK_OK(fd);
    CHECK_OK(weft_truncate(fd, 0));
    CHECK_EQ(weft_pwrite(fd, "4711\n", 5, 0), 5);
    if (flock(fd, LOCK_EX) == 0) { /* simulated files have none */
        CHECK_EQ(
            weft_m_reviews_decide(reviews, STR("0123abcd-0"), WEFT_M_REVIEW_APPROVED, NULL, &error),
            -EBUSY);
        snprintf(said, sizeof(said), "%s is being changed by process 4711", path);
        CHECK_STR(error.message, said);
    }
    CHECK_OK(weft_close(fd));
    CHECK_OK(weft_m_reviews_decide(reviews, STR("0123abcd-0"), WEFT_M_REVIEW_APPROVED, NULL, NULL));
    weft_m_reviews_close(reviews);
    CHECK_OK(weft_unlink(path));
    CHECK_OK(weft_unlink(lock));
}

static int open_lock(const char *path, int flags)
{
    char lock[80];
    snprintf(lock, sizeof(lock), "%s.lock", path);
    int fd = weft_open(lock, O_RDWR | flags, 0600);
    CHECK_OK(fd);
    return fd;
}

static bool is_there(const char *path)
{
    struct stat info;
    return weft_stat(path, &info) == 0;
}

TASK_TEST(M8_reviews_are_removed_with_their_matcher_in_their_turn)
{
    const char *path = path_of();
    char matcher[80], lock[80];
    weft_m_error error;
    snprintf(matcher, sizeof(matcher), "%s.weftm", path);
    snprintf(lock, sizeof(lock), "%s.lock", path);
    CHECK_OK(weft_m_reviews_remove(path, matcher, &error)); /* nothing is there */
    int first = open_lock(path, O_CREAT);                   /* the first review is on its way */
    if (flock(first, LOCK_EX) == 0) {                       /* simulated files have none */
        CHECK_EQ(weft_m_reviews_remove(path, matcher, &error), -EBUSY);
        CHECK(is_there(lock));
    }
    CHECK_OK(weft_close(first));
    CHECK_OK(weft_m_reviews_remove(path, matcher, &error));
    CHECK(!is_there(lock));
    weft_m_reviews *reviews = open_two(path);
    CHECK_OK(weft_file_save(matcher, "x", 1, 0600));
    int fd = open_lock(path, 0);
    if (flock(fd, LOCK_EX) == 0) { /* simulated files have none */
        CHECK_EQ(weft_m_reviews_remove(path, matcher, &error), -EBUSY);
        CHECK(is_there(path) && is_there(matcher) && is_there(lock));
    }
    CHECK_OK(weft_close(fd));
    CHECK_OK(weft_m_reviews_remove(path, matcher, &error));
    CHECK(!is_there(path) && !is_there(matcher) && !is_there(lock));

    /* Who had read them before does not write them back. */
    CHECK_EQ(weft_m_reviews_decide(reviews, STR("0123abcd-0"), WEFT_M_REVIEW_APPROVED, NULL, NULL),
             -ENOENT);
    CHECK(!is_there(path));
    weft_m_reviews_close(reviews);
    CHECK_OK(weft_unlink(lock));
}

static int approve_first(void *reviews)
{
    return weft_m_reviews_decide(reviews, STR("0123abcd-0"), WEFT_M_REVIEW_APPROVED, NULL, NULL);
}

/* The lock that was waited for is removed, and another one made and taken. */
TASK_TEST(M8_a_lock_whose_file_is_gone_is_nobodys)
{
    const char *path = path_of();
    weft_m_reviews *reviews = open_two(path);
    char lock[80];
    snprintf(lock, sizeof(lock), "%s.lock", path);
    int old = open_lock(path, 0);
    if (flock(old, LOCK_EX) == 0) { /* simulated files have none */
        weft_task waiting = weft_spawn(approve_first, reviews);
        CHECK_OK(weft_sleep(100 * WEFT_MS));
        CHECK_OK(weft_unlink(lock));
        int fresh = open_lock(path, O_CREAT);
        CHECK_OK(flock(fresh, LOCK_EX));
        CHECK_OK(flock(old, LOCK_UN));
        CHECK_EQ(weft_await(waiting), -EBUSY);
        CHECK_OK(weft_close(fresh));
    }
    CHECK_OK(weft_close(old));
    weft_m_reviews_close(reviews);
    CHECK_OK(weft_unlink(path));
    CHECK_OK(weft_unlink(lock));
}

/* ---- crashes ---- */

/* Two records for each of `count` discoveries; tells of each when it is there. */
static int add_many(const char *path, size_t first, size_t count, int told)
{
    weft_m_reviews *reviews;
    weft_m_cluster clusters[2];
    char id[9];
    WEFT_TRY(weft_m_reviews_open(&reviews, path, NULL));
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        snprintf(id, sizeof(id), "%08zx", first + i);
        weft_m_discovery discovery = discovery_of(id, clusters);
        rc = weft_m_reviews_add(reviews, &discovery, texts, NULL);
        if (rc == 0 && told >= 0)
            CHECK_EQ(write(told, "+", 1), 1);
    }
    weft_m_reviews_close(reviews);
    return rc;
}

/* How many discoveries are there, each whole. */
static size_t count_whole(const char *path)
{
    weft_m_reviews *reviews;
    size_t count;
    CHECK_OK(weft_m_reviews_open(&reviews, path, NULL));
    const weft_m_review *items = weft_m_reviews_list(reviews, &count);
    CHECK_EQ(count % 2, 0);
    for (size_t i = 0; i < count; i++)
        CHECK_EQ(items[i].proposal_index, i % 2);
    weft_m_reviews_close(reviews);
    return count / 2;
}

/* The kernel may hold the files of a process with io_uring a moment longer than the process is
 * there; and the clock of tests does not wait for it. */
static void wait_for_lock(const char *path)
{
    char lock[80];
    snprintf(lock, sizeof(lock), "%s.lock", path);
    int fd = open(lock, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return; /* it had not come so far */
    CHECK_OK(flock(fd, LOCK_EX));
    close(fd);
}

TEST(M8_a_kill_at_any_point_loses_nothing_and_leaves_no_half)
{
    const char *path = path_of();
    size_t there = 0;
    dice d = {99};
    for (int lives = 0; lives < 30; lives++) {
        char told[64];
        int pipes[2];
        CHECK_OK(pipe(pipes));
        pid_t pid = fork();
        if (pid == 0)
            _exit(add_many(path, there, sizeof(told), pipes[1]) == 0 ? 0 : 1);
        close(pipes[1]);
        size_t heard = roll(&d, 3);
        for (size_t i = 0; i < heard; i++)
            CHECK_EQ(read(pipes[0], told, 1), 1);
        usleep((useconds_t)roll(&d, 600));
        kill(pid, SIGKILL);
        CHECK_EQ(waitpid(pid, NULL, 0), pid);
        wait_for_lock(path);
        for (ssize_t more; (more = read(pipes[0], told, sizeof(told))) > 0;)
            heard += (size_t)more;
        close(pipes[0]);
        size_t now = count_whole(path);
        CHECK_GE(now, there + heard);
        CHECK_LE(now, there + heard + 1); /* made, and not told any more */
        there = now;
    }
    CHECK_GT(there, 20);
    char pattern[96];
    snprintf(pattern, sizeof(pattern), "rm -f %s.tmp-*", path);
    CHECK_OK(system(pattern));
    drop(path);
}

struct power {
    weft_time after;
    size_t told;
};

static int add_until_dark(void *arg)
{
    struct power *power = arg;
    for (; power->told < 1000; power->told++)
        WEFT_TRY(add_many("/tmp/reviews.json", power->told, 1, -1));
    return 0;
}

static int lose_power(void *arg)
{
    struct power *power = arg;
    for (int lives = 0; lives < 3; lives++) {
        weft_task task = weft_spawn(add_until_dark, power);
        CHECK_OK(weft_sleep(power->after));
        weft_cancel(task, "no power");
        CHECK_EQ(weft_await(task), -ECANCELED);
        CHECK_OK(weft_sim_power_failure());
        size_t there = count_whole("/tmp/reviews.json");
        CHECK_GE(there, power->told);
        CHECK_LE(there, power->told + 1);
        power->told = there;
    }
    return 0;
}

TEST(M8_a_power_failure_loses_no_review_and_leaves_no_half)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct power power = {.after = (weft_time)(seed * 331 + 50) * WEFT_US};
        const weft_sim_options options = {.seed = test_seed() + seed, .wait_ppm = 500000};
        note("seed %llu", (unsigned long long)options.seed);
        CHECK_OK(weft_sim_run_with(&options, lose_power, &power));
    }
}
