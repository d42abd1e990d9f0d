/* SPDX-License-Identifier: MIT */

/* weft match discover and review: from new texts to an entity. */
#include "child.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COUNTRIES test_source("examples/data/countries.csv")

/* Removes a directory of reports: how many files were in it, or an error. */
static int drop_reports(const char *path)
{
    DIR *dir = opendir(path);
    CHECK(dir != NULL);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (text_begins(entry->d_name, "discovery_"))
            count += unlinkat(dirfd(dir), entry->d_name, 0) == 0;
    closedir(dir);
    return rmdir(path) == 0 ? count : -1;
}

TEST(proposed_entities_are_reviewed_and_become_entities)
{
    static const char lines[] = "where is my parcel now\nwhere is the parcel today\n"
                                "where is my parcel please\nwhere is the parcel then\n"
                                "where is my parcel at last\nwhere is the other parcel\n"
                                "vegan lunch menu on monday\nvegan lunch menu on tuesday\n"
                                "vegan lunch menu on wednesday\nvegan lunch menu on thursday\n"
                                "vegan lunch menu on friday\nvegan lunch menu on saturday\n";
    const char *new = make_file("new.txt", lines), *store = make_file("reviews.json", "[]");
    const char *matcher = make_file("made.weftm", ""), *few = make_file("few.txt", "one text\n");
    struct run run;
    char id[16] = "", said[128];
    RUN(&run, "match", "fit", "-e", COUNTRIES, "-o", matcher);
    CHECK_EQ(run.code, 0);
    run_fini(&run);
    RUN(&run, "match", "discover", "-m", matcher, "-f", new, "--all", "--storage-path", store);
    CHECK_EQ(run.code, 0);
    run_fini(&run);
    RUN(&run, "match", "review", "list", "--storage-path", store);
    CHECK(strstr(run.out, "{\"review_id\":\"") == run.out);
    snprintf(id, sizeof(id), "%.10s", run.out + strlen("{\"review_id\":\""));
    run_fini(&run);
    RUN(&run, "match", "review", "approve", "--storage-path", store, id);
    CHECK_EQ(run.code, 0);
    CHECK(strstr(run.out, "{\"review_id\":\"") == run.out);
    CHECK(strstr(run.out, "\"state\":\"approved\"") != NULL);
    run_fini(&run);
    RUN(&run, "match", "review", "promote", "--storage-path", store, "-m", matcher, id);
    CHECK_EQ(run.code, 0);
    CHECK(strstr(run.out, "{\"review_record\":{\"review_id\":\"") == run.out);
    CHECK(strstr(run.out, "},\"entities_added\":1,\"index_updated\":true,"
                          "\"retrain_required\":false}\n") != NULL);
    run_fini(&run);
    RUN(&run, "match", "review", "reject", "--storage-path", store, id);
    CHECK_EQ(run.code, 1);
    snprintf(said, sizeof(said),
             "weft: review %s: Invalid review state transition: promoted -> rejected\n", id);
    CHECK(text_begins(run.err, said));
    run_fini(&run);
    RUN(&run, "match", "review", "promote", "--storage-path", store, "-m", matcher, id);
    CHECK_EQ(run.code, 1);
    snprintf(said, sizeof(said), "weft: review %s: ", id);
    CHECK(text_begins(run.err, said));
    run_fini(&run);
    RUN(&run, "match", "review", "approve", "--storage-path", store, "1f0c93d2-9");
    CHECK_EQ(run.code, 1);
    snprintf(said, sizeof(said), "weft: %s: no review 1f0c93d2-9\n", store);
    CHECK_STR(run.err, said);
    run_fini(&run);
    RUN(&run, "match", "review", "stats", "--storage-path", store);
    CHECK(strstr(run.out, "{\"pending_review\":1,\"approved\":0,\"rejected\":0,\"promoted\":1}") ==
          run.out);
    run_fini(&run);
    RUN(&run, "match", "query", "-m", matcher, "the parcel");
    CHECK(strstr(run.out, "parcel") != NULL);
    run_fini(&run);
    drop_file(store);
    RUN(&run, "match", "discover", "-m", matcher, "-f", few, "--all", "--storage-path", store);
    CHECK(strstr(run.out, "\"clusters\":[]") != NULL);
    run_fini(&run);
    RUN(&run, "match", "review", "list", "--storage-path", store);
    CHECK_STR(run.err, "");
    CHECK_EQ(run.code, 0);
    run_fini(&run);
    RUN(&run, "match", "review", "list", "--storage-path", "/nonexistent/reviews.json");
    CHECK_STR(run.err, "weft: /nonexistent/reviews.json: No such file or directory; "
                       "'weft match discover --storage-path FILE' begins one\n");
    CHECK_EQ(run.code, 1);
    run_fini(&run);
    RUN(&run, "match", "discover", "-m", matcher, "-f", new, "--all", "--report", "/nonexistent/a");
    CHECK_STR(run.err, "weft: --report /nonexistent/a: there is no such directory\n");
    CHECK_STR(run.out, "");
    CHECK_EQ(run.code, 1);
    run_fini(&run);
    RUN(&run, "match", "discover", "-m", matcher, "-f", new, "--report", new);
    CHECK(strstr(run.err, ": Not a directory\n") != NULL);
    CHECK_EQ(run.code, 1);
    run_fini(&run);
    char reports[128];
    snprintf(reports, sizeof(reports), "%s.reports", store);
    RUN(&run, "match", "discover", "-m", matcher, "-f", few, "--all", "--report", reports);
    CHECK_EQ(run.code, 0);
    CHECK_EQ(drop_reports(reports), 2);
    run_fini(&run);
    RUN(&run, "match", "review", "burn");
    CHECK_EQ(run.code, 2);
    run_fini(&run);
    char lock[128];
    snprintf(lock, sizeof(lock), "%s.lock", store);
    CHECK_OK(unlink(lock));
    drop_file(matcher);
    drop_file(few);
    drop_file(store);
    drop_file(new);
}
