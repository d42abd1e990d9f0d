/* SPDX-License-Identifier: MIT */

/* What the program says when something is wrong with its words, its files or its output. */
#include "child.h"

#define COUNTRIES test_source("examples/data/countries.csv")

static const struct {
    const char *words[8];
    int code;
    const char *err; /* the first line */
} wrongs[] = {
    {{"mach"}, 2, "weft: unknown command mach; did you mean 'match'?"},
    {{"--frob"}, 2, "weft: unknown option --frob"},
    {{"nope"}, 2, "weft: unknown command nope; there are config, match, ps, serve, stack, top"},
    {{"match", "query", "--nope"}, 2, "weft: unknown option --nope"},
    {{"match"}, 2, "weft: no command given"},
    {{"match", "Germany"},
     2,
     "weft: unknown command Germany; there are fit, query, explain, diagnose, info, hierarchy, "
     "novelty, discover, review, drift, eval, ingest, bench"},
    {{"config", "x"}, 2, "weft: unexpected word x"},
    {{"config", "--body-max", "0"},
     2,
     "weft: --body-max: must be an integer from 1 to 1073741824, is 0"},
    {{"match", "--quiet"}, 2, "weft: unknown option --quiet; a command comes first"},
    {{"match", "query", "-e", "x.csv", "--entities-format", "lines", "z"},
     2,
     "weft: --entities-format: lines is none of csv, tsv, json, ndjson"},
    {{"match", "ingest", "--format", "lines", "x"},
     2,
     "weft: --format: lines is none of csv, tsv, json, ndjson"},
    {{"match", "ingest", "ftp://x/y"},
     1,
     "weft: ftp://x/y: addresses begin with http:// or https://"},
    {{"match", "quary"}, 2, "weft: unknown command quary; did you mean 'match query'?"},
    {{"match", "info", "m.weftm"},
     2,
     "weft: 'm.weftm' is one word too many; a matcher goes with --matcher FILE"},
    {{"match", "query", "x"},
     2,
     "weft: no entities; give a file with --entities FILE or a matcher with --matcher FILE"},
    {{"match", "query", "-e", "x.csv"},
     2,
     "weft: no text; give some, or a file of them with --file FILE (- is standard input)"},
    {{"match", "query", "-e", "x.csv", "-f", "y", "z"}, 2, "weft: texts and --file at once"},
    {{"match", "query", "-e", "-", "-f", "-"}, 2, "weft: standard input can be read only once"},
    {{"match", "explain", "-e", "-", "-f", "-"}, 2, "weft: standard input can be read only once"},
    {{"match", "query", "-e", "-", "-e", "-", "z"},
     2,
     "weft: standard input can be read only once"},
    {{"match", "query", "-e", "", "z"}, 2, "weft: --entities: the name of the file is empty"},
    {{"match", "diagnose", "-e", "x.csv", "-f", ""},
     2,
     "weft: --file: the name of the file is empty"},
    {{"match", "query", "-e", "x.csv", "--topk", "3", "z"},
     2,
     "weft: unknown option --topk; did you mean --top-k?"},
    {{"match", "query", "-e", "x.csv", "--top-k", "0", "z"},
     2,
     "weft: --top-k: must be an integer from 1 to 1000, is 0"},
    {{"match", "query", "-e", "x.csv", "--threshold", "2", "z"},
     2,
     "weft: --threshold: must be a number from 0 to 1, is 2"},
    {{"match", "query", "-e", "x.csv", "--format", "xml", "z"},
     2,
     "weft: --format: xml is none of csv, tsv, json, ndjson, lines"},
    {{"match", "novelty", "-e", "x.csv", "--field", "text", "z"},
     2,
     "weft: --field is for --file FILE"},
    {{"match", "query", "-e", "x.csv", "--delimiter", ";;", "z"},
     2,
     "weft: --delimiter: must be tab or one of , ; | : ^ ~ ! # * / = _"},
    {{"match", "ingest", "--delimiter", "\"", "x.csv"},
     2,
     "weft: --delimiter: must be tab or one of , ; | : ^ ~ ! # * / = _"},
    {{"match", "query", "-e", "x.csv", "--mode", "zero_shot", "z"},
     2,
     "weft: --mode: zero_shot is none of auto, zero-shot, head-only, full, hybrid, bert"},
    {{"match", "query", "-e", "x.csv", "--mode", "", "z"},
     2,
     "weft: --mode: '' is none of auto, zero-shot, head-only, full, hybrid, bert"},
    {{"serve", "-e", "x.csv", "--score", "guess"},
     2,
     "weft: --score: guess is none of auto, probability, cosine, dense, fused"},
    {{"match", "query", "-e", "x.csv", "--score", "dense", "z"},
     2,
     "weft: --score dense needs --model DIR"},
    {{"serve", "-e", "x.csv", "--score", "fused"}, 2, "weft: --score fused needs --model DIR"},
    {{"match", "query", "-e", "x.csv", "--mode=hybrid", "--blocking=bm26", "z"},
     2,
     "weft: --blocking: bm26 is none of ngram, bm25, tfidf, fuzzy, none"},
    {{"match", "hierarchy", "-e", "x.csv", "--level", "up", "z"},
     2,
     "weft: --level: up is none of all, self, ancestors, descendants"},
    {{"match", "discover", "-e", "x.csv", "--clustering", "kmeans", "-fz"},
     2,
     "weft: --clustering: kmeans is none of average, hdbscan, components, louvain"},
    {{"match", "drift", "-e", "x.csv", "-fz", "--method", "mmd"},
     2,
     "weft: --method: mmd is none of mmd_linear, kl_gaussian, cosine_centroid"},
    {{"match", "novelty", "-e", "x.csv", "--combine", "any", "z"},
     2,
     "weft: --combine: any is none of weighted, union, intersection, voting, meta_learner"},
    {{"match", "eval", "-e", "x.csv", "-fz", "--calibration", "all"},
     2,
     "weft: --calibration: all is none of local, split, mondrian"},
    {{"match", "review", "list", "--state", "new"},
     2,
     "weft: --state: new is none of pending_review, approved, rejected, promoted"},
    {{"match", "explain", "-e", "x.csv"},
     2,
     "weft: no text; give some, or a file of them with --file FILE (- is standard input)"},
    {{"match", "novelty", "-e", "x.csv", "-f", "y", "z"}, 2, "weft: texts and --file at once"},
    {{"match", "discover", "-e", "x.csv", "z"}, 2, "weft: texts come from --file"},
    {{"match", "drift", "-e", "x.csv", "-f", "y"}, 2, "weft: neither --against nor --save"},
    {{"match", "drift", "-e", "x.csv"}, 2, "weft: no texts; give a file with --file FILE"},
    {{"match", "diagnose", "-e", "x.csv", "--top-k", "0", "z"},
     2,
     "weft: --top-k: must be an integer from 1 to 1000, is 0"},
    {{"match", "query", "-m", "x.weftm", "--mode", "full", "z"},
     2,
     "weft: --mode is that of the matcher's file, unless --examples are given"},
    {{"match", "query", "-e", "x.csv", "--mode", "full", "z"},
     2,
     "weft: --mode full learns; give examples with --examples FILE"},
    {{"match", "fit", "-e", "x.csv", "--mode=head-only", "-o", "y"},
     2,
     "weft: --mode head-only learns; give examples with --examples FILE"},
    {{"serve", "-e", "x.csv", "--mode", "bert"},
     2,
     "weft: --mode bert learns; give examples with --examples FILE"},
    {{"match", "query", "-e", "x.csv", "--blocking", "bm25", "z"},
     2,
     "weft: --blocking is of --mode hybrid"},
    {{"match", "query", "-e", "x.csv", "--reranker", "d", "z"},
     2,
     "weft: --reranker is of --mode hybrid"},
    {{"serve"},
     2,
     "weft: no entities; give a file with --entities FILE or a matcher with --matcher FILE, or "
     "saved matchers with --data DIR"},
    {{"serve", "-e", "x.csv", "y"}, 2, "weft: unexpected word y"},
    {{"serve", "-e", "x.csv", "--port", "9000"},
     2,
     "weft: unknown option --port; did you mean --listen?"},
    {{"serve", "-e", "x.csv", "--workers=2"},
     2,
     "weft: unknown option --workers; did you mean --loops?"},
    {{"match", "query", "-e", "x.csv", "--port", "9000"}, 2, "weft: unknown option --port"},
    {{"serve", "-e", "x.csv", "--data", ""}, 2, "weft: --data: the name is empty"},
    {{"serve", "-e", "x.csv", "--token", ""}, 2, "weft: --token: the name is empty"},
    {{"serve", "-e", "x.csv", "--unix-mode", "660"},
     2,
     "weft: --unix-mode is for --listen unix:PATH"},
    {{"serve", "-e", "x.csv", "--listen", "9107"},
     2,
     "weft: --listen 9107: address: \"9107\" is no HOST:PORT, [IPV6]:PORT or unix:PATH"},
    {{"serve", "-e", "x.csv", "--listen", "unix:/x", "--unix-mode", "rw"},
     2,
     "weft: --unix-mode: must be an octal number from 1 to 777, is rw"},
    {{"serve", "-e", "x.csv", "--listen", "unix:/x", "--unix-mode", "1000"},
     2,
     "weft: --unix-mode: must be an octal number from 1 to 777, is 1000"},
    {{"serve", "-e", "x.csv", "--listen", "unix:/x", "--unix-mode", ""},
     2,
     "weft: --unix-mode: must be an octal number from 1 to 777, is empty"},
    {{"serve", "-e", "x.csv", "--body-max", ""},
     2,
     "weft: --body-max: must be an integer from 1 to 1073741824, is empty"},
    {{"match", "query", "-e", "/nonexistent/x.csv", "z"},
     1,
     "weft: /nonexistent/x.csv: No such file or directory"},
    {{"match", "query", "-e", "/nonexistent/\033[2J\xE2\x80\xAE", "z"},
     1,
     "weft: /nonexistent/\\x1b[2J\\u202e: No such file or directory"},
};

TEST(program_says_what_is_wrong_with_its_words)
{
    for (size_t i = 0; i < sizeof(wrongs) / sizeof(*wrongs); i++) {
        struct run run;
        run_words(&run, (weft_str){"", 0}, wrongs[i].words);
        note("row %zu: %s", i, run.err);
        CHECK_EQ(run.code, wrongs[i].code);
        CHECK_STR(run.out, "");
        CHECK_EQ(strcspn(run.err, "\n"), strlen(wrongs[i].err));
        CHECK(text_begins(run.err, wrongs[i].err));
        run_fini(&run);
    }
}

/* These are known by the library alone. */
TEST(match_novelty_says_which_of_its_options_is_wrong)
{
    struct run run;
    RUN(&run, "match", "novelty", "-e", COUNTRIES, "--strategies", "calibrated,lofx", "usa");
    CHECK_EQ(run.code, 2);
    CHECK(text_begins(run.err, "weft: Unknown novelty strategy: lofx\n"));
    CHECK(strstr(run.err, "Use calibrated, confidence, knn_distance") != NULL);
    run_fini(&run);
    RUN(&run, "match", "novelty", "-e", COUNTRIES, "--alpha", "0", "usa");
    CHECK_EQ(run.code, 2);
    CHECK(text_begins(run.err, "weft: alpha must be above 0 and below 1, got 0\n"));
    run_fini(&run);
}

TEST(program_says_which_text_is_wrong)
{
    static const char *const commands[] = {"query", "explain", "diagnose", "novelty", "hierarchy"};
    const char *few = make_file("few.csv", "id,name\nDE,Germany\nFR,France\nIT,Italy\n");
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        struct run run;
        RUN(&run, "match", commands[i], "-e", few, "Italy", "Fr\xFF");
        note("%s", commands[i]);
        CHECK_EQ(run.code, 1);
        CHECK_STR(run.err, "weft: text 2: query is not UTF-8 at byte 2\n");
        run_fini(&run);
    }
    drop_file(few);
}

static const struct {
    const char *words[10]; /* the choice stands behind them */
    const char *choices[8];
} choosing[] = {
    {{"match", "query", "-e", "FILE", "Germany", "--mode"}, {"auto", "zero-shot", "hybrid"}},
    {{"match", "query", "-e", "FILE", "Germany", "--score"}, {"auto", "probability", "cosine"}},
    {{"match", "query", "-e", "FILE", "Germany", "--mode=hybrid", "--blocking"},
     {"ngram", "bm25", "tfidf", "fuzzy", "none"}},
    {{"match", "hierarchy", "-e", "FILE", "Germany", "--level"},
     {"all", "self", "ancestors", "descendants"}},
    {{"match", "novelty", "-e", "FILE", "Germany", "--combine"},
     {"weighted", "union", "intersection", "voting", "meta_learner"}},
    {{"match", "novelty", "-e", "FILE", "Germany", "--calibration"},
     {"local", "split", "mondrian"}},
    {{"match", "discover", "-e", "FILE", "-f", "FILE", "--clustering"},
     {"average", "hdbscan", "components", "louvain"}},
};

/* The program's lists of choices are its own; each of them is one of the library's. */
TEST(each_choice_that_the_program_takes_is_one)
{
    const char *few = make_file("few.csv", "id,name\nDE,Germany\nFR,France\nIT,Italy\n");
    for (size_t i = 0; i < sizeof(choosing) / sizeof(*choosing); i++) {
        for (size_t k = 0; choosing[i].choices[k] != NULL; k++) {
            const char *words[12] = {NULL};
            size_t count = 0;
            struct run run;
            for (; choosing[i].words[count] != NULL; count++) {
                bool is_file = strcmp(choosing[i].words[count], "FILE") == 0;
                words[count] = is_file ? few : choosing[i].words[count];
            }
            words[count] = choosing[i].choices[k];
            run_words(&run, (weft_str){"", 0}, words);
            note("%s %s: %s", words[count - 1], words[count], run.err);
            CHECK_EQ(run.code, 0);
            run_fini(&run);
        }
    }
    drop_file(few);
}

static void check_bad_file(const char *name, const char *text, const char *rest)
{
    const char *path = make_file(name, text);
    struct run run;
    char expected[400];
    RUN(&run, "match", "query", "-e", path, "x");
    snprintf(expected, sizeof(expected), "weft: %s%s\n", path, rest);
    CHECK_STR(run.err, expected);
    CHECK_STR(run.out, "");
    CHECK_EQ(run.code, 1);
    run_fini(&run);
    drop_file(path);
}

#define SAVE_AS "\n  Save the file as UTF-8, perhaps with: iconv -f WINDOWS-1252 -t UTF-8"
#define SKIP_BAD "\n  Option: --skip-bad"

TEST(program_says_which_line_of_a_file_is_wrong)
{
    check_bad_file("a.csv", "id,name\n1,a\n2\n",
                   ":3: the row has 1 field, the first row has 2" SKIP_BAD);
    check_bad_file("a.csv", "id,name\n1,a\n1,b\n",
                   ":3: id: 1 is there already, from line 2" SKIP_BAD);
    check_bad_file("a.json", "[{\"id\":1,\"name\":\"a\"},\n{\"id\":2}]",
                   ":2: name: is missing (item 2 of the array)" SKIP_BAD);
    check_bad_file("a.ndjson", "{\"id\":1,\"name\":\"a\"}\n{\"id\":}\n",
                   ":2:7: a value must stand here" SKIP_BAD);
    check_bad_file("a.csv", "id,name\n", ": no entities in it");
    check_bad_file("a.txt", "Germany\n",
                   ": holds lines; entities are csv, tsv, json or ndjson\n"
                   "  Option: --entities-format F, of 'weft match ingest' --format F");

    static char text[80000] = "id,name\n1,a\n2,";
    memset(text + strlen(text), 'b', 70000);
    check_bad_file("a.csv", text, ":3: name: has too many bytes (limit 65536)" SKIP_BAD);
    check_bad_file("a.weftm", "WEFTM\r\n\x1A\n",
                   ": is a saved matcher, and no table\n  Option: --matcher FILE");
}

TEST(match_query_answers_what_comes_before_a_bad_line)
{
    const char *path = make_file("q.txt", "Burma\n\xFF\nusa\n");
    struct run run;
    char expected[256];
    RUN(&run, "match", "query", "-e", COUNTRIES, "-f", path);
    snprintf(expected, sizeof(expected),
             "weft: %s:2:1: a byte that is not UTF-8" SAVE_AS SKIP_BAD "\n", path);
    CHECK_STR(answer_ids(run.out), "MM\n");
    CHECK_STR(run.err, expected);
    CHECK_EQ(run.code, 1);
    run_fini(&run);
    RUN(&run, "match", "query", "-e", COUNTRIES, "-f", path, "--skip-bad");
    CHECK_STR(answer_ids(run.out), "MM\nUS\n");
    CHECK_EQ(run.code, 0);
    run_fini(&run);
    drop_file(path);
}

/* What looks like aliases and is not read as such is found by nobody: it is said, once. */
TEST(match_warns_of_a_column_that_was_meant_to_be_aliases)
{
    static const struct {
        const char *name, *text, *said;
    } files[] = {
        {"a.csv", "id,name,Alias\n1,Red,crimson\n2,Blue,azure\n", "'Alias' is not read as that"},
        {"a.ndjson", "{\"id\":1,\"name\":\"Red\",\"aliasses\":[\"crimson\"]}\n", "'aliasses' is"},
        {"a.csv", "id,name,alias,aliases\n1,Red,crimson,\n", ""},
        {"a.csv", "id,name,ALIASES,price\n1,Red,crimson,1\n", ""},
        {"a.csv", "id,name,price\n1,Red,1\n", ""},
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        const char *path = make_file(files[i].name, files[i].text);
        struct run run;
        RUN(&run, "match", "query", "-e", path, "red");
        CHECK_EQ(run.code, 0);
        CHECK(strstr(run.out, "\"name\":\"Red\"") != NULL);
        CHECK(strstr(run.err, files[i].said) != NULL);
        CHECK_EQ(run.err[0] != '\0', files[i].said[0] != '\0');
        run_fini(&run);
        drop_file(path);
    }
}

TEST(match_examples_that_are_none_are_a_mistake)
{
    const char *path = make_file("x.csv", "text,label\n");
    struct run run;
    RUN(&run, "match", "query", "-e", COUNTRIES, "-x", path, "usa");
    CHECK_EQ(run.code, 1);
    CHECK_STR(run.err, "weft: training_data cannot be empty\n"
                       "  Option: --examples FILE\n"
                       "  Without examples of at least two entities use mode 'zero-shot'\n");
    run_fini(&run);
    drop_file(path);
}

TEST(match_with_a_catalogue_in_place_of_a_matcher_says_where_it_goes)
{
    static const char *const names[] = {"x.csv", "x.ndjson", "x.weftm", "xcsv"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const char *path = make_file(names[i], "id,name\n1,Alpha\n");
        struct run run;
        RUN(&run, "match", "info", "-m", path);
        CHECK_EQ(run.code, 1);
        CHECK(strstr(run.err, ": this is no file of a matcher") != NULL);
        CHECK_EQ(strstr(run.err, "; a catalogue goes with --entities\n") != NULL, i < 2);
        run_fini(&run);
        drop_file(path);
    }
}

/* A label that no entity has is told with its file and line, whatever the file is. */
TEST(match_examples_with_an_unknown_label_name_their_line)
{
    static const struct {
        const char *name, *text;
        size_t line;
    } files[] = {
        {"x.tsv", "usa\tUS\n\nBurma\tMN\xc2\xad\tnote\n", 3},
        {"x.csv", "text,label\n\"u\ns\na\",US\nBurma,MN\xc2\xad\n", 5},
        {"x.ndjson",
         "{\"text\":\"usa\",\"label\":\"US\"}\n{\"text\":\"Burma\",\"label\":\"MN\xc2\xad\"}\n", 2},
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        const char *path = make_file(files[i].name, files[i].text);
        struct run run;
        char expected[200];
        snprintf(expected, sizeof(expected),
                 "weft: %s:%zu: label: no entity has the id MN\\u00ad\n", path, files[i].line);
        RUN(&run, "match", "query", "-e", COUNTRIES, "-x", path, "usa");
        CHECK_STR(run.err, expected);
        CHECK_STR(run.out, "");
        CHECK_EQ(run.code, 1);
        run_fini(&run);
        drop_file(path);
    }
}

/* An integer beside empty cells, as pandas writes it. */
TEST(match_examples_with_a_point_behind_an_id_say_where_it_is_from)
{
    const char *few = make_file("few.csv", "id,name\n7,Germany\n8,France\n");
    const char *path = make_file("x.csv", "text,label\nallemagne,7.0\nnowhere,\n");
    struct run run;
    RUN(&run, "match", "fit", "-e", few, "-x", path, "-o", "x.weftm");
    CHECK_EQ(run.code, 1);
    CHECK(strstr(run.err, "x.csv:2: label: no entity has the id 7.0, but without \".0\" there is "
                          "one: pandas ") != NULL);
    run_fini(&run);
    drop_file(path);
    drop_file(few);
}

static const struct {
    const char *command;
    int code;
    const char *err;
} unwritable[] = {
    {"exec \"$weft\" match query -e \"$1\" usa >/dev/full", 1,
     "weft: standard output: No space left on device\n"},
    {"exec \"$weft\" match explain -e \"$1\" usa >/dev/full", 1,
     "weft: standard output: No space left on device\n"},
    {"exec \"$weft\" match novelty -e \"$1\" usa >/dev/full", 1,
     "weft: standard output: No space left on device\n"},
    {"exec \"$weft\" match ingest \"$1\" >/dev/full", 1,
     "weft: standard output: No space left on device\n"},
    {"exec \"$weft\" --help >/dev/full", 1, "weft: standard output: No space left on device\n"},
    {"exec \"$weft\" --version >/dev/full", 1, "weft: standard output: No space left on device\n"},
    {"exec \"$weft\" match --help >/dev/full", 1,
     "weft: standard output: No space left on device\n"},
    {"exec \"$weft\" match query --help >/dev/full", 1,
     "weft: standard output: No space left on device\n"},
    {"exec \"$weft\" serve -e \"$1\" --listen 127.0.0.1:0 >/dev/full", 1,
     "weft: standard output: No space left on device\n"},

    /* Closed: its number must not become that of a file of ours. */
    {"exec \"$weft\" match query -e \"$1\" usa >&-", 1,
     "weft: standard output: Bad file descriptor\n"},
    {"exec \"$weft\" match query --help >&-", 1, "weft: standard output: Bad file descriptor\n"},
    {"exec \"$weft\" serve -e \"$1\" --listen 127.0.0.1:0 >&-", 1,
     "weft: standard output: Bad file descriptor\n"},
    {"exec \"$weft\" match query -e \"$1\" -f - <&-", 1,
     "weft: standard input: Bad file descriptor\n"},
    {"exec \"$weft\" match query -e - usa <&-", 1, "weft: standard input: Bad file descriptor\n"},
    {"exec \"$weft\" match query -e \"$1\" usa <&- 2>&- >/dev/null", 0, ""},
    {"exec \"$weft\" match query -e \"$1\" --frob usa 2>&-", 2, ""},
};

/* It says this on standard error, and no more. */
static void check_shell(const char *command, int code, const char *err)
{
    struct run run;
    run_shell(&run, command, COUNTRIES);
    note("%s", command);
    CHECK_STR(run.err, err);
    CHECK_STR(run.out, "");
    CHECK_EQ(run.code, code);
    run_fini(&run);
}

TEST(program_says_when_its_output_cannot_be_written)
{
    for (size_t i = 0; i < sizeof(unwritable) / sizeof(*unwritable); i++)
        check_shell(unwritable[i].command, unwritable[i].code, unwritable[i].err);
}

static const struct {
    const char *command, *err;
} environments[] = {
    {"WEFT_CLOCK=bogus exec \"$weft\" --version",
     "weft: WEFT_CLOCK: bogus is none of real, virtual\n"},
    {"WEFT_DEBUG=on exec \"$weft\" match query -e \"$1\" usa",
     "weft: WEFT_DEBUG: on is none of 0, 1\n"},
    {"WEFT_BACKEND=kqueue exec \"$weft\" --help",
     "weft: WEFT_BACKEND: kqueue is none of io_uring, epoll, sim\n"},
    {"WEFT_MODEL_FALLBACK=some exec \"$weft\" match query -e \"$1\" usa",
     "weft: WEFT_MODEL_FALLBACK must be 'lexical' or 'none', is 'some'\n"},
};

TEST(program_says_what_is_wrong_with_its_environment)
{
    for (size_t i = 0; i < sizeof(environments) / sizeof(*environments); i++)
        check_shell(environments[i].command, 1, environments[i].err);
}

TEST(help_of_help_is_that_of_all)
{
    static const char *const words[][4] = {
        {"help"}, {"help", "--help"}, {"help", "-h"}, {"help", "help"}, {"-h"}};
    struct run whole;
    RUN(&whole, "--help");
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        struct run run;
        run_words(&run, (weft_str){"", 0}, words[i]);
        CHECK_STR(run.out, whole.out);
        CHECK_STR(run.err, "");
        CHECK_EQ(run.code, 0);
        run_fini(&run);
    }
    run_fini(&whole);
}
