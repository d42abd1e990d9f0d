/* SPDX-License-Identifier: MIT */

/* Rules E05, G06, T08: texts of errors, on all ways they travel, and lists of errors. */

#include "harness/harness.h"

#include <weft.h>
#include <weft/file.h>
#include <weft/io.h>

#include "base/sys.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

static int body_fine(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_MS);
}

static int body_fails(void *arg)
{
    WEFT_TRY(weft_sleep(WEFT_MS));
    return weft_fail(-EIO, "disk %d is on fire", *(int *)arg);
}

static int body_fails_silently(void *arg)
{
    (void)arg;
    return -EIO;
}

static int body_serves(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_FOREVER);
}

static int body_ends_badly(void *arg)
{
    (void)arg;
    return weft_fail(-EPIPE, "the last words could not be sent");
}

static int disk = 3;
static const char wanted[] = "disk 3 is on fire";

/* ---- the ways ---- */

static int by_await(void)
{
    return weft_await(weft_spawn(body_fails, &disk));
}

static int by_await_of_one_that_is_done(void)
{
    weft_task task = weft_spawn(body_fails, &disk);
    CHECK_OK(weft_sleep(WEFT_SEC));
    return weft_await(task);
}

static int by_await_for(void)
{
    return weft_await_for(weft_spawn(body_fails, &disk), WEFT_SEC);
}

static int by_wait_for(void)
{
    return weft_wait_for(body_fails, &disk, WEFT_SEC);
}

static int by_gather(void)
{
    return weft_gather(weft_spawn(body_fine, NULL), weft_spawn(body_fails, &disk));
}

static int by_race(void)
{
    return weft_race(weft_spawn(body_fails_silently, NULL), weft_spawn(body_fails, &disk));
}

static int by_map(void)
{
    int disks[] = {disk, disk};
    return weft_map_limit(body_fails, disks, 2, 1);
}

static int by_group(void)
{
    WEFT_GROUP(group);
    CHECK_OK(weft_group_spawn(group, body_fails, &disk));
    return weft_group_wait(group);
}

/* Waiting for the group afterwards is a join that succeeds, and leaves the text. */
static int by_group_start(void)
{
    WEFT_GROUP(group);
    int rc = weft_group_start(group, body_fails, &disk);
    CHECK_STR(weft_error_text(), wanted);
    CHECK_OK(weft_group_wait(group));
    return rc;
}

static int by_done(void)
{
    weft_task task = weft_spawn(body_fails, &disk);
    int rc = 0;
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(weft_done(task, &rc), 1);
    return rc;
}

static int by_select(void)
{
    weft_event never = {0};
    int rc = 0;
    CHECK_EQ(
        weft_select(WEFT_CASE_EVENT(&never), WEFT_CASE_DONE(weft_spawn(body_fails, &disk), &rc)),
        1);
    return rc;
}

static int by_select_of_one_that_is_done(void)
{
    weft_task task = weft_spawn(body_fails, &disk);
    int rc = 0;
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(weft_select(WEFT_CASE_DONE(task, &rc)), 0);
    return rc;
}

static int by_nested_run(void)
{
    return weft_run(body_fails, &disk);
}

static int yields_once_and_fails(weft_gen *self, void *arg)
{
    WEFT_TRY(weft_gen_yield(self, (int *)arg));
    return body_fails(arg);
}

static int by_generator(void)
{
    int rc, value;
    weft_foreach(rc, value, weft_gen_open(yields_once_and_fails, &disk)) continue;
    return rc;
}

static int blocking_body(void *arg)
{
    return weft_fail(-EIO, "disk %d is on fire", *(int *)arg);
}

static int by_blocking_body(void)
{
    return weft_run_blocking(blocking_body, &disk);
}

static const struct {
    const char *name;
    int (*way)(void);
} ways[] = {
    {"await", by_await},
    {"await of a done task", by_await_of_one_that_is_done},
    {"await_for", by_await_for},
    {"wait_for", by_wait_for},
    {"gather", by_gather},
    {"race", by_race},
    {"map", by_map},
    {"group", by_group},
    {"group start", by_group_start},
    {"done", by_done},
    {"select", by_select},
    {"select of a done task", by_select_of_one_that_is_done},
    {"run", by_nested_run},
    {"generator", by_generator},
    {"blocking body", by_blocking_body},
};

/* Two tasks away, too. */
static int body_takes_way(void *arg)
{
    return ways[*(size_t *)arg].way();
}

TASK_TEST(test_E05_a_text_travels_all_ways_its_code_does)
{
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        note("by %s", ways[i].name);
        (void)weft_fail(-EPIPE, "an older one");
        CHECK_EQ(ways[i].way(), -EIO);
        CHECK_STR(weft_error_text(), wanted);
        CHECK_STR(weft_explain(-EIO), wanted);
        CHECK_EQ(weft_await(weft_spawn(body_takes_way, &i)), -EIO);
        CHECK_STR(weft_error_text(), wanted);
    }
}

/* ---- and where they end ---- */

static int joins_await(void)
{
    return weft_await(weft_spawn(body_fine, NULL));
}

static int joins_await_for(void)
{
    return weft_await_for(weft_spawn(body_fine, NULL), WEFT_SEC);
}

static int joins_gather(void)
{
    return weft_gather(weft_spawn(body_fine, NULL), weft_spawn(body_fine, NULL));
}

static int joins_settle(void)
{
    int rc;
    return weft_settle_n(&(weft_task){weft_spawn(body_fine, NULL).id}, 1, &rc);
}

static int joins_race_after_a_failure(void)
{
    return weft_race(weft_spawn(blocking_body, &disk), weft_spawn(body_fine, NULL));
}

static int joins_map(void)
{
    int items[3] = {0};
    return weft_map_limit(body_fine, items, 3, 2);
}

static int joins_group(void)
{
    WEFT_GROUP(group);
    CHECK_OK(weft_group_spawn(group, body_fine, NULL));
    return weft_group_wait(group);
}

static const struct {
    const char *name;
    int (*join)(void);
} joins[] = {
    {"await", joins_await},   {"await_for", joins_await_for},       {"gather", joins_gather},
    {"settle", joins_settle}, {"race", joins_race_after_a_failure}, {"map", joins_map},
    {"group", joins_group},
};

TASK_TEST(test_E05_a_join_that_succeeds_leaves_the_text)
{
    for (size_t i = 0; i < sizeof joins / sizeof joins[0]; i++) {
        note("by %s", joins[i].name);
        CHECK_EQ(by_await(), -EIO);
        CHECK_OK(joins[i].join());
        CHECK_STR(weft_explain(-EIO), wanted);
    }
}

/* ---- a cleanup behind a failure ---- */

static int ends_fine(void)
{
    return joins_await();
}

static int ends_cancelled(void)
{
    weft_task serving = weft_spawn(body_serves, NULL);
    CHECK_OK(weft_yield());
    weft_cancel(serving, "that was all");
    return weft_await(serving);
}

static int ends_badly(void)
{
    return weft_fail(-EPIPE, "the last words could not be sent");
}

static int ends_badly_elsewhere(void)
{
    return weft_await(weft_spawn(body_ends_badly, NULL));
}

static int ends_badly_twice(void)
{
    (void)ends_badly_elsewhere();
    (void)ends_cancelled();
    return ends_badly();
}

static const struct {
    const char *name;
    int (*clean_up)(void);
    int rc;
} cleanups[] = {
    {"one that succeeds", ends_fine, 0},
    {"one that is cancelled", ends_cancelled, -ECANCELED},
    {"a failure with a text", ends_badly, -EPIPE},
    {"that of a task", ends_badly_elsewhere, -EPIPE},
    {"several", ends_badly_twice, -EPIPE},
};

static int body_cleans_up(void *arg)
{
    size_t i = *(size_t *)arg;
    int rc = weft_fail(-EIO, "%s", wanted);
    CHECK_EQ(cleanups[i].clean_up(), cleanups[i].rc);
    CHECK_STR(weft_explain(-EIO), wanted);
    return rc;
}

TASK_TEST(test_E05_a_text_survives_the_cleanup_behind_it)
{
    for (size_t i = 0; i < sizeof cleanups / sizeof cleanups[0]; i++) {
        note("behind %s", cleanups[i].name);
        CHECK_EQ(weft_await(weft_spawn(body_cleans_up, &i)), -EIO);
        CHECK_STR(weft_error_text(), wanted);
    }
}

/* The newest of each code, and no more than three codes. */
TASK_TEST(test_E05_texts_of_three_codes_are_kept)
{
    (void)weft_fail(-EIO, "first");
    (void)weft_fail(-EPIPE, "second");
    (void)weft_fail(-EIO, "third");
    CHECK_STR(weft_explain(-EIO), "third");
    CHECK_STR(weft_explain(-EPIPE), "second");
    (void)weft_fail(-EBADF, "fourth");
    CHECK_STR(weft_explain(-EPIPE), "second");
    (void)weft_fail(-EBUSY, "fifth, not %s", weft_explain(-EPIPE));
    CHECK_STR(weft_error_text(), "fifth, not second");
    CHECK_STR(weft_explain(-EBADF), "fourth");
    CHECK_STR(weft_explain(-EIO), "third");
    CHECK_STR(weft_explain(-EPIPE), weft_strerror(-EPIPE));
    CHECK_EQ(weft_await(weft_spawn(body_fails_silently, NULL)), -EIO);
    CHECK_STR(weft_explain(-EIO), weft_strerror(-EIO));
    CHECK_STR(weft_explain(-EBADF), "fourth");
    CHECK(weft_task_renew());
    CHECK_STR(weft_explain(-EBADF), weft_strerror(-EBADF));
    CHECK_STR(weft_explain(-EBUSY), weft_strerror(-EBUSY));
}

/* ---- which is whose ---- */

TASK_TEST(test_E05_an_error_without_a_text_does_not_borrow_another)
{
    (void)weft_fail(-EPIPE, "an older one");
    CHECK_EQ(weft_await(weft_spawn(body_fails_silently, NULL)), -EIO);
    CHECK_STR(weft_error_text(), "");
    (void)weft_fail(-EPIPE, "an older one");
    CHECK_EQ(weft_gather(weft_spawn(body_fails_silently, NULL)), -EIO);
    CHECK_STR(weft_error_text(), "");
}

static int body_deals_with_one(void *arg)
{
    (void)weft_fail(-EIO, "the child's, dealt with");
    return *(int *)arg;
}

TASK_TEST(test_E05_a_text_that_a_child_has_dealt_with_stays_there)
{
    int rc = -EBADF;
    (void)weft_fail(-EIO, "%s", wanted);
    CHECK_EQ(weft_await(weft_spawn(body_deals_with_one, &rc)), rc);
    CHECK_STR(weft_error_text(), "");
    CHECK_STR(weft_explain(-EIO), wanted);
    CHECK_STR(weft_explain(rc), weft_strerror(rc));
    CHECK_EQ(weft_gather(weft_spawn(body_deals_with_one, &rc)), rc);
    CHECK_STR(weft_explain(-EIO), wanted);
}

/* ---- who makes a bare failure ---- */

static const char earlier[] = "of an earlier failure";

static int times_out_by_wait_for(void)
{
    return weft_wait_for(body_serves, NULL, WEFT_MS);
}

static int times_out_by_await_for(void)
{
    return weft_await_for(weft_spawn(body_serves, NULL), WEFT_MS);
}

static int times_out_at_once(void)
{
    return weft_await_for(weft_spawn(body_serves, NULL), 0);
}

static int times_out_by_scope(void)
{
    WEFT_GROUP(group);
    weft_scope scope;
    CHECK_OK(weft_group_spawn(group, body_serves, NULL));
    CHECK_OK(weft_scope_open(&scope, weft_after(WEFT_MS), 0));
    int rc = weft_scope_close(&scope, weft_sleep(WEFT_SEC));
    weft_group_cancel(group, "that was all");
    return rc;
}

static int reads_nothing(void)
{
    char byte;
    return (int)weft_read(-1, &byte, 1);
}

static int selects_nothing(void)
{
    int rc = 0;
    CHECK_EQ(weft_select(WEFT_CASE_READY(-1, POLLIN, &rc)), 0);
    return rc;
}

static int selects_one_that_says_nothing(void)
{
    int rc = 0;
    CHECK_EQ(weft_select(WEFT_CASE_DONE(weft_spawn(body_fails_silently, NULL), &rc)), 0);
    return rc;
}

static int syncs_nothing(void)
{
    return weft_fsync(-1);
}

static int opens_nothing(void)
{
    return weft_open("/there/is/no/such/file", O_RDONLY, 0);
}

static int body_says_nothing(void *arg)
{
    return *(int *)arg;
}

static int runs_what_says_nothing(void)
{
    int rc = -EIO;
    return weft_run_blocking(body_says_nothing, &rc);
}

static int fails_without_words(void)
{
    return weft_fail(-EIO, "%s", "");
}

static const struct {
    const char *name;
    int (*make)(void);
    int rc;
} makers[] = {
    {"a time limit", times_out_by_wait_for, -ETIMEDOUT},
    {"one of an await", times_out_by_await_for, -ETIMEDOUT},
    {"one that is over", times_out_at_once, -ETIMEDOUT},
    {"a scope's deadline", times_out_by_scope, -ETIMEDOUT},
    {"a read", reads_nothing, -EBADF},
    {"a sync", syncs_nothing, -EBADF},
    {"a select of a descriptor", selects_nothing, -EBADF},
    {"a select of a task", selects_one_that_says_nothing, -EIO},
    {"an open", opens_nothing, -ENOENT},
    {"a blocking body", runs_what_says_nothing, -EIO},
    {"nothing to say", fails_without_words, -EIO},
};

TASK_TEST(test_E05_a_bare_failure_is_not_explained_by_an_earlier_one_of_its_code)
{
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
        note("%s", makers[i].name);
        (void)weft_fail(-EPIPE, "%s", wanted);
        (void)weft_fail(makers[i].rc, "%s", earlier);
        CHECK_EQ(makers[i].make(), makers[i].rc);
        CHECK_STR(weft_error_text(), "");
        CHECK_STR(weft_explain(makers[i].rc), weft_strerror(makers[i].rc));
        CHECK_STR(weft_explain(-EPIPE), wanted);
    }
}

static int body_is_late_with_a_text(void *arg)
{
    (void)weft_sleep(WEFT_SEC);
    return weft_fail(*(int *)arg, "%s", wanted);
}

/* What a body comes to is its own, also if that is late, or has the code of a limit. */
TASK_TEST(test_E05_a_time_limit_leaves_the_text_of_what_it_ends)
{
    int codes[] = {-EIO, -ETIMEDOUT};
    for (size_t i = 0; i < 2; i++) {
        (void)weft_fail(-ETIMEDOUT, "%s", earlier);
        CHECK_EQ(weft_wait_for(body_is_late_with_a_text, &codes[i], WEFT_MS), codes[i]);
        CHECK_STR(weft_error_text(), wanted);
        (void)weft_fail(-ETIMEDOUT, "%s", earlier);
        CHECK_EQ(weft_await_for(weft_spawn(body_is_late_with_a_text, &codes[i]), WEFT_MS),
                 codes[i]);
        CHECK_STR(weft_error_text(), wanted);
    }
}

static int reads_for_long(void *arg)
{
    char byte;
    return (int)weft_read(*(int *)arg, &byte, 1);
}

static int body_is_told_again(void *arg)
{
    WEFT_TRY(weft_sleep(WEFT_SEC) == -ECANCELED ? 0 : -EIO);
    int rc = weft_fail(-ECANCELED, "%s", wanted);
    CHECK_EQ(weft_sleep(WEFT_SEC), rc);
    CHECK_EQ(reads_nothing(), rc);
    weft_scope scope;
    CHECK_OK(weft_scope_open(&scope, weft_after(WEFT_SEC), 0));
    CHECK_EQ(weft_scope_close(&scope, rc), rc);
    CHECK_STR(weft_error_text(), wanted);
    WEFT_SHIELD(cleanup, WEFT_SEC);
    CHECK_EQ(weft_wait_for(reads_for_long, arg, WEFT_MS), -ETIMEDOUT);
    CHECK_STR(weft_explain(rc), wanted);
    return rc;
}

/* A state that each wait tells of again, and no new failure each time. */
TASK_TEST(test_E05_a_cancel_that_is_told_again_takes_no_text)
{
    int silent[2];
    CHECK_OK(wf_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, silent));
    weft_task task = weft_spawn(body_is_told_again, &silent[0]);
    CHECK_OK(weft_yield());
    weft_cancel(task, "that was all");
    CHECK_EQ(weft_await(task), -ECANCELED);
    CHECK_STR(weft_error_text(), wanted);
    CHECK_OK(weft_close(silent[0]));
    CHECK_OK(weft_close(silent[1]));
}

static int explains_in_a_thread(void *arg)
{
    (void)arg;
    CHECK_STR(weft_explain(-EIO), weft_strerror(-EIO));
    int rc = weft_fail(-EIO, "the thread's");
    CHECK_STR(weft_explain(-EIO), "the thread's");
    CHECK_STR(weft_explain(-EPIPE), weft_strerror(-EPIPE));
    return rc;
}

/* A call that says only a code, after a failure that was dealt with. */
TASK_TEST(test_E05_a_code_is_not_explained_by_the_text_of_another)
{
    CHECK_STR(weft_explain(-EIO), weft_strerror(-EIO));
    (void)weft_fail(-EPIPE, "an older one");
    weft_sem full = WEFT_SEM(1, 1);
    int rc = weft_sem_give(&full);
    CHECK_STR(weft_explain(rc), weft_strerror(-EOVERFLOW));
    CHECK_STR(weft_explain(-EPIPE), "an older one");
    CHECK_STR(weft_explain(0), "ok");
    CHECK_EQ(weft_run_blocking(explains_in_a_thread, NULL), -EIO);
    CHECK_STR(weft_explain(-EIO), "the thread's");
}

static int body_own_text(void *arg)
{
    (void)arg;
    CHECK_STR(weft_error_text(), "");
    (void)weft_fail(-EIO, "the child's");
    return 0;
}

TASK_TEST(test_E05_tasks_do_not_share_texts)
{
    (void)weft_fail(-EPIPE, "mine");
    weft_task child = weft_spawn(body_own_text, NULL);
    CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_STR(weft_error_text(), "mine");
    CHECK_OK(weft_await(child));
}

/* However much of the character there is room for. */
TASK_TEST(test_E05_a_text_is_cut_between_characters_of_every_length)
{
    static const char *const characters[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    for (size_t i = 0; i < 3; i++) {
        int len = (int)strlen(characters[i]);
        for (int room = 1; room <= len; room++) {
            int before = WEFT_ERROR_TEXT_BYTES - 1 - room;
            (void)weft_fail(-EIO, "%*s%s!", before, "", characters[i]);
            CHECK_EQ(strlen(weft_error_text()), (size_t)(room == len ? before + len : before));
        }
    }
}

TASK_TEST(test_E05_a_text_may_quote_the_one_before)
{
    CHECK_EQ(by_await(), -EIO);
    CHECK_EQ(weft_fail(-EIO, "save: %s", weft_error_text()), -EIO);
    CHECK_STR(weft_error_text(), "save: disk 3 is on fire");
}

/* ---- lists ---- */

struct member {
    int number;
    weft_time pause;
};

static int body_member(void *arg)
{
    const struct member *member = arg;
    char name[16];
    snprintf(name, sizeof name, "member %d", member->number);
    weft_set_name(name);
    WEFT_SHIELD(shield, WEFT_SEC);
    WEFT_TRY(weft_sleep(member->pause));
    return weft_fail(-EIO, "number %d", member->number);
}

TASK_TEST(test_G06_errors_are_listed_in_order_of_failure_with_name_text_and_place)
{
    struct member members[] = {{0, 3 * WEFT_MS}, {1, 1 * WEFT_MS}, {2, 2 * WEFT_MS}};
    static const int order[] = {1, 2, 0};
    WEFT_GROUP(group);
    for (int i = 0; i < 3; i++)
        CHECK_OK(weft_group_spawn(group, body_member, &members[i]));
    CHECK_EQ(weft_group_wait(group), -EIO);
    CHECK_STR(weft_error_text(), "number 1");
    struct weft_error errors[5];
    CHECK_EQ(weft_group_errors(group, errors, 5), 3);
    for (int i = 0; i < 3; i++) {
        char name[16], text[16];
        snprintf(name, sizeof name, "member %d", order[i]);
        snprintf(text, sizeof text, "number %d", order[i]);
        CHECK_EQ(errors[i].rc, -EIO);
        CHECK_STR(errors[i].name, name);
        CHECK_STR(errors[i].text, text);
        CHECK(strstr(errors[i].site, "body_member at ") == errors[i].site);
        CHECK(strstr(errors[i].site, "error_test.c:") != NULL);
    }
}

/* ---- what nobody received ---- */

struct heard {
    int count;
    struct weft_error last;
    char line[512];
};

static void hear(const struct weft_error *error, void *arg)
{
    struct heard *heard = arg;
    heard->count++;
    heard->last = *error;
}

static void hear_line(const char *line, void *arg)
{
    struct heard *heard = arg;
    heard->count++;
    snprintf(heard->line, sizeof heard->line, "%s", line);
}

static int spawn_and_forget(void *arg)
{
    (void)arg;
    weft_spawn(body_fails, &disk);
    return 0;
}

static int group_and_forget(void *arg)
{
    (void)arg;
    WEFT_GROUP(group);
    CHECK_OK(weft_group_spawn(group, body_fails, &disk));
    (void)weft_sleep(WEFT_SEC);
    return 0;
}

RUN_TEST(test_T08_the_hook_hears_name_text_and_place_once)
{
    weft_fn *forgetful[] = {spawn_and_forget, group_and_forget};
    for (int i = 0; i < 2; i++) {
        struct heard heard = {0};
        weft_config config = test_config();
        config.unhandled = hear;
        config.unhandled_arg = &heard;
        CHECK_OK(weft_run_with(&config, forgetful[i], NULL));
        CHECK_EQ(heard.count, 1);
        CHECK_EQ(heard.last.rc, -EIO);
        CHECK_STR(heard.last.name, "body_fails");
        CHECK_STR(heard.last.text, wanted);
        CHECK(strstr(heard.last.site, "error_test.c:") != NULL);
    }
}

RUN_TEST(test_T08_without_a_hook_it_is_one_line)
{
    weft_fn *forgetful[] = {spawn_and_forget, group_and_forget};
    for (int i = 0; i < 2; i++) {
        struct heard heard = {0};
        weft_config config = test_config();
        config.log = hear_line;
        config.log_arg = &heard;
        CHECK_OK(weft_run_with(&config, forgetful[i], NULL));
        CHECK_EQ(heard.count, 1);
        static const char begin[] = "nobody received the error of task body_fails: Input/output "
                                    "error: disk 3 is on fire; spawned: body_fails at ";
        CHECK_EQ(strncmp(heard.line, begin, strlen(begin)), 0);
    }
}

/* Rule E01: the codes of ours follow each other; each says something, and something else. */
TEST(test_E01_every_code_of_ours_has_a_text_of_its_own)
{
    int first[] = {WEFT_ESYNTAX, WEFT_M_EVALID}, last[] = {WEFT_ETLS, WEFT_M_ECLOSED};
    const char *texts[32];
    int count = 0;
    for (int range = 0; range < 2; range++) {
        for (int code = first[range]; code <= last[range]; code++) {
            texts[count] = weft_strerror(-code);
            CHECK(strcmp(texts[count], "unknown error") != 0);
            for (int i = 0; i < count; i++)
                CHECK(strcmp(texts[i], texts[count]) != 0);
            count++;
        }
    }
    CHECK_STR(weft_strerror(-4095), "unknown error");
    CHECK_STR(weft_strerror(-3999), "unknown error");
    CHECK_STR(weft_strerror(7), "ok");
}

static void keep_line(const char *line, void *arg)
{
    snprintf(arg, 64, "%s", line);
}

static int logs_lines(void *arg)
{
    weft_log("of two\nlines,\x1b[31m%s\x7f", " a tab\t");
    CHECK_STR(arg, "of two lines, [31m a tab  ");
    weft_log("%ls", L"\xd800"); /* no character: no line */
    CHECK_STR(arg, "of two lines, [31m a tab  ");
    CHECK_EQ(weft_fail(-EIO, "%ls", L"\xd800"), -EIO);
    CHECK_STR(weft_error_text(), "");
    return 0;
}

RUN_TEST(test_T08_what_is_logged_is_one_line)
{
    char line[64] = "";
    weft_config config = test_config();
    config.log = keep_line;
    config.log_arg = line;
    CHECK_OK(weft_run_with(&config, logs_lines, line));
}

static void count_unhandled(const struct weft_error *error, void *arg)
{
    (void)error;
    ++*(int *)arg;
}

static int body_returns(void *arg)
{
    return (int)(intptr_t)arg;
}

static int leaves_a_child(void *arg)
{
    (void)weft_spawn(body_returns, arg);
    return 0;
}

static int main_unhandled(void *arg)
{
    const int *count = arg;
    weft_task detached = weft_detach(body_returns, (void *)-EIO);
    CHECK_OK(weft_yield());
    CHECK_EQ(*count, 1); /* at once: nobody joins it, though somebody has its handle */
    CHECK_EQ(weft_await(detached), -EIO);
    CHECK_OK(weft_await(weft_spawn(leaves_a_child, (void *)-ECANCELED)));
    CHECK_EQ(*count, 2); /* nobody had cancelled it (rule C12) */
    return 0;
}

RUN_TEST(test_T08_of_a_detached_task_and_of_an_uncalled_for_cancel_the_hook_hears_too)
{
    int count = 0;
    weft_config config = test_config();
    config.unhandled = count_unhandled;
    config.unhandled_arg = &count;
    CHECK_OK(weft_run_with(&config, main_unhandled, &count));
    CHECK_EQ(count, 2); /* each once */
}

/* One call tells of one task; another that has failed is still news to its owner. */
static int main_selects_the_channel(void *arg)
{
    (void)arg;
    weft_chan *chan;
    int item = 7, result = 0;
    CHECK_OK(weft_chan_new(&chan, sizeof item, 1));
    CHECK_OK(weft_send(chan, &item));
    weft_task failed = weft_spawn(body_returns, (void *)-EIO);
    CHECK_OK(weft_yield());
    CHECK_EQ(weft_select(WEFT_CASE_RECV(chan, &item, NULL), WEFT_CASE_DONE(failed, &result)), 0);
    CHECK_EQ(result, 0);
    CHECK_STR(weft_error_text(), "");
    weft_chan_free(chan);
    return 0;
}

static int main_takes_any(void *arg)
{
    (void)arg;
    weft_task tasks[] = {weft_spawn(body_returns, NULL), weft_spawn(body_returns, (void *)-EIO)};
    int index = weft_any_n(tasks, 2); /* both end before it returns */
    CHECK_GE(index, 0);
    int first = 1;
    CHECK_EQ(weft_done(tasks[index], &first), 1);
    return -first; /* for the simulator: the one that failed may have been the first */
}

RUN_TEST(test_T08_a_failure_that_was_looked_at_and_not_told_is_heard_by_the_hook)
{
    int count = 0;
    weft_config config = test_config();
    config.unhandled = count_unhandled;
    config.unhandled_arg = &count;
    CHECK_OK(weft_run_with(&config, main_selects_the_channel, NULL));
    CHECK_EQ(count, 1);
    int told = weft_run_with(&config, main_takes_any, NULL);
    CHECK_EQ(count, told == EIO ? 1 : 2);
}

TASK_TEST(test_E05_a_task_of_no_function_is_refused_with_a_text)
{
    WEFT_GROUP(group);
    weft_fn *none = NULL;
    CHECK_EQ(weft_await(weft_spawn(none, NULL)), -EINVAL);
    CHECK(strstr(weft_error_text(), "there is no function to run (none at ") != NULL);
    CHECK_EQ(weft_await(weft_spawn_stack(none, NULL, 65536)), -EINVAL);
    CHECK_EQ(weft_group_spawn(group, none, NULL), -EINVAL);
    CHECK(strstr(weft_error_text(), "none at ") != NULL);
    CHECK_OK(weft_group_wait(group));
}
