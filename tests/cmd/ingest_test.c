/* SPDX-License-Identifier: MIT */

/* weft match ingest, from files and from a server. */
#include "child.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

TEST(ingest_makes_a_catalogue_of_any_columns)
{
    const char *csv = make_file("a.csv", "Code;x,Title,alt\n\"1;\",Germany,D;BRD\n2,France,\n");
    const char *json =
        make_file("b.json", "[{\"Code;x\":\"2\",\"Title\":\"Gaule\",\"alt\":\"F\","
                            "\"area\":{\"km2\":551695}},"
                            "{\"Code;x\":7,\"Title\":\"\\u00d6sterreich\",\"area\":1}]");
    struct run run;
    RUN(&run, "match", "ingest", "--id-field", "Code;x", "--name-field", "Title", "--aliases-field",
        "alt", "--separator", ";", csv, json);
    CHECK_STR(run.err, "weft: 3 entities, 1 rows merged, 0 bad rows left out\n");
    CHECK_EQ(run.code, 0);
    CHECK_STR(run.out, "{\"id\":\"1;\",\"name\":\"Germany\",\"aliases\":[\"D\",\"BRD\"]}\n"
                       "{\"id\":\"2\",\"name\":\"France\",\"aliases\":[\"Gaule\",\"F\"]}\n"
                       "{\"id\":7,\"name\":\"Österreich\",\"area\":1}\n");
    run_fini(&run);
    RUN(&run, "match", "ingest", "--id-field", "Code;x", "--name-field", "Title", "--aliases-field",
        "alt", "--strict", csv, json);
    CHECK_EQ(run.code, 1);
    CHECK_STR(run.out, "");
    CHECK(strstr(run.err, "b.json:1: Code;x: 2 is there already, from line 3 of ") != NULL);
    run_fini(&run);
    drop_file(csv);
    drop_file(json);
}

TEST(ingest_splits_rows_at_what_the_first_speaks_for)
{
    const char *csv = make_file("a.csv", "sep=;\r\nArtikel;Name;Preis, EUR\r\n7;Schraube;0,25\r\n");
    struct run run;
    RUN(&run, "match", "ingest", "--id-field", "Artikel", csv);
    CHECK_STR(run.out, "{\"id\":\"7\",\"name\":\"Schraube\",\"Preis, EUR\":\"0,25\"}\n");
    CHECK_EQ(run.code, 0);
    run_fini(&run);
    RUN(&run, "match", "ingest", csv);
    CHECK_EQ(run.code, 1);
    CHECK(strstr(run.err,
                 "a.csv:2: no column id; the first row, split at semicolons, has \"Artikel\", "
                 "\"Name\", \"Preis, EUR\"\n"
                 "  Option: --id-field NAME of 'weft match ingest'\n") != NULL);
    run_fini(&run);
    RUN_WITH(&run, "id;name;x,id,name\n1;a;2,3,b\n", "match", "ingest", "--format", "csv", "-");
    CHECK_EQ(run.code, 1);
    CHECK_STR(run.err, "weft: standard input:1: the first row can be split at commas and at "
                       "semicolons: say which by the delimiter\n  Option: --delimiter C\n");
    run_fini(&run);
    RUN_WITH(&run, "id;name;x,id,name\n1;a;2,3,b\n", "match", "ingest", "--format", "csv",
             "--delimiter", ";", "-");
    CHECK_STR(run.out, "{\"id\":\"1\",\"name\":\"a\",\"x,id,name\":\"2,3,b\"}\n");
    run_fini(&run);
    drop_file(csv);
}

TEST(ingest_takes_what_lies_above_by_any_name)
{
    struct run run;
    RUN_WITH(&run, "id,name,up\na,Food,\nb,Cheese,a\n", "match", "ingest", "--parents-field", "up",
             "--format", "csv", "-");
    CHECK_STR(run.out, "{\"id\":\"a\",\"name\":\"Food\"}\n"
                       "{\"id\":\"b\",\"name\":\"Cheese\",\"hierarchy\":{\"parents\":[\"a\"]}}\n");
    CHECK_EQ(run.code, 0);
    run_fini(&run);
    RUN_WITH(
        &run,
        "[{\"id\":1,\"name\":\"Food\",\"up\":null},{\"id\":2,\"name\":\"Cheese\",\"up\":1,\"x\":3},"
        "{\"id\":3,\"name\":\"Brie\",\"up\":[2,\"1\"]}]",
        "match", "ingest", "--parents-field", "up", "--format", "json", "-");
    CHECK_STR(run.out, "{\"id\":1,\"name\":\"Food\",\"up\":null}\n"
                       "{\"id\":2,\"name\":\"Cheese\",\"hierarchy\":{\"parents\":[1]},\"x\":3}\n"
                       "{\"id\":3,\"name\":\"Brie\",\"hierarchy\":{\"parents\":[2,\"1\"]}}\n");
    CHECK_EQ(run.code, 0);
    run_fini(&run);
    RUN_WITH(&run, "[{\"id\":1,\"name\":\"Food\",\"up\":[true]}]", "match", "ingest",
             "--parents-field", "up", "--format", "json", "-");
    CHECK_STR(run.err, "weft: standard input:1: up[0]: must be an id: a string or an integer (item "
                       "1 of the array)\n  Option: --skip-bad\n");
    CHECK_EQ(run.code, 1);
    run_fini(&run);
}

/* Brie's row stands at "Food > Cheese", whose own row comes later; nobody's row is Food. */
TEST(ingest_makes_a_hierarchy_of_paths)
{
    struct run run;
    RUN_WITH(&run,
             "id,name,where\n1,Brie,Food>Cheese\n2,Cheese, Food > Cheese\n3,Tools,\n4,Saw,Tools\n",
             "match", "ingest", "--path-field", "where", "--format", "csv", "-");
    CHECK_STR(run.out, "{\"id\":\"1\",\"name\":\"Brie\",\"hierarchy\":{\"parents\":[\"2\"]},"
                       "\"where\":\"Food>Cheese\"}\n"
                       "{\"id\":\"2\",\"name\":\"Cheese\",\"hierarchy\":{\"parents\":[\"Food\"]},"
                       "\"where\":\" Food > Cheese\"}\n"
                       "{\"id\":\"3\",\"name\":\"Tools\"}\n"
                       "{\"id\":\"4\",\"name\":\"Saw\",\"hierarchy\":{\"parents\":[\"Tools\"]},"
                       "\"where\":\"Tools\"}\n"
                       "{\"id\":\"Food\",\"name\":\"Food\"}\n"
                       "{\"id\":\"Tools\",\"name\":\"Tools\"}\n");
    CHECK_STR(run.err, "weft: 6 entities, 0 rows merged, 0 bad rows left out\n");
    CHECK_EQ(run.code, 0);
    run_fini(&run);
    RUN_WITH(&run,
             "[{\"id\":7,\"name\":\"Tools\",\"p\":\"Tools\"},{\"id\":8,\"name\":\"Saw\",\"p\":"
             "\"Tools/Saw\"},"
             "{\"id\":9,\"name\":\"Fine\",\"p\":\"Tools/Saw\",\"hierarchy\":{}}]",
             "match", "ingest", "--path-field", "p", "--path-separator", "/", "--format", "json",
             "-");
    CHECK_STR(run.out,
              "{\"id\":7,\"name\":\"Tools\",\"p\":\"Tools\"}\n"
              "{\"id\":8,\"name\":\"Saw\",\"hierarchy\":{\"parents\":[7]},\"p\":\"Tools/Saw\"}\n"
              "{\"id\":9,\"name\":\"Fine\",\"p\":\"Tools/Saw\",\"hierarchy\":{}}\n");
    CHECK_EQ(run.code, 0);
    run_fini(&run);
}

TEST(ingest_passes_over_blank_names_of_paths_and_wants_one_path_at_least)
{
    struct run run;
    RUN_WITH(&run, "[{\"id\":1,\"name\":\"Brie\",\"p\":\"Food>\\t>\\n Cheese\\r>\"}]", "match",
             "ingest", "--path-field", "p", "--format", "json", "-");
    CHECK(strstr(run.out, "{\"id\":\"Food\",\"name\":\"Food\"}\n"
                          "{\"id\":\"Food > Cheese\",\"name\":\"Cheese\",") != NULL);
    CHECK_EQ(run.code, 0);
    run_fini(&run);
    RUN_WITH(&run, "id,name,where\n1,Brie,Food\n", "match", "ingest", "--path-field", "were",
             "--format", "csv", "-");
    CHECK_STR(run.err, "weft: --path-field: no record has were; there are \"id\", \"name\", "
                       "\"where\"\n");
    CHECK_STR(run.out, "");
    CHECK_EQ(run.code, 1);
    run_fini(&run);
    RUN_WITH(&run, "id,name,where\n1,Brie,\n", "match", "ingest", "--path-field", "where",
             "--format", "csv", "-");
    CHECK_STR(run.err, "weft: no row has a path in 'where' (--path-field)\n");
    CHECK_EQ(run.code, 1);
    run_fini(&run);
}

TEST(match_ingest_knows_which_columns_there_are)
{
    static const struct {
        const char *words[3], *input, *err; /* NULL: all is well */
    } cases[] = {
        {{"--aliases-field", "Alt", "csv"}, "id,name,alt\n1,a,b\n", NULL}, /* as columns are */
        {{"--aliases-field", "alt,short", "csv"},
         "id,name,alt\n1,a,b\n",
         "--aliases-field: no record has short; there are \"id\", \"name\", \"alt\""},
        {{"--parents-field", "up", "csv"},
         "id,name\n1,a\n",
         "--parents-field: no record has up; there are \"id\", \"name\""},
        {{"--aliases-field", "alt", "ndjson"},
         "{\"id\":1,\"name\":\"a\"}\n{\"alt\":[\"b\"],\"name\":\"b\",\"id\":2}\n",
         NULL}, /* one record has it */
        {{"--aliases-field", "Alt", "ndjson"},
         "{\"id\":1,\"name\":\"a\"}\n{\"name\":\"b\",\"alt\":\"b\",\"id\":2}\n",
         "--aliases-field: no record has Alt; there are \"id\", \"name\", \"alt\""},
        {{"--parents-field", "up", "json"},
         "[{\"id\":1,\"name\":\"a\",\"over\":3}]",
         "--parents-field: no record has up; there are \"id\", \"name\", \"over\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct run run;
        char said[200];
        RUN_WITH(&run, cases[i].input, "match", "ingest", cases[i].words[0], cases[i].words[1],
                 "--format", cases[i].words[2], "-");
        snprintf(said, sizeof(said), "weft: %s\n", cases[i].err != NULL ? cases[i].err : "");
        note("%zu: %s", i, run.err);
        CHECK_EQ(run.code, cases[i].err != NULL);
        CHECK(cases[i].err == NULL || strcmp(run.err, said) == 0);
        CHECK_EQ(run.out[0] == '\0', cases[i].err != NULL);
        run_fini(&run);
    }
}

TEST(ingest_names_a_cycle_and_writes_nothing)
{
    struct run run;
    RUN_WITH(&run, "id,name,parents\na,Food,c\nb,Cheese,a\nc,Brie,b\n", "match", "ingest",
             "--format", "csv", "-");
    CHECK(text_begins(run.err, "weft: The hierarchy has a cycle: "));
    CHECK(strstr(run.err, "a -> b -> c -> a") != NULL ||
          strstr(run.err, "b -> c -> a -> b") != NULL ||
          strstr(run.err, "c -> a -> b -> c") != NULL);
    CHECK_STR(run.out, "");
    CHECK_EQ(run.code, 1);
    run_fini(&run);
}

TEST(what_ingest_writes_is_a_catalogue)
{
    char path[100];
    struct run run;
    snprintf(path, sizeof(path), "/tmp/weft-ingest-%d.ndjson", (int)getpid());
    RUN(&run, "match", "ingest", test_source("examples/data/countries.csv"), "-o", path);
    CHECK_STR(run.err, "weft: 249 entities, 0 rows merged, 0 bad rows left out\n");
    CHECK_EQ(run.code, 0);
    run_fini(&run);
    RUN(&run, "match", "query", "-e", path, "Deutschland");
    CHECK(strstr(run.out, "\"id\":\"DE\",\"score\":1.0") != NULL);
    run_fini(&run);
    CHECK_OK(unlink(path));
}

TEST(ingest_says_what_is_wrong)
{
    static const struct {
        const char *words[4], *input, *err;
        int code;
    } cases[] = {
        {{0}, "", "no source; give files, URLs", 2},
        {{"-", "-"}, "", "standard input can be read only once", 2},
        {{"--separator", "||", "-"}, "", "--separator: must be one character", 2},
        {{"--path-separator", "/", "-"}, "", "--path-separator is for --path-field", 2},
        {{"--path-field=a", "--path-separator=", "-"}, "", "--path-separator: is empty", 2},
        {{"--aliases-field=a,b,c,d,e,f,g,h,i", "-"}, "", "--aliases-field: more than 8 names", 2},
        {{"--path-field=a", "--parents-field=b", "-"},
         "",
         "--path-field and --parents-field at",
         2},
        {{"--format", "xml", "-"}, "", "--format: xml is none of", 2},
        {{"-"}, "id,name\n", "the sources hold no entities", 1},
        {{"-"}, "id,nam\n1,x\n", "standard input:1: no column name", 1},
        {{"-"}, "id,name\n,x\n", "standard input:2: id: is empty", 1},
        {{"/no/such/file"}, "", "/no/such/file: No such file", 1},
        {{"http://127.0.0.1:1/a.csv"}, "", "Connection refused", 1},
        {{"http://"}, "", "weft: http://: ", 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct run run;
        RUN_WITH(&run, cases[i].input, "match", "ingest", cases[i].words[0], cases[i].words[1],
                 cases[i].words[2]);
        note("%s", run.err);
        CHECK_EQ(run.code, cases[i].code);
        CHECK(strstr(run.err, cases[i].err) != NULL);
        CHECK_STR(run.out, "");
        run_fini(&run);
    }
}

/* ---- from a server that gives one answer ---- */

static pid_t serve_once(const char *answer, char url[64])
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_OK(bind(fd, (struct sockaddr *)&addr, bytes));
    CHECK_OK(listen(fd, 4));
    CHECK_OK(getsockname(fd, (struct sockaddr *)&addr, &bytes));
    snprintf(url, 64, "http://127.0.0.1:%d/data?v=1", ntohs(addr.sin_port));
    pid_t pid = fork();
    CHECK_GE(pid, 0);
    if (pid == 0) {
        char request[4096];
        int connection = accept(fd, NULL, NULL);
        bool is_sent = read(connection, request, sizeof(request)) > 0 &&
                       write(connection, answer, strlen(answer)) > 0;
        shutdown(connection, SHUT_WR);
        while (read(connection, request, sizeof(request)) > 0) {
        }
        _exit(!is_sent);
    }
    close(fd);
    return pid;
}

static void ingest_from(struct run *run, const char *answer)
{
    char url[64];
    int status;
    pid_t pid = serve_once(answer, url);
    RUN(run, "match", "ingest", "--bytes-max", "1", url);
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(status, 0);
    note("%s", run->err);
}

#define OK_HEAD "HTTP/1.1 200 OK\r\nConnection: close\r\n"

TEST(ingest_reads_from_servers)
{
    struct run run;
    ingest_from(&run, OK_HEAD "Content-Type: text/csv; charset=utf-8\r\n\r\nid,name\n1,Germany\n");
    CHECK_STR(run.out, "{\"id\":\"1\",\"name\":\"Germany\"}\n");
    CHECK_EQ(run.code, 0);
    run_fini(&run);
}

TEST(ingest_takes_nothing_from_servers_that_fail)
{
    static const char *const wrong[][2] = {
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "the server answers 404"},
        {OK_HEAD "Content-Type: text/html\r\n\r\n<p>", "the server sends text/html, which is"},
        {OK_HEAD "Content-Length: 1048577\r\n\r\n", "has 1048577 bytes (limit 1048576, see"},
        {OK_HEAD "Content-Type: text/csv\r\nContent-Length: 30\r\n\r\nid,name\n1,Germany\n",
         "ended in the middle"},
        {"SSH-2.0-OpenSSH\r\n", "weft: http://127.0.0.1:"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct run run;
        ingest_from(&run, wrong[i][0]);
        CHECK_EQ(run.code, 1);
        CHECK_STR(run.out, "");
        CHECK(strstr(run.err, wrong[i][1]) != NULL);
        run_fini(&run);
    }
}

TEST(ingest_takes_no_more_than_its_limit)
{
    wf_buf answer = {0};
    struct run run;
    wf_buf_puts(&answer, OK_HEAD "Content-Type: text/csv\r\n\r\nid,name\n");
    for (int i = 0; wf_buf_bytes(&answer) < 1100000; i++)
        wf_buf_printf(&answer, "%d,name %d\n", i, i);
    wf_buf_putc(&answer, '\0');
    char url[64];
    int status;
    pid_t pid = serve_once(wf_buf_ptr(&answer), url);
    RUN(&run, "match", "ingest", "--bytes-max", "1", url);
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    note("%s", run.err);
    CHECK_EQ(run.code, 1);
    CHECK_STR(run.out, "");
    run_fini(&run);
    wf_buf_fini(&answer);
}
