/* SPDX-License-Identifier: MIT */

/* Outfiles: what a run that was cut off leaves, the next one goes on with; by itself, on a disk
 * that loses power, and as the program is used. */
#include "cmd/io/outfile.h"

#include "child.h"

#include "base/checkers.h"

#include <weft/error.h>
#include <weft/file.h>
#include <weft/scope.h>
#include <weft/sim.h>
#include <weft/task.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#define TEXTS 40
#define TEXTS_FEW 5

static const weft_str run_lines = {"texts: q.txt\nthreshold: 0.5\n", 28};

static void put_answer(wf_buf *lines, uint64_t index)
{
    wf_buf_printf(lines, "answer %llu%*s\n", (unsigned long long)index, (int)(index * 37 % 90), "");
}

/* Answers the texts that are left, three at a time. */
static int answer_all(const char *path, uint64_t total)
{
    struct outfile file = OUTFILE_CLOSED;
    wf_buf lines = {0};
    int rc = outfile_open(&file, path, run_lines, false);
    while (rc == 0 && !file.is_whole && file.texts < total) {
        uint64_t count = total - file.texts < 3 ? total - file.texts : 3;
        for (uint64_t i = 0; i < count; i++)
            put_answer(&lines, file.texts + i);
        rc = outfile_write(&file, &lines, count);
        if (rc == 0)
            rc = weft_sleep(60 * WEFT_MS); /* the work */
    }
    if (rc == 0 && !file.is_whole)
        rc = outfile_finish(&file);
    outfile_close(&file);
    wf_buf_fini(&lines);
    return rc;
}

static void check_whole(const char *path, uint64_t total)
{
    weft_bytes bytes;
    wf_buf lines = {0};
    for (uint64_t i = 0; i < total; i++)
        put_answer(&lines, i);
    CHECK_OK(weft_file_load(path, 1 << 20, &bytes));
    CHECK_BYTES(bytes.ptr, bytes.len, wf_buf_ptr(&lines), wf_buf_bytes(&lines));
    weft_bytes_free(&bytes);
    wf_buf_fini(&lines);
}

/* ---- cut off in simulation ---- */

static int answer_body(void *arg)
{
    return answer_all(arg, TEXTS);
}

static int lose_power(void *arg)
{
    weft_time *after = arg;
    char path[] = "/tmp/answers.ndjson";
    for (int lives = 0; lives < 3; lives++) {
        weft_task task = weft_spawn(answer_body, path);
        CHECK_OK(weft_sleep(*after));
        weft_cancel(task, "no power");
        int rc = weft_await(task);
        CHECK(rc == 0 || rc == -ECANCELED);
        CHECK_OK(weft_sim_power_failure());
    }
    CHECK_EQ(answer_all(path, TEXTS), 0);
    check_whole(path, TEXTS);
    struct stat info;
    CHECK_EQ(weft_stat("/tmp/answers.ndjson.part", &info), -ENOENT);
    return 0;
}

TEST(a_power_failure_loses_no_answer_and_doubles_none)
{
    for (uint64_t seed = 0; seed < 60; seed++) {
        weft_time after = (weft_time)(seed * 13 % 800) * WEFT_MS + 7 * WEFT_US * (weft_time)seed;
        const weft_sim_options options = {.seed = test_seed() + seed, .wait_ppm = 500000};
        note("seed %llu", (unsigned long long)options.seed);
        CHECK_OK(weft_sim_run_with(&options, lose_power, &after));
    }
}

/* Whatever fails or is cancelled, the next run gets to the end. */
SCENARIO(a_run_that_fails_anywhere_can_be_gone_on_with)
{
    char path[64];
    snprintf(path, sizeof(path), "/tmp/weft-outfile-%d", (int)getpid());
    int rc = answer_all(path, TEXTS_FEW);
    WEFT_SHIELD(rest, 10 * WEFT_SEC);
    int next = rc;
    for (int tries = 0; next != 0 && tries < 2; tries++)
        next = answer_all(path, TEXTS_FEW);
    CHECK_EQ(next, 0);
    if (rc != 0) /* nothing more goes wrong */
        check_whole(path, TEXTS_FEW);
    char other[80];
    const char *const endings[] = {"", ".part", ".resume"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(other, sizeof(other), "%s%s", path, endings[i]);
        int gone = weft_unlink(other);
        (void)gone;
    }
    return rc == EXIT_FAILURE ? -EIO : rc;
}

/* ---- what is found ---- */

struct place {
    char folder[64], path[80], part[90], resume[90];
};

static struct place make_place(void)
{
    struct place place = {.folder = "/tmp/weft-outfile-XXXXXX"};
    CHECK(mkdtemp(place.folder) != NULL);
    snprintf(place.path, sizeof(place.path), "%s/a.csv", place.folder);
    snprintf(place.part, sizeof(place.part), "%s.part", place.path);
    snprintf(place.resume, sizeof(place.resume), "%s.resume", place.path);
    return place;
}

static void drop_place(const struct place *place)
{
    unlink(place->path);
    unlink(place->part);
    unlink(place->resume);
    CHECK_OK(rmdir(place->folder));
}

static void put_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    CHECK_GE(fputs(text, file), 0);
    CHECK_OK(fclose(file));
}

static void check_file(const char *path, const char *text)
{
    char bytes[400] = "";
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    size_t count = fread(bytes, 1, sizeof(bytes) - 1, file);
    CHECK_OK(fclose(file));
    CHECK_BYTES(bytes, count, text, strlen(text));
}

#define COUNTRIES test_source("examples/data/countries.csv")
#define HEAD "query,id,score,name,matched\n"
#define DE "Germany,DE,1.0,Germany,Germany\n"
#define FR "France,FR,1.0,France,France\n"

static void run_query(struct run *run, const struct place *place, const char *texts)
{
    RUN(run, "match", "query", "-e", COUNTRIES, "-f", texts, "-o", place->path);
}

static size_t put_file_line(char *out, size_t bytes, const char *name, const char *path)
{
    struct stat info;
    CHECK_OK(stat(path, &info));
    return (size_t)snprintf(out, bytes, "%s: %s, %lld bytes, changed at %lld.%09ld\n", name, path,
                            (long long)info.st_size, (long long)info.st_mtim.tv_sec,
                            info.st_mtim.tv_nsec);
}

/* What the program would have left behind the first answer. */
static void leave_half(const struct place *place, const char *texts, const char *behind)
{
    char text[1200], part[200];
    size_t at = (size_t)snprintf(text, sizeof(text),
                                 "weft resume 1\ntexts: 1\nbytes: 59\nwhole: 0\nweft: %s\n",
                                 weft_version());
    at += put_file_line(text + at, sizeof(text) - at, "entities", COUNTRIES);
    at += (size_t)snprintf(text + at, sizeof(text) - at, "threshold: 0.5\n");
    at += put_file_line(text + at, sizeof(text) - at, "texts", texts);
    snprintf(text + at, sizeof(text) - at, "to: csv\ntop-k: 1\n");
    put_file(place->resume, text);
    snprintf(part, sizeof(part), "%s%s%s", HEAD, DE, behind);
    put_file(place->part, part);
}

TEST(a_run_goes_on_behind_what_is_safe)
{
    static const char *const behind[] = {"", "Fran", FR, FR FR FR, "\n\n\xff"};
    struct place place = make_place();
    const char *texts = make_file("q.txt", "Germany\nFrance\n");
    for (size_t i = 0; i < sizeof(behind) / sizeof(*behind); i++) {
        struct run run;
        leave_half(&place, texts, behind[i]);
        run_query(&run, &place, texts);
        CHECK_STR(run.err, "weft: 1 texts were answered before\n");
        CHECK_EQ(run.code, 0);
        CHECK_STR(run.out, "");
        check_file(place.path, HEAD DE FR);
        CHECK(access(place.part, F_OK) < 0 && access(place.resume, F_OK) < 0);
        run_fini(&run);
    }
    drop_file(texts);
    drop_place(&place);
}

/* What a run that was killed while it replaced its notes has left goes, and nothing else. */
TEST(a_run_drops_what_a_killed_one_left)
{
    static const char *const names[] = {
        ".resume.tmp-0123456789abcdef", ".resume.tmp-fedcba9876543210",
        ".resume.tmp-0123456789abcde",  ".resume.tmp-0123456789abcdef0",
        ".resume.tmp-0123456789abcdeg", ".tmp-0123456789abcdef"};
    struct place place = make_place();
    const char *texts = make_file("q.txt", "Germany\nFrance\n");
    struct run run;
    char path[120];
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        snprintf(path, sizeof(path), "%s%s", place.path, names[i]);
        put_file(path, "half");
    }
    run_query(&run, &place, texts);
    CHECK_STR(run.err, "");
    CHECK_EQ(run.code, 0);
    run_fini(&run);
    check_file(place.path, HEAD DE FR);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        snprintf(path, sizeof(path), "%s%s", place.path, names[i]);
        CHECK_EQ(unlink(path), i < 2 ? -1 : 0);
    }
    drop_file(texts);
    drop_place(&place);
}

/* A young file may be that of another fit. */
TEST(a_fit_drops_what_a_killed_one_left)
{
    static const struct timespec old[2];
    struct place place = make_place();
    struct run run;
    char killed[120], running[120], other[120];
    snprintf(killed, sizeof(killed), "%s.tmp-0123456789abcdef", place.path);
    snprintf(running, sizeof(running), "%s.tmp-fedcba9876543210", place.path);
    snprintf(other, sizeof(other), "%s.tmp-0123", place.path);
    put_file(killed, "half");
    put_file(running, "half");
    put_file(other, "mine");
    CHECK_OK(utimensat(AT_FDCWD, killed, old, 0));
    CHECK_OK(utimensat(AT_FDCWD, other, old, 0));
    RUN(&run, "match", "fit", "-e", COUNTRIES, "-o", place.path);
    CHECK_EQ(run.code, 0);
    run_fini(&run);
    CHECK(access(killed, F_OK) < 0);
    CHECK_OK(unlink(running));
    CHECK_OK(unlink(other));
    drop_place(&place);
}

TEST(a_run_does_not_go_on_with_another_ones_answers)
{
    struct place place = make_place();
    struct run run;
    const char *texts = make_file("q.txt", "Germany\nFrance\n");
    leave_half(&place, texts, "");
    RUN(&run, "match", "query", "-e", COUNTRIES, "-f", texts, "-o", place.path, "-k", "2");
    CHECK_EQ(run.code, 1);
    CHECK(strstr(run.err, "a.csv.part holds the answers of another run: there 'top-k: 1', here "
                          "'top-k: 2'\n") != NULL);
    run_fini(&run);
    check_file(place.part, HEAD DE); /* nothing is lost */
    RUN(&run, "match", "query", "-e", COUNTRIES, "-f", texts, "-o", place.path, "-t", "0.6");
    CHECK_EQ(run.code, 1);
    CHECK(strstr(run.err, ": there 'threshold: 0.5', here 'threshold: 0.6'\n") != NULL);
    run_fini(&run);
    RUN(&run, "match", "query", "-e", COUNTRIES, "-f", texts, "-o", place.path, "-k", "2",
        "--restart");
    CHECK_EQ(run.code, 0);
    CHECK_STR(run.err, "");
    run_fini(&run);
    drop_file(texts);
    drop_place(&place);
}

TEST(files_that_no_run_left_are_refused_and_stay)
{
    static const char *const wrong[][2] = {
        {"", "is not what 'weft match query' writes"},
        {"weft resume 1\ntexts: 1\n", "is not what 'weft match query' writes"},
        {"weft resume 1\ntexts: x\nbytes: 0\nwhole: 0\n", "is not what 'weft match query' writes"},
        {"weft resume 1\ntexts: 1\nbytes: 99999999999999999999\nwhole: 0\n",
         "is not what 'weft match query' writes"},
        {"weft resume 1\ntexts: 1\nbytes: 1\nwhole: 0\n", "another run: there '', here 'weft: "},
    };
    struct place place = make_place();
    struct run run;
    const char *texts = make_file("q.txt", "Germany\n");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        put_file(place.part, "mine");
        put_file(place.resume, wrong[i][0]);
        run_query(&run, &place, texts);
        note("%s", run.err);
        CHECK_EQ(run.code, 1);
        CHECK(strstr(run.err, wrong[i][1]) != NULL);
        check_file(place.part, "mine");
        run_fini(&run);
    }
    leave_half(&place, texts, "");
    put_file(place.part, "short");
    run_query(&run, &place, texts);
    CHECK_EQ(run.code, 1);
    CHECK(strstr(run.err, "is shorter than") != NULL);
    run_fini(&run);
    drop_file(texts);
    drop_place(&place);
}

TEST(a_file_that_is_read_is_not_written)
{
    struct place place = make_place();
    const char *texts = make_file("q.txt", "Germany\n");
    struct run run;
    put_file(place.path, "id,name\nDE,Germany\n");
    RUN(&run, "match", "query", "-e", place.path, "-o", place.path, "Germany");
    CHECK_EQ(run.code, 2);
    CHECK(strstr(run.err, "is read; give another file") != NULL);
    run_fini(&run);
    RUN(&run, "match", "query", "-e", COUNTRIES, "-f", texts, "-o", texts);
    CHECK_EQ(run.code, 2);
    run_fini(&run);
    RUN(&run, "match", "fit", "-e", place.path, "-o", place.path);
    CHECK_EQ(run.code, 2);
    run_fini(&run);
    check_file(place.path, "id,name\nDE,Germany\n");
    check_file(texts, "Germany\n");
    drop_file(texts);
    drop_place(&place);
}

/* Said before anything is fitted. */
TEST(a_fit_replaces_files_only)
{
    struct place place = make_place();
    struct stat info;
    struct run run;
    CHECK_OK(mkfifo(place.path, 0600));
    RUN(&run, "match", "fit", "-e", "/none", "-o", place.path);
    CHECK_EQ(run.code, 1);
    CHECK(strstr(run.err, "is no regular file") != NULL);
    run_fini(&run);
    CHECK_OK(stat(place.path, &info));
    CHECK(S_ISFIFO(info.st_mode));
    RUN(&run, "match", "fit", "-e", "/none", "-o", "/tmp");
    CHECK_EQ(run.code, 1);
    CHECK(strstr(run.err, "/tmp is a directory") != NULL);
    run_fini(&run);
    RUN(&run, "match", "fit", "-e", "/none", "-o", "/nonexistent/x.weftm");
    CHECK_EQ(run.code, 1);
    CHECK_STR(run.err, "weft: --output /nonexistent: there is no such directory\n");
    run_fini(&run);
    drop_place(&place);
}

TEST(two_runs_do_not_write_one_file)
{
    struct place place = make_place();
    struct run run;
    const char *texts = make_file("q.txt", "Germany\n");
    int fd = open(place.part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    CHECK_OK(flock(fd, LOCK_EX | LOCK_NB));
    run_query(&run, &place, texts);
    CHECK_EQ(run.code, 1);
    CHECK(strstr(run.err, "a.csv.part: another run is writing it") != NULL);
    run_fini(&run);
    close(fd);
    drop_file(texts);
    drop_place(&place);
}

TEST(answers_take_the_form_of_the_files_name)
{
    struct place place = make_place();
    struct run run;
    const char *texts =
        make_file("q.csv", "query\n\"Korea, \"\"South\"\"\"\nno such land at all\n");
    run_query(&run, &place, texts);
    CHECK_EQ(run.code, 0);
    check_file(place.path, HEAD "\"Korea, \"\"South\"\"\",KR,1.0,South Korea,\"Korea, South\"\n"
                                "no such land at all,,,,\n");
    run_fini(&run);
    RUN(&run, "match", "query", "-e", COUNTRIES, "-f", texts, "--to", "tsv");
    CHECK_STR(run.out, "query\tid\tscore\tname\tmatched\n"
                       "Korea, \"South\"\tKR\t1.0\tSouth Korea\tKorea, South\n"
                       "no such land at all\t\t\t\t\n");
    run_fini(&run);
    RUN(&run, "match", "query", "-e", COUNTRIES, "-f", texts, "--to", "xls");
    CHECK_EQ(run.code, 2);
    CHECK(strstr(run.err, "--to: xls is none of ndjson, csv, tsv") != NULL);
    run_fini(&run);
    RUN(&run, "match", "query", "-e", COUNTRIES, "-f", texts, "-o", "/dev/null");
    CHECK_EQ(run.code, 1);
    CHECK(strstr(run.err, "/dev/null is no regular file") != NULL);
    run_fini(&run);
    drop_file(texts);
    drop_place(&place);
}

/* What a spreadsheet wrote with semicolons it can read with semicolons. */
TEST(answers_to_a_table_have_its_delimiter)
{
    struct place place = make_place();
    struct run run;
    const char *entities =
        make_file("e.csv", "\xEF\xBB\xBFid;name;aliases\r\n1;\"Cable; 3,5 mm\";aux|jack\r\n"
                           "2;Lamp, red;\r\n");
    const char *texts = make_file(
        "q.csv", "\xEF\xBB\xBFnr;query\r\n1;\"cable; 3,5 mm\"\r\n2;lamp, red\r\n3;zzz\r\n");
    RUN(&run, "match", "query", "-e", entities, "-f", texts, "-o", place.path);
    CHECK_STR(run.err, "");
    CHECK_EQ(run.code, 0);
    check_file(place.path, "query;id;score;name;matched\n"
                           "\"cable; 3,5 mm\";1;1.0;\"Cable; 3,5 mm\";\"Cable; 3,5 mm\"\n"
                           "lamp, red;2;1.0;Lamp, red;Lamp, red\nzzz;;;;\n");
    run_fini(&run);
    RUN(&run, "match", "query", "-e", entities, "--to", "csv", "--delimiter", ";", "jack");
    CHECK_STR(run.out, "query;id;score;name;matched\njack;1;1.0;\"Cable; 3,5 mm\";jack\n");
    run_fini(&run);
    RUN(&run, "match", "query", "-e", entities, "--to", "csv", "jack");
    CHECK_STR(run.out, "query,id,score,name,matched\njack,1,1.0,\"Cable; 3,5 mm\",jack\n");
    run_fini(&run);
    RUN(&run, "match", "query", "-e", entities, "-f", texts, "--to", "csv", "--field", "nr",
        "--delimiter", "tab");
    CHECK_EQ(run.code, 1);
    CHECK(strstr(run.err,
                 "e.csv:1: no column id; the first row, split at tabs, has "
                 "\"id;name;aliases\"\n  Option: --id-field NAME of 'weft match ingest'\n") !=
          NULL);
    run_fini(&run);
    drop_file(entities);
    drop_file(texts);
    drop_place(&place);
}

TEST(an_ending_that_is_no_form_is_noted)
{
    static const struct {
        const char *name;
        bool is_told;
    } others[] = {{"a.xyz", true},
                  {"a.csv.gz", true},
                  {"answers", false},
                  {".csv2", false},
                  {"a.jsonl", false}};
    struct run run;
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        const char *path = make_file(others[i].name, "");
        RUN(&run, "match", "query", "-e", COUNTRIES, "-o", path, "Germany");
        CHECK_EQ(run.code, 0);
        CHECK_EQ(strstr(run.err, "the ending is none of .ndjson, .jsonl, .json, .csv, .tsv: ") !=
                     NULL,
                 others[i].is_told);
        run_fini(&run);
        RUN(&run, "match", "query", "-e", COUNTRIES, "-o", path, "--to", "csv", "Germany");
        CHECK_EQ(run.code, 0);
        CHECK(strstr(run.err, "the ending is none of") == NULL);
        run_fini(&run);
        drop_file(path);
    }
}

TEST(a_file_that_cannot_be_made_is_told_by_its_own_name)
{
    struct place place = make_place();
    struct run run;
    RUN(&run, "match", "query", "-e", COUNTRIES, "-o", "/nonexistent/a.csv", "Germany");
    CHECK_EQ(run.code, 1);
    CHECK_STR(run.err, "weft: /nonexistent/a.csv: No such file or directory\n");
    run_fini(&run);

    CHECK_OK(mkdir(place.part, 0700)); /* in the way itself */
    RUN(&run, "match", "query", "-e", COUNTRIES, "-o", place.path, "Germany");
    CHECK_EQ(run.code, 1);
    CHECK(strstr(run.err, ".part: Is a directory\n") != NULL);
    run_fini(&run);
    CHECK_OK(rmdir(place.part));
    drop_place(&place);
}

/* ---- killed, again and again ---- */

/* Notes are kept every 100 ms; an instrumented program takes four times as long for an answer. */
#define TEXTS_MANY (WF_HAS_ASAN ? 400 : 1500)
#define BYTES_BETWEEN_KILLS (WF_HAS_ASAN ? 4801 : 9001)

static char *many_texts(void)
{
    static const char *const names[] = {"Germny", "Frnace", "Ivory Coast", "Uruguai", "zzz"};
    wf_buf buf = {0};
    for (int i = 0; i < TEXTS_MANY; i++)
        wf_buf_printf(&buf, "%s %d\n", names[i % 5], i % 7);
    wf_buf_putc(&buf, '\0');
    char *texts = strdup(wf_buf_ptr(&buf));
    wf_buf_fini(&buf);
    return texts;
}

/* Kills it when it has cut the file to no more than `whole` and that has grown to `bytes` again.
 * True if it was over before. */
static bool kill_at(struct child *child, const char *part, off_t bytes, off_t whole)
{
    struct stat info;
    wf_buf said = {0};
    bool is_cut = false;
    int status;
    while (waitpid(child->pid, &status, WNOHANG) == 0) {
        bool is_there = stat(part, &info) == 0;
        is_cut |= is_there && info.st_size <= whole;
        if (is_there && is_cut && info.st_size >= bytes) {
            kill(child->pid, SIGKILL);
            CHECK_EQ(waitpid(child->pid, &status, 0), child->pid);
            break;
        }
        usleep(200);
    }
    close(child->in);
    while (child->out >= 0 && child_read(&child->out, &said)) {
    }
    while (child->err >= 0 && child_read(&child->err, &said)) {
    }
    wf_buf_putc(&said, '\0');
    note("%s", wf_buf_ptr(&said));
    CHECK(!WIFEXITED(status) || WEXITSTATUS(status) == 0);
    wf_buf_fini(&said);
    return WIFEXITED(status);
}

/* What is behind the safe part of a file may be anything, and longer than all answers; unless the
 * notes say that it is whole. */
static void spoil_end(const struct place *place, off_t whole)
{
    char notes[120] = "";
    int fd = open(place->resume, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        CHECK_GE(read(fd, notes, sizeof(notes) - 1), 0);
        CHECK_OK(close(fd));
    }
    if (strstr(notes, "whole: 1\n") == NULL && access(place->part, F_OK) == 0)
        CHECK_OK(truncate(place->part, whole + 100));
}

TEST(kills_lose_no_answer_and_double_none)
{
    struct place place = make_place();
    struct run straight;
    struct child child;
    char *many = many_texts();
    const char *texts = make_file("q.txt", many);
    /* -k 1000: few texts make a step */
    RUN(&straight, "match", "query", "-e", COUNTRIES, "-f", texts, "--to", "csv", "-k", "1000");
    CHECK_EQ(straight.code, 0);
    const char *words[] = {"match", "query",    "-e", COUNTRIES, "-f", texts,
                           "-o",    place.path, "-k", "1000",    NULL};
    const off_t whole = (off_t)strlen(straight.out);
    bool is_over = false;
    for (off_t bytes = 1; !is_over; bytes += BYTES_BETWEEN_KILLS) {
        child_start(&child, words);
        is_over = kill_at(&child, place.part, bytes, whole);
        if (!is_over)
            spoil_end(&place, whole);
    }
    FILE *file = fopen(place.path, "r");
    CHECK(file != NULL);
    char *written = malloc(strlen(straight.out) + 2);
    size_t count = fread(written, 1, strlen(straight.out) + 1, file);
    CHECK_BYTES(written, count, straight.out, strlen(straight.out));
    CHECK_OK(fclose(file));
    free(written);
    free(many);
    run_fini(&straight);
    drop_file(texts);
    drop_place(&place);
}
