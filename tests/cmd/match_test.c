/* SPDX-License-Identifier: MIT */

/* weft match, run as people run it. */
#include "child.h"

#include <weft/catalog.h>
#include <weft/match.h>

#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#define COUNTRIES test_source("examples/data/countries.csv")

TEST(drift_is_told_of_texts_that_are_not_those_of_the_profile)
{
    const char *profile = make_file("then.profile", "");
    const char *then =
        make_file("then.txt", "Germany\nGermanny\nGermany please\nGermany now\nthe Germany\n");
    const char *now =
        make_file("now.txt", "qzx jvk 77\nqzx jvk 78\nqzx jvk 79\nqzx jvk 80\nqzx jv\n");
    struct run run;
    RUN(&run, "match", "drift", "-e", COUNTRIES, "-f", then, "--save", profile);
    CHECK_EQ(run.code, 0);
    run_fini(&run);
    RUN(&run, "match", "drift", "-e", COUNTRIES, "-f", then, "--against", profile);
    CHECK(strstr(run.out, "\"recommendation\":\"monitor\"") != NULL);
    CHECK(strstr(run.out, "\"id\":\"DE\",\"count_before\":5,\"count_after\":5") != NULL);
    run_fini(&run);
    RUN(&run, "match", "drift", "-e", COUNTRIES, "-f", now, "--against", profile);
    CHECK(strstr(run.out, "\"recommendation\":\"retrain\"") != NULL);
    run_fini(&run);
    RUN(&run, "match", "drift", "-e", COUNTRIES, "-f", now, "--against", then);
    CHECK_EQ(run.code, 1);
    CHECK(strstr(run.err, "no profile of texts") != NULL);
    run_fini(&run);
    RUN(&run, "match", "drift", "-e", COUNTRIES, "-f", now);
    CHECK_EQ(run.code, 2);
    run_fini(&run);
    drop_file(now);
    drop_file(then);
    drop_file(profile);
}

TEST(match_query_writes_a_line_a_text)
{
    struct run run;
    RUN(&run, "match", "query", "-e", COUNTRIES, "Deutschland", "no such place at all", "Burma");
    CHECK_STR(run.err, "");
    CHECK_EQ(run.code, 0);
    CHECK_STR(run.out, "{\"id\":\"DE\",\"score\":1.0,\"text\":\"deutschland\",\"name\":\"Germany\","
                       "\"matched\":\"Deutschland\"}\n"
                       "null\n"
                       "{\"id\":\"MM\",\"score\":1.0,\"text\":\"burma\",\"name\":\"Myanmar\","
                       "\"matched\":\"Burma\"}\n");
    run_fini(&run);
}

/* Misspelt, the countries are found with the program's own threshold. */
TEST(match_query_finds_misspelt_names)
{
    static const char *const pairs[][2] = {
        {"Deutchland", "{\"id\":\"DE\""},    {"Germny", "{\"id\":\"DE\""},
        {"Untied States", "{\"id\":\"US\""}, {"Swizerland", "{\"id\":\"CH\""},
        {"cote divoire", "{\"id\":\"CI\""},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
        struct run run;
        RUN(&run, "match", "query", "-e", COUNTRIES, pairs[i][0]);
        note("%s: %s", pairs[i][0], run.out);
        CHECK(text_begins(run.out, pairs[i][1]));
        run_fini(&run);
    }
}

/* ---- the same bytes as the library's ---- */

static weft_matcher *open_countries(float threshold)
{
    weft_catalog *catalog;
    weft_matcher *matcher;
    weft_m_options options;
    size_t count;
    CHECK_OK(weft_catalog_new(&catalog));
    CHECK_OK(weft_catalog_read_file(catalog, COUNTRIES, NULL, NULL));
    const weft_m_entity *entities = weft_catalog_entities(catalog, &count);
    weft_m_options_init(&options);
    options.threshold = threshold;
    CHECK_OK(weft_m_open(&matcher, entities, count, &options, NULL));
    CHECK_OK(weft_m_fit(matcher, NULL, 0, NULL, NULL));
    weft_catalog_free(catalog);
    return matcher;
}

static void check_line(const struct run *run, weft_text *text)
{
    CHECK_EQ(run->code, 0);
    CHECK_BYTES(run->out, strlen(run->out) - 1, text->ptr, text->len);
    weft_text_free(text);
}

TEST(match_commands_print_the_bytes_of_the_library)
{
    static const char *const texts[] = {"Korea", "guinea", "日本", "", "republic", "\"\\ü"};
    weft_matcher *matcher = open_countries(0.25f);
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        weft_str text = {texts[i], strlen(texts[i])};
        weft_m_query query;
        weft_text json;
        struct run run;
        note("%s", texts[i]);
        weft_m_query_init(&query);
        query.top_k = 4;
        RUN(&run, "match", "query", "-e", COUNTRIES, "-t", "0.25", "-k4", "--", texts[i]);
        CHECK_OK(weft_m_match_json(matcher, text, &query, &json, NULL));
        check_line(&run, &json);
        run_fini(&run);
        RUN(&run, "match", "explain", "-e", COUNTRIES, "-t", "0.25", "--", texts[i]);
        CHECK_OK(weft_m_explain_json(matcher, text, 5, &json, NULL));
        check_line(&run, &json);
        run_fini(&run);
        RUN(&run, "match", "diagnose", "-e", COUNTRIES, "-t", "0.25", "--", texts[i]);
        CHECK_OK(weft_m_diagnose_json(matcher, text, 3, &json, NULL));
        check_line(&run, &json);
        run_fini(&run);
    }
    weft_m_close(matcher);
}

/* ---- novelty ---- */

TEST(match_novelty_says_what_its_help_says)
{
    struct run run;
    RUN(&run, "match", "novelty", "--help");
    CHECK(strstr(run.out, "match novelty -e countries.csv Germny Mordor\n") != NULL);
    run_fini(&run);
    RUN(&run, "match", "novelty", "-e", COUNTRIES, "Germny", "Mordor");
    CHECK_EQ(run.code, 0);
    CHECK(text_begins(run.out, "{\"id\":\"DE\","));
    const char *second = strstr(run.out, "\n{\"id\":null,");
    CHECK(second != NULL && strstr(second, "\"is_novel\":true,") != NULL);
    run_fini(&run);
}

/* ---- hierarchy ---- */

TEST(match_hierarchy_finds_what_lies_above_and_says_what_is_certain)
{
    const char *shop = make_file("shop.csv", "id,name,parents\nphone,telephones,\n"
                                             "x1,Zephyr X1 black,phone\n"
                                             "x2,Zephyr X2 black,phone\n");
    struct run run;
    RUN(&run, "match", "hierarchy", "--help");
    CHECK(strstr(run.out, "match hierarchy -e products.csv 'Zephyr black'\n") != NULL);
    run_fini(&run);
    RUN(&run, "match", "hierarchy", "-e", shop, "--level", "ancestors", "Zephyr black", "X2");
    CHECK_EQ(run.code, 0);
    CHECK(text_begins(run.out, "{\"matches\":[{\"id\":\"x1\",\"score\":"));
    CHECK(strstr(run.out, "\"relationship\":\"parent\",\"depth\":1,") != NULL);
    CHECK(strstr(run.out, "\"certain\":{\"id\":\"phone\",\"name\":\"telephones\",") != NULL);
    CHECK(strstr(run.out, "\n{\"matches\":[{\"id\":\"x2\",") != NULL);
    run_fini(&run);
    RUN(&run, "match", "hierarchy", "-e", shop, "--show", "phone");
    CHECK_EQ(run.code, 0);
    CHECK(text_begins(run.out, "{\"id\":\"phone\",\"name\":\"telephones\",\"path\":["));
    CHECK(strstr(run.out, "\"descendants\":[{\"id\":\"x1\"") != NULL);
    run_fini(&run);
    RUN(&run, "match", "hierarchy", "-e", test_source("examples/data/products.csv"), "knife");
    CHECK(text_begins(run.out,
                      "{\"matches\":[],\"certain\":{\"id\":\"knives\",")); /* as the guide has it */
    run_fini(&run);
    drop_file(shop);
}

TEST(match_hierarchy_says_what_is_wrong)
{
    const char *bad = make_file("bad.csv", "id,name,parents\na,alpha,b\nb,beta,a\n");
    struct run run;
    RUN(&run, "match", "hierarchy", "-e", bad, "alpha");
    CHECK_EQ(run.code, 1);
    CHECK(text_begins(run.err, "weft: The hierarchy has a cycle: "));
    run_fini(&run);
    RUN(&run, "match", "hierarchy", "-e", COUNTRIES, "--show", "XX");
    CHECK_EQ(run.code, 1);
    CHECK(strstr(run.err, "no entity has the id XX") != NULL);
    run_fini(&run);
    RUN(&run, "match", "hierarchy", "-e", COUNTRIES, "--show", "DE", "Germany");
    CHECK_EQ(run.code, 2);
    run_fini(&run);
    RUN(&run, "match", "hierarchy", "-e", COUNTRIES, "--within", "XX", "Germany");
    CHECK_EQ(run.code, 1);
    CHECK_STR(run.err, "weft: within: 'XX' is no entity's id\n  Option: --within ID\n");
    run_fini(&run);
    RUN(&run, "match", "hierarchy", "-e", COUNTRIES, "ok", "\xFF");
    CHECK_STR(run.err, "weft: text 2: query is not UTF-8 at byte 0\n");
    run_fini(&run);
    RUN(&run, "match", "novelty", "-e", COUNTRIES, "\xFF");
    CHECK_STR(run.err, "weft: text 1: query is not UTF-8 at byte 0\n");
    run_fini(&run);
    drop_file(bad);
}

/* ---- eval ---- */

TEST(match_eval_says_how_often_answers_are_right)
{
    const char *pairs = make_file("pairs.tsv", "Deutchland\tDE\ttypo\n"
                                               "Holland\tBE|NL\n"
                                               "Italy\tFR\n"
                                               "Atlantis of the sea\t\n");
    struct run run;
    RUN(&run, "match", "eval", "-e", COUNTRIES, "-f", pairs);
    CHECK_EQ(run.code, 0);
    CHECK(text_begins(run.out,
                      "{\"queries\":4,\"novel\":1,\"threshold\":0.5,\"accuracy_at_1\":0.6666667,"));
    CHECK(strstr(run.out, "\"accuracy_at_threshold\":0.75,") != NULL);
    CHECK(strstr(run.out, "\"novelty_auroc\":null,") != NULL); /* nobody has asked */
    CHECK(strstr(run.out, ",\"coverage\":[{\"threshold\":0.1,\"answered\":0.75,"
                          "\"right\":0.6666667},{\"threshold\":0.2,") != NULL);
    run_fini(&run);
    static const char *const asking[] = {"--novelty", "--alpha=0.05", "--strategies=calibrated"};
    for (size_t i = 0; i < test_amount(sizeof(asking) / sizeof(*asking), 1); i++) {
        RUN(&run, "match", "eval", "-e", COUNTRIES, "-f", pairs, asking[i]);
        CHECK(strstr(run.out, "\"accuracy_at_threshold\":0.75,\"novelty_auroc\":1.0,") != NULL);
        run_fini(&run);
    }
    drop_file(pairs);

    pairs = make_file("pairs.tsv", "Italy\tIT\nOz\tOZ|ZO\nEldorado\tED\nFrance\tXX|FR\n");
    RUN(&run, "match", "eval", "-e", COUNTRIES, "-f", pairs);
    CHECK_EQ(run.code, 0);
    CHECK(strstr(run.out, "\"unknown_ids\":2}") != NULL);
    CHECK(strstr(run.err, "2 of 4 texts") != NULL && strstr(run.err, "wrong: OZ, ED\n") != NULL);
    run_fini(&run);
    drop_file(pairs);

    pairs = make_file("pairs.csv", "text,label\nItaly,IT.0\nFrance,FR\n");
    RUN(&run, "match", "eval", "-e", COUNTRIES, "-f", pairs);
    CHECK_EQ(run.code, 0);
    CHECK(strstr(run.err, "wrong: IT.0, but without \".0\" there is one: pandas ") != NULL);
    run_fini(&run);
    drop_file(pairs);

    pairs = make_file("pairs.tsv", "Oz\tOZ\nNowhere\t\n");
    RUN(&run, "match", "eval", "-e", COUNTRIES, "-f", pairs);
    CHECK_EQ(run.code, 1);
    CHECK_STR(run.out, "");
    CHECK(strstr(run.err, "pairs.tsv: 1 of 1 texts mean an entity that is not in the catalogue, so "
                          "that nothing can be measured: OZ\n") != NULL);
    run_fini(&run);
    drop_file(pairs);

    pairs = make_file("pairs.tsv", "Italy\tIT\nFrance\n");
    RUN(&run, "match", "eval", "-e", COUNTRIES, "-f", pairs);
    CHECK_EQ(run.code, 1);
    CHECK(strstr(run.err, "pairs.tsv:2: no tab; a line is a text, a tab and the right id") != NULL);
    run_fini(&run);
    drop_file(pairs);

    /* The same of columns and keys. */
    static const char *const tables[][2] = {
        {"pairs.csv", "nr;label;text\n1;DE;Deutchland\n2;BE|NL;Holland\n3;FR;Italy\n"
                      "4;;\"Atlantis of the sea\"\n"},
        {"pairs.ndjson", "{\"text\":\"Deutchland\",\"label\":\"DE\"}\n"
                         "{\"text\":\"Holland\",\"label\":\"BE|NL\"}\n"
                         "{\"text\":\"Italy\",\"label\":\"FR\"}\n"
                         "{\"text\":\"Atlantis of the sea\",\"label\":\"\"}\n"},
    };
    for (size_t i = 0; i < 2; i++) {
        pairs = make_file(tables[i][0], tables[i][1]);
        RUN(&run, "match", "eval", "-e", COUNTRIES, "-f", pairs);
        CHECK_EQ(run.code, 0);
        CHECK(text_begins(
            run.out, "{\"queries\":4,\"novel\":1,\"threshold\":0.5,\"accuracy_at_1\":0.6666667,"));
        CHECK(strstr(run.out, "\"accuracy_at_threshold\":0.75,") != NULL);
        run_fini(&run);
        drop_file(pairs);
        RUN_WITH(&run, tables[i][1], "match", "eval", "-e", COUNTRIES, "-f", "-", "--format",
                 strrchr(tables[i][0], '.') + 1);
        CHECK_STR(run.err, "");
        CHECK(text_begins(run.out, "{\"queries\":4,\"novel\":1,"));
        run_fini(&run);
    }
    RUN_WITH(&run, tables[0][1], "match", "eval", "-e", COUNTRIES, "-f", "-");
    CHECK_EQ(run.code, 1);
    CHECK_STR(run.err, "weft: standard input:1: no tab; a line is a text, a tab and the right id, "
                       "which is empty for none\n  Option: --format csv, json or ndjson\n");
    run_fini(&run);
    pairs = make_file("pairs.csv", "text;id\nItaly;IT\n");
    RUN(&run, "match", "eval", "-e", COUNTRIES, "-f", pairs);
    CHECK_EQ(run.code, 1);
    CHECK(strstr(run.err, "pairs.csv:1: no column label; the first row, split at semicolons, has "
                          "\"text\", \"id\"\n") != NULL);
    run_fini(&run);
    drop_file(pairs);
    pairs = make_file("pairs.ndjson", "{\"text\":\"Italy\",\"label\":\"IT\"}\n{\"text\":\"a\"}\n");
    RUN(&run, "match", "eval", "-e", COUNTRIES, "-f", pairs);
    CHECK_EQ(run.code, 1);
    CHECK(strstr(run.err, "pairs.ndjson:2: label: is missing\n") != NULL);
    run_fini(&run);
    drop_file(pairs);

    RUN(&run, "match", "eval", "-e", COUNTRIES);
    CHECK_EQ(run.code, 2);
    run_fini(&run);
    RUN_WITH(&run, "\n\n", "match", "eval", "-e", COUNTRIES, "-f", "-");
    CHECK_EQ(run.code, 1);
    CHECK_STR(run.err, "weft: standard input: no texts in it\n");
    run_fini(&run);
}

TEST(match_commands_know_kinds_of_scores)
{
    struct run run;
    RUN(&run, "match", "query", "-e", COUNTRIES, "--score", "cosine", "Deutchland");
    CHECK(text_begins(run.out, "{\"id\":\"DE\",\"score\":0.557"));
    run_fini(&run);
    RUN(&run, "match", "query", "-e", COUNTRIES, "--score", "guess", "Frnace");
    CHECK_EQ(run.code, 2);
    CHECK(text_begins(run.err, "weft: --score: guess is none of "));
    run_fini(&run);
}

TEST(match_without_its_model_says_so)
{
    struct run run;
    unsetenv("WEFT_MODEL_PATH");
    setenv("WEFT_MODEL_FALLBACK", "lexical", 1);
    RUN(&run, "match", "query", "-e", COUNTRIES, "--model", "minilm", "Germny");
    CHECK_EQ(run.code, 0);
    CHECK(strstr(run.out, "\"DE\"") != NULL);
    CHECK(text_begins(run.err, "weft: warning: there is no model 'minilm'"));
    run_fini(&run);
    unsetenv("WEFT_MODEL_FALLBACK");
    RUN(&run, "match", "query", "-e", COUNTRIES, "--model", "minilm", "Germny");
    CHECK_EQ(run.code, 1);
    CHECK(strstr(run.err, "\n  Option: --model DIR\n  Give the directory of a model") != NULL);
    run_fini(&run);
}

/* ---- files and standard input ---- */

static const char five_answers[] = "US\n-\nMM\n-\nCD\n";

TEST(match_query_reads_texts_from_files_of_each_kind)
{
    const char *lines = make_file("q.txt", "usa\n\nBurma\r\nxyzzy plugh\nZaire");
    struct run run;
    RUN(&run, "match", "query", "-e", COUNTRIES, "-f", lines);
    CHECK_STR(answer_ids(run.out), five_answers);
    run_fini(&run);
    drop_file(lines);

    const char *csv = make_file("q.csv", "n,query\n1,usa\n2,\n3,Burma\n4,xyzzy plugh\n5,Zaire\n");
    RUN(&run, "match", "query", "-e", COUNTRIES, "-f", csv);
    CHECK_STR(answer_ids(run.out), five_answers);
    run_fini(&run);
    drop_file(csv);

    RUN_WITH(&run, "\"usa\"\n{\"t\":\"\"}\n\"Burma\"\n\"xyzzy plugh\"\n{\"t\":\"Zaire\"}\n",
             "match", "query", "-e", COUNTRIES, "-f", "-", "--format", "ndjson", "--field", "t");
    CHECK_STR(run.err, "");
    CHECK_STR(answer_ids(run.out), five_answers);
    run_fini(&run);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    CHECK_GE(fputs(text, file), 0);
    CHECK_EQ(fclose(file), 0);
}

TEST(match_fit_saves_what_the_other_commands_take)
{
    char path[64];
    struct run saved, direct;
    snprintf(path, sizeof(path), "/tmp/weft-cmd-%d.weftm", (int)getpid());
    RUN(&saved, "match", "fit", "-e", COUNTRIES, "-t", "0.4", "-o", path);
    CHECK_EQ(saved.code, 0);
    CHECK_STR(saved.out, "");
    CHECK(strstr(saved.err, "zero-shot") != NULL);
    run_fini(&saved);
    RUN(&saved, "match", "query", "-m", path, "-k", "3", "Deutchland", "korea", "nothing like it");
    RUN(&direct, "match", "query", "-e", COUNTRIES, "-t", "0.4", "-k", "3", "Deutchland", "korea",
        "nothing like it");
    CHECK_EQ(saved.code, 0);
    CHECK_STR(saved.out, direct.out);
    run_fini(&saved);
    run_fini(&direct);
    RUN(&saved, "match", "query", "-m", path, "-e", COUNTRIES, "x");
    CHECK_EQ(saved.code, 2);
    run_fini(&saved);
    CHECK_EQ(truncate(path, 5000), 0);
    RUN(&saved, "match", "query", "-m", path, "x");
    CHECK_EQ(saved.code, 1);
    CHECK(strstr(saved.err, "cut off") != NULL);
    run_fini(&saved);
    CHECK_EQ(unlink(path), 0);
}

static weft_bytes fit_to(const char *entities, const char *examples, const char *path)
{
    struct run run;
    weft_bytes bytes = {.ptr = calloc(1, 1 << 20)};
    RUN(&run, "match", "fit", "-e", entities, "-x", examples, "--mode", "head-only", "-o", path);
    CHECK_EQ(run.code, 0);
    run_fini(&run);
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    bytes.len = fread(bytes.ptr, 1, 1 << 20, file);
    CHECK_EQ(fclose(file), 0);
    return bytes;
}

/* Each process has keys of hash tables of its own, and their files are the same. */
TEST(match_fit_writes_the_same_file_in_every_run)
{
    const char *from = make_file("same.csv", "id,name\na,apple\nb,pear\nc,plum\n");
    const char *examples = make_file("same.txt", "red fruit\ta\ngreen fruit\tb\n");
    const char *to = make_file("same.weftm", "");
    weft_bytes first = fit_to(from, examples, to), second = fit_to(from, examples, to);
    CHECK_GT(first.len, 1000);
    CHECK_BYTES(first.ptr, first.len, second.ptr, second.len);
    free(first.ptr);
    free(second.ptr);
    drop_file(from);
    drop_file(examples);
    drop_file(to);
}

TEST(match_learns_from_examples_of_each_kind)
{
    static const struct {
        const char *name, *text;
    } files[] = {
        {"csv", "text,label\nwallet stolen,lost\nthey stole my purse,lost\n"
                "add some money,top\nput money in,top\nrainy weather,\n"},
        {"txt", "wallet stolen\tlost\nthey stole my purse\tlost\n\nadd some money\ttop\n"
                "put money in\ttop\nrainy weather\t\n"},
        {"ndjson", "{\"text\":\"wallet stolen\",\"label\":\"lost\"}\n"
                   "{\"text\":\"they stole my purse\",\"label\":\"lost\"}\n"
                   "{\"text\":\"add some money\",\"label\":\"top\"}\n"
                   "{\"text\":\"put money in\",\"label\":\"top\"}\n"
                   "{\"text\":\"rainy weather\",\"label\":\"\"}\n"},
    };
    char entities[64], examples[64], first[600] = "";
    snprintf(entities, sizeof(entities), "/tmp/weft-cmd-%d-e.csv", (int)getpid());
    write_file(entities, "id,name\nlost,card_missing\ntop,top_up\n");
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        struct run run;
        snprintf(examples, sizeof(examples), "/tmp/weft-cmd-%d-x.%s", (int)getpid(), files[i].name);
        write_file(examples, files[i].text);
        RUN(&run, "match", "query", "-e", entities, "-x", examples, "--mode", "head-only", "-t",
            "0", "my purse was stolen");
        note("%s: %s%s", files[i].name, run.out, run.err);
        CHECK_EQ(run.code, 0);
        CHECK(text_begins(run.out, "{\"id\":\"lost\""));
        CHECK(i == 0 || strcmp(run.out, first) == 0);
        snprintf(first, sizeof(first), "%s", run.out);
        run_fini(&run);
        RUN(&run, "match", "explain", "-e", entities, "-x", examples, "--mode", "head-only",
            "--json", "my purse was stolen");
        CHECK_EQ(run.code, 0);
        CHECK(strstr(run.out, "\"mode\":\"head-only\"") != NULL); /* and was not fitted again */
        run_fini(&run);
        CHECK_EQ(unlink(examples), 0);
    }
    CHECK_EQ(unlink(entities), 0);
}

/* As entities have them. */
TEST(match_labels_of_json_may_be_integers)
{
    struct run run;
    const char *examples = make_file("x.ndjson", "{\"text\":\"wallet stolen\",\"label\":7}\n"
                                                 "{\"text\":\"add some money\",\"label\":-8}\n"
                                                 "{\"text\":\"rainy weather\",\"label\":null}\n");
    RUN_WITH(&run, "[{\"id\":7,\"name\":\"card_missing\"},{\"id\":-8,\"name\":\"top_up\"}]",
             "match", "query", "-e", "-", "-x", examples, "--mode", "head-only", "-t", "0",
             "wallet");
    CHECK_STR(run.err, "");
    CHECK(text_begins(run.out, "{\"id\":7,"));
    run_fini(&run);
    drop_file(examples);
    examples = make_file("x.ndjson", "{\"text\":\"wallet stolen\",\"label\":7.5}\n");
    RUN_WITH(&run, "[{\"id\":7,\"name\":\"card_missing\"}]", "match", "query", "-e", "-", "-x",
             examples, "wallet");
    CHECK_EQ(run.code, 1);
    CHECK(strstr(run.err, "x.ndjson:1: label: must be a string or an integer\n") != NULL);
    run_fini(&run);
    drop_file(examples);
}

TEST(match_query_reads_entities_from_standard_input)
{
    struct run run;
    RUN_WITH(&run, "[{\"id\":7,\"name\":\"seven\"}]", "match", "query", "-e", "-", "seven");
    CHECK_STR(run.out, "{\"id\":7,\"score\":1.0,\"text\":\"seven\",\"name\":\"seven\","
                       "\"matched\":\"seven\"}\n");
    run_fini(&run);
}

/* Somebody who types a line gets its answer before the next. */
TEST(match_query_answers_a_trickling_input_at_once)
{
    struct child child;
    wf_buf out = {0}, err = {0};
    child_start(&child, (const char *const[]){"match", "query", "-e", COUNTRIES, "-f", "-", NULL});
    for (int i = 1; i <= 3; i++) {
        weft_str nothing = {"", 0};
        CHECK_EQ(write(child.in, "Burma\n", 6), 6);
        size_t lines = 0;
        int in = child.in;
        child.in = -1; /* keep it open */
        while (lines < (size_t)i && child_turn(&child, &nothing, &out, &err)) {
            lines = 0;
            for (size_t k = 0; k < wf_buf_bytes(&out); k++)
                lines += wf_buf_ptr(&out)[k] == '\n';
        }
        child.in = in;
        CHECK_EQ(lines, (size_t)i);
    }
    CHECK_EQ(child_wait(&child), 0);
    wf_buf_fini(&out);
    wf_buf_fini(&err);
}

/* Somebody who goes away without a word: there is nobody left to wait for the next text for. */
TEST(match_query_ends_when_nobody_reads_its_answers)
{
    struct child child;
    wf_buf err = {0};
    child_start(&child, (const char *const[]){"match", "query", "-e", COUNTRIES, "-f", "-", NULL});
    CHECK_OK(close(child.out));
    child.out = -1;
    CHECK_EQ(write(child.in, "Burma\n", 6), 6);
    while (child_read(&child.err, &err)) /* to its end; more may be read from `in` */
        ;
    CHECK_EQ(wf_buf_bytes(&err), 0u);
    CHECK_EQ(child_wait(&child), 1);
    wf_buf_fini(&err);
}

/* -k 1000: few texts make a chunk, so the bad one is found while others are answered. */
TEST(match_query_answers_all_texts_before_a_bad_one)
{
    wf_buf texts = {0};
    for (int i = 0; i < 170; i++)
        wf_buf_printf(&texts, "%s\n", i % 2 == 0 ? "Germany" : "zzz");
    wf_buf_printf(&texts, "%*s\nGermany\n", 70000, "long");
    wf_buf_putc(&texts, '\0');
    const char *path = make_file("q.txt", wf_buf_ptr(&texts));
    struct run run;
    RUN(&run, "match", "query", "-e", COUNTRIES, "-f", path, "-k", "1000");
    CHECK_EQ(run.code, 1);
    CHECK(strstr(run.err, "q.txt:171: the line has too many bytes") != NULL);
    const char *line = run.out;
    for (int i = 0; i < 170; i++) {
        CHECK(text_begins(line, i % 2 == 0 ? "[{\"id\":\"DE\"" : "[]\n"));
        line = strchr(line, '\n') + 1;
    }
    CHECK_STR(line, "");
    run_fini(&run);
    wf_buf_fini(&texts);
    drop_file(path);
}

TEST(match_query_shows_progress_off_a_terminal_only_if_asked)
{
    const char *path = make_file("q.txt", "a\nb\nc\n");
    struct run run;
    RUN(&run, "match", "query", "-e", COUNTRIES, "-f", path);
    CHECK_STR(run.err, "");
    run_fini(&run);
    RUN(&run, "match", "query", "-e", COUNTRIES, "-f", path, "--progress");
    CHECK_STR(run.err, "3/3\n");
    run_fini(&run);
    RUN_WITH(&run, "a\nb\nc\n", "match", "query", "-e", COUNTRIES, "-f", "-", "--progress");
    const char *last = strstr(run.err, "3/3\n"); /* how many come is known at the end only */
    CHECK(last != NULL && last[4] == '\0');
    run_fini(&run);
    drop_file(path);
}

TEST(match_fit_says_whether_learning_was_better)
{
    const char *from = make_file("few.csv", "id,name\na,apple\nb,pear\n");
    const char *examples = make_file("few.txt", "aple\ta\npaer\tb\nappel\ta\n");
    const char *to = make_file("few.weftm", "");
    struct run run;
    RUN(&run, "match", "fit", "-e", from, "-x", examples, "-o", to);
    CHECK_EQ(run.code, 0);
    CHECK(strstr(run.err, ": no learning was right about 3 of 3 held-out examples, ") != NULL);
    run_fini(&run);
    RUN(&run, "match", "info", "-m", to);
    CHECK(strstr(run.out, "\"trial\":{\"held_out\":3,\"slips\":4,\"winner\":\"zero-shot\",") !=
          NULL);
    run_fini(&run);
    drop_file(from);
    drop_file(examples);
    drop_file(to);
}

/* ---- help ---- */

TEST(help_is_on_standard_output_and_names_every_command)
{
    static const char *const helps[][4] = {
        {"help"},
        {"--help"},
        {"match", "--help"},
        {"match", "query", "--help"},
        {"help", "match", "query"},
        {"match", "explain", "-h"},
        {"match", "diagnose", "-h"},
        {"serve", "--help"},
        {"help", "serve"},
        {"config", "--help"},
    };
    for (size_t i = 0; i < sizeof(helps) / sizeof(*helps); i++) {
        struct run run;
        const char *words[5] = {0};
        memcpy(words, helps[i], sizeof(helps[i]));
        run_words(&run, (weft_str){"", 0}, words);
        note("row %zu", i);
        CHECK_EQ(run.code, 0);
        CHECK_STR(run.err, "");
        CHECK(text_begins(run.out, "Usage: weft "));
        run_fini(&run);
    }
    struct run run;
    RUN(&run, "--version");
    CHECK(text_begins(run.out, "weft 0."));
    CHECK(strstr(run.out, "\nback end: ") != NULL);
    CHECK_EQ(run.code, 0);
    run_fini(&run);
}

/* ---- FIFOs ---- */

static const char *make_fifo(void)
{
    const char *path = make_file("fifo", "");
    CHECK_OK(unlink(path));
    CHECK_OK(mkfifo(path, 0600));
    return path;
}

/* The writing end, open once the program has opened the other, and so waits. */
static int open_writer(const char *path)
{
    int fd;
    do {
        fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    } while (fd < 0 && errno == ENXIO);
    CHECK_OK(fd);
    return fd;
}

static void check_fifo_interrupt(const char *path, const char *const *words)
{
    struct child child;
    child_start(&child, words);
    int fd = open_writer(path);
    kill(child.pid, SIGINT);
    CHECK_EQ(child_wait(&child), 130);
    close(fd);
}

TEST(match_query_ends_with_130_while_it_waits_for_a_writer)
{
    const char *path = make_fifo();
    check_fifo_interrupt(path, (const char *const[]){"match", "query", "-e", path, "usa", NULL});
    check_fifo_interrupt(
        path, (const char *const[]){"match", "query", "-e", COUNTRIES, "-f", path, NULL});
    drop_file(path);
}

TEST(match_query_reads_a_fifo_whose_writer_comes_later)
{
    const char *path = make_fifo();
    struct child child;
    wf_buf out = {0}, err = {0};
    weft_str nothing = {"", 0};
    child_start(&child, (const char *const[]){"match", "query", "-e", COUNTRIES, "-f", path, NULL});
    int fd = open_writer(path);
    CHECK_EQ(write(fd, "Burma\nusa\n", 10), 10);
    close(fd);
    while (child_turn(&child, &nothing, &out, &err))
        ;
    wf_buf_putc(&out, '\0');
    CHECK_STR(answer_ids(wf_buf_ptr(&out)), "MM\nUS\n");
    CHECK_EQ(wf_buf_bytes(&err), 0u);
    CHECK_EQ(child_wait(&child), 0);
    wf_buf_fini(&out);
    wf_buf_fini(&err);
    drop_file(path);
}

/* ---- the stages of hybrid ---- */

TEST(match_query_says_how_many_each_stage_of_hybrid_leaves)
{
    struct run run;
    RUN(&run, "match", "query", "-e", COUNTRIES, "--mode", "hybrid", "-t", "0", "-k", "9", "Korea");
    CHECK(strstr(run.out, "\"KP\"") != NULL);
    run_fini(&run);
    RUN(&run, "match", "query", "-e", COUNTRIES, "--mode", "hybrid", "-t", "0", "-k", "9",
        "--blocking-top-k", "9", "--retrieval-top-k", "5", "--final-top-k", "1", "Korea");
    CHECK_STR(run.err, "");
    CHECK(strstr(run.out, "[{\"id\":\"KR\"") == run.out);
    CHECK(strstr(run.out, "\"KP\"") == NULL);
    run_fini(&run);
    RUN(&run, "match", "query", "-e", COUNTRIES, "--final-top-k", "1", "Korea");
    CHECK(strstr(run.err, "weft: --final-top-k is of mode hybrid\n") == run.err);
    CHECK_EQ(run.code, 2);
    run_fini(&run);
}

/* ---- bench ---- */

TEST(match_bench_says_what_a_matcher_costs)
{
    const char *texts = make_file("texts.txt", "Deutchland\nBurma\nItalia\nKorea\nzzz\n");
    struct run run;
    RUN(&run, "match", "bench", "-e", COUNTRIES, "-f", texts);
    CHECK_STR(run.err, "");
    CHECK_EQ(run.code, 0);
    CHECK(strstr(run.out, "\"mode\":\"zero-shot\",") != NULL);
    CHECK(strstr(run.out, "\"single\":{\"texts\":2,\"per_second\":") != NULL);
    CHECK(strstr(run.out, "\"batch\":{\"texts\":3,\"per_second\":") != NULL);
    run_fini(&run);
    drop_file(texts);

    texts = make_file("texts.txt", "one\n");
    RUN(&run, "match", "bench", "-e", COUNTRIES, "-f", texts);
    CHECK_EQ(run.code, 1);
    CHECK(strstr(run.err, "texts.txt: 1 texts; at least 2 are needed") != NULL);
    run_fini(&run);
    RUN(&run, "match", "bench", "-e", COUNTRIES, "Korea");
    CHECK_EQ(run.code, 2);
    run_fini(&run);
    drop_file(texts);
}
