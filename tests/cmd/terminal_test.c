/* SPDX-License-Identifier: MIT */

/* What a person at a terminal sees. */
#include "child.h"

#include <sys/ioctl.h>

/* Runs the program with standard output and error on a terminal of its own, of so many columns. */
static void run_on_terminal(struct run *run, unsigned short columns, const char *const *words)
{
    char *argv[CHILD_WORDS_MAX + 2] = {(char *)(uintptr_t)WEFT_PROGRAM}, name[64];
    for (int i = 0; words[i] != NULL; i++)
        argv[i + 1] = (char *)(uintptr_t)words[i];
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0)
        SKIP("no pseudo-terminals here");
    CHECK_OK(grantpt(terminal));
    CHECK_OK(unlockpt(terminal));
    CHECK_OK(ptsname_r(terminal, name, sizeof(name)));
    int side = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    CHECK_OK(side);
    CHECK_OK(ioctl(terminal, TIOCSWINSZ, &(struct winsize){.ws_col = columns}));
    pid_t pid = fork();
    CHECK_GE(pid, 0);
    if (pid == 0) {
        dup2(side, 1);
        dup2(side, 2);
        execv(WEFT_PROGRAM, argv);
        _exit(127);
    }
    close(side);
    *run = (struct run){0};
    while (child_read(&terminal, &run->out_buf)) /* ends with EIO when the other side is closed */
        ;
    struct child child = {.pid = pid, .in = -1, .out = -1, .err = -1};
    run->code = child_wait(&child);
    wf_buf_putc(&run->out_buf, '\0');
    run->out = wf_buf_ptr(&run->out_buf);
}

#define RUN_AT(columns_, run_, ...)                                                                \
    run_on_terminal((run_), (columns_), (const char *const[]){__VA_ARGS__, NULL})
#define RUN_ON_TERMINAL(run_, ...) RUN_AT(0, run_, __VA_ARGS__)
#define COUNTRIES test_source("examples/data/countries.csv")

TEST(match_query_is_a_table_on_a_terminal)
{
    struct run run;
    RUN_ON_TERMINAL(&run, "match", "query", "-e", COUNTRIES, "Burma", "日本", "xyzzy plugh");
    CHECK_EQ(run.code, 0);
    CHECK_STR(
        run.out,
        "QUERY                           ID            SCORE  NAME                            "
        "MATCHED\r\n"
        "Burma                           MM            1.000  Myanmar                         "
        "Burma\r\n"
        "日本                            JP            1.000  Japan                           "
        "日本\r\n"
        "xyzzy plugh                     -             -      no match\r\n");
    run_fini(&run);
}

TEST(tables_are_as_wide_as_the_terminal)
{
    struct run run;
    RUN_AT(80, &run, "match", "query", "-e", COUNTRIES, "Burma", "République démocratique du Congo",
           "xyzzy plugh");
    CHECK_STR(run.out,
              "QUERY               ID            SCORE  NAME                MATCHED\r\n"
              "Burma               MM            1.000  Myanmar             Burma\r\n"
              "République démocr…  CD            1.000  Democratic Republ…  République démocra…\r\n"
              "xyzzy plugh         -             -      no match\r\n");
    run_fini(&run);
    RUN_AT(40, &run, "match", "query", "-e", COUNTRIES, "Deutschland");
    CHECK_STR(run.out, "QUERY    ID            SCORE  NAME     MATCHED\r\n"
                       "Deutsc…  DE            1.000  Germany  Deutsc…\r\n");
    run_fini(&run);
    RUN_AT(70, &run, "match", "novelty", "-e", COUNTRIES, "République démocratique du Congo");
    const char *row = strstr(run.out, "SCORE\r\n");
    CHECK(row != NULL && text_begins(row + 7, "République démocra…  match    "));
    CHECK(strstr(row, "  Democratic Republi…  1.000\r\n") != NULL);
    run_fini(&run);
}

/* What is cut says so, or half an id would look like one. */
TEST(match_query_shows_on_a_terminal_what_is_cut)
{
    struct run run;
    const char *path =
        make_file("long.csv", "id,name\n123456789012,Halden vacuum cleaner Turbo 30\n"
                              "1234567890123,Halden vacuum cleaner Turbo 31b\n"
                              "c,日本日本日本日本日本日本日本日本\n");
    RUN_ON_TERMINAL(&run, "match", "query", "-e", path, "Halden vacuum cleaner Turbo 30",
                    "Halden vacuum cleaner Turbo 31b", "日本日本日本日本日本日本日本日本");
    const char *row = strstr(run.out, "\r\n");
    CHECK(row != NULL);
    CHECK(text_begins(row + 2, "Halden vacuum cleaner Turbo 30  123456789012  1.000  "
                               "Halden vacuum cleaner Turbo 30  Halden "));
    row = strstr(row + 2, "\r\n");
    CHECK(text_begins(row + 2, "Halden vacuum cleaner Turbo 3…  12345678901…  1.000  "
                               "Halden vacuum cleaner Turbo 3…  Halden "));
    row = strstr(row + 2, "\r\n");
    CHECK(text_begins(row + 2, "日本日本日本日本日本日本日本…   c             1.000  "));
    run_fini(&run);
    drop_file(path);
}

TEST(match_info_is_a_page_on_a_terminal)
{
    static const char *const lines[] = {
        "\r\nthreshold           0.5\r\n", "\r\nnormalize           yes\r\n",
        "\r\ntrial\r\n  held_out          2\r\n", "\r\n  zero-shot\r\n    asked           2\r\n"};
    const char *few = make_file("few.csv", "id,name\na,apple\nb,pear\n");
    const char *examples = make_file("few.txt", "aple\ta\npaer\tb\n");
    struct run run;
    RUN_ON_TERMINAL(&run, "match", "info", "-e", few, "-x", examples);
    CHECK_EQ(run.code, 0);
    note("%s", run.out);
    CHECK(strstr(run.out, "\033[Kmode                zero-shot\r\n") != NULL); /* behind the bar */
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
        CHECK(strstr(run.out, lines[i]) != NULL);
    run_fini(&run);
    RUN_ON_TERMINAL(&run, "match", "info", "-e", few, "--json");
    CHECK(text_begins(run.out, "{\"mode\":\"zero-shot\","));
    run_fini(&run);
    drop_file(few);
    drop_file(examples);
}

/* Five of one name: the table says who may be meant as well. */
TEST(match_query_shows_on_a_terminal_who_is_tied)
{
    struct run run;
    const char *path =
        make_file("towns.csv", "id,name\na,Springfield\nb,Springfield\nc,Shelbyville\n"
                               "d,Springfield\ne,springfield\nf,SPRINGFIELD\n"
                               "g,Shelbyville\n");
    RUN_ON_TERMINAL(&run, "match", "query", "-e", path, "Springfield", "Shelbyville");
    CHECK(strstr(run.out, "  Springfield  or b, d, e and 1 more\r\n") != NULL);
    CHECK(strstr(run.out, "  Shelbyville  or g\r\n") != NULL);
    run_fini(&run);
    drop_file(path);
}

TEST(match_hierarchy_prints_what_its_page_shows)
{
    char page[8192], line[128];
    struct run run;
    FILE *file = fopen(test_source("docs/hierarchy.md"), "re");
    CHECK(file != NULL);
    page[fread(page, 1, sizeof(page) - 1, file)] = 0;
    CHECK_OK(fclose(file));
    RUN_ON_TERMINAL(&run, "match", "hierarchy", "-e", test_source("examples/data/products.csv"),
                    "knife");
    CHECK_EQ(run.code, 0);
    const char *at = run.out, *end;
    for (; (end = strstr(at, "\r\n")) != NULL; at = end + 2) {
        snprintf(line, sizeof(line), "\n    %.*s\n", (int)(end - at), at);
        note("%s", line);
        CHECK(end == at || strstr(page, line) != NULL);
    }
    CHECK_GT(at - run.out, 100);
    run_fini(&run);
}

TEST(match_query_is_json_on_a_terminal_if_asked)
{
    struct run run;
    RUN_ON_TERMINAL(&run, "match", "query", "-e", COUNTRIES, "--json", "xyzzy plugh");
    CHECK_STR(run.out, "null\r\n");
    run_fini(&run);
}

/* Text from outside cannot move the cursor or turn the line around. */
TEST(match_query_shows_control_characters_escaped)
{
    struct run run;
    RUN_ON_TERMINAL(&run, "match", "query", "-e", COUNTRIES, "\033[2J\xE2\x80\xAE");
    CHECK(strstr(run.out, "\033") == NULL);
    CHECK(strstr(run.out, "\\x1b[2J\\u202e") != NULL);
    run_fini(&run);
}

TEST(match_discover_says_on_a_terminal_what_may_find_clusters)
{
    static const char all[] = "2 texts, 2 new, 0 clusters, 2 new texts in none\r\n\r\n"
                              "no clusters found\r\n"
                              "  --cluster-size N: fewer than 3 texts may be one\r\n"
                              "  --clustering louvain: texts may have less in common\r\n";
    static const char some[] = "2 texts, 0 new, 0 clusters, 0 new texts in none\r\n\r\n"
                               "no clusters found\r\n"
                               "  --all: every text counts as new\r\n";
    const char *path = make_file("new.txt", "qualm\nzephyr\n");
    const char *known = make_file("known.txt", "Burma\nJapan\n");
    struct run run;
    RUN_ON_TERMINAL(&run, "match", "discover", "-e", COUNTRIES, "--all", "-f", path);
    CHECK(strstr(run.out, all) != NULL);
    run_fini(&run);
    RUN_ON_TERMINAL(&run, "match", "discover", "-e", COUNTRIES, "-f", known, "--cluster-size", "2",
                    "--clustering", "louvain");
    CHECK(strstr(run.out, some) != NULL);
    run_fini(&run);
    drop_file(path);
    drop_file(known);
}

TEST(match_query_of_a_file_shows_a_bar_on_a_terminal)
{
    const char *path = make_file("q.txt", "a\nb\n");
    struct run run;
    RUN_ON_TERMINAL(&run, "match", "query", "-e", COUNTRIES, "-f", path);
    CHECK(strstr(run.out, "] 2/2 100%") != NULL);
    run_fini(&run);
    drop_file(path);
}

TEST(match_explain_is_a_page_on_a_terminal)
{
    struct run run;
    RUN_ON_TERMINAL(&run, "match", "explain", "-e", COUNTRIES, "-k1", "Burma");
    CHECK(strstr(run.out, "query       Burma\r\nnormalised  burma\r\nmatched     yes") != NULL);
    CHECK(strstr(run.out, "   1. 1.000  MM  Myanmar  by \"Burma\"") != NULL);
    CHECK(strstr(run.out, " shared: word \"burma\" 0.") != NULL);
    CHECK(strstr(run.out, "ahead of the next") == NULL); /* nobody looked who that is */
    run_fini(&run);
    RUN_ON_TERMINAL(&run, "match", "explain", "-e", COUNTRIES, "-k2", "Burma");
    const char *margin = strstr(run.out, "  by \"Burma\", ");
    CHECK(margin != NULL && strstr(margin, " ahead of the next\r\n") != NULL);
    CHECK(strstr(strstr(run.out, "   2. "), "ahead of") == NULL);
    run_fini(&run);
}

TEST(match_explain_wraps_what_is_long)
{
    struct run run;
    RUN_AT(80, &run, "match", "explain", "-e", COUNTRIES, "Deutchland");
    CHECK_EQ(run.code, 0);
    size_t lists = 0;
    for (const char *line = run.out, *end; (end = strstr(line, "\r\n")) != NULL; line = end + 2) {
        CHECK_LE((size_t)(end - line), 80u);
        lists += text_begins(line, "                    \"") ||
                 text_begins(line, "                    letters");
    }
    CHECK_GE(lists, 2u);
    run_fini(&run);
}

/* Bytes and times as people say them; what an option sets is there. */
TEST(config_shows_limits)
{
    struct run run;
    RUN_ON_TERMINAL(&run, "config", "--body-max", "1000000", "--matchers-max", "7");
    CHECK_EQ(run.code, 0);
    CHECK(text_begins(run.out, "head_bytes_max              64 KiB\r\n"));
    static const char *const rows[] = {
        "\nbody_bytes_max              1000000 bytes\r\n",
        "\nbody_rate_min               1 KiB a second\r\n",
        "\nhead_time_max               10 s\r\n",
        "\nh2_reset_rate               33 a second\r\n",
        "\nmatchers_max                7\r\n",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        note("%s", rows[i]);
        CHECK(strstr(run.out, rows[i]) != NULL);
    }
    run_fini(&run);
    RUN(&run, "config");
    CHECK(text_begins(run.out, "{\"head_bytes_max\":65536,"));
    CHECK(strstr(run.out, ",\"body_bytes_max\":8388608,") != NULL);
    CHECK(strstr(run.out, ",\"queue_time_max\":0.5,") != NULL);
    CHECK(strstr(run.out, ",\"jobs_age_max\":3600.0}\n") != NULL);
    run_fini(&run);
}

/* However it ends, the screen is as before. */
TEST(test_O03_top_gives_the_terminal_back)
{
    struct run run;
    RUN_ON_TERMINAL(&run, "top", "2147483646");
    note("%s", run.out);
    CHECK_EQ(run.code, 1);
    const char *begin = strstr(run.out, "\033[?1049h\033[?25l");
    CHECK(begin == run.out);
    const char *end = strstr(begin, "\033[?25h\033[?1049l");
    CHECK(end != NULL);
    CHECK(strstr(end, "no process 2147483646") != NULL);
    run_fini(&run);
}
