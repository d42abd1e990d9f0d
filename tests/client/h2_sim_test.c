/* SPDX-License-Identifier: MIT */

/* The client and our server over HTTP/2 in simulated worlds: many requests at a time over what the
 * network delays, cuts and resets.  No hang, no leak, no half answer taken as whole, none mixed up.
 */

#include <weft.h>
#include <weft/client.h>
#include <weft/sim.h>

#include "site.h"

enum { ASKERS = 8, ROUNDS = 3, SEEDS = 25, STEPS_MAX = 3000000 };

static unsigned answers, failures; /* of all seeds */

struct world {
    struct site site;
    weft_client *client;
};

struct asker {
    struct world *world;
    unsigned number;
    char body[3000];
};

static int ask_once(struct asker *asker, unsigned round)
{
    static const struct {
        const char *path;
        size_t bytes; /* of the answer; 0: what was sent comes back */
    } rows[] = {{"/echo", 0}, {"/large?kib=90", 90 * 1024}, {"/stream", 0}, {"/count?n=4", 28}};
    unsigned row = (asker->number + round) % 4;
    char url[96];
    weft_client_response page;
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", weft_addr_get_port(&asker->world->site.addr),
             rows[row].path);
    weft_client_request request = {.url = url, .is_idempotent = true, .keeps_coding = true};
    if (rows[row].bytes == 0)
        request.body = (weft_str){asker->body, sizeof asker->body};
    WEFT_TRY(weft_client_fetch(asker->world->client, &request, &page));
    if (page.status == 200 && rows[row].bytes == 0)
        CHECK_BYTES(page.body.ptr, page.body.len, asker->body, sizeof asker->body);
    else if (page.status == 200)
        CHECK_EQ(page.body.len, rows[row].bytes);
    CHECK_EQ(page.version, 20);
    answers += page.status == 200;
    weft_client_response_free(&page);
    return 0;
}

/* One in three is given up after a while. */
static int ask_some(void *arg)
{
    struct asker *asker = arg;
    for (unsigned round = 0; round < ROUNDS; round++) {
        WEFT_TIMEOUT(limit, (asker->number + round) % 3 == 0 ? 40 * WEFT_MS : 60 * WEFT_SEC);
        int rc = weft_scope_close(&limit, ask_once(asker, round));
        if (rc == -ECANCELED)
            return rc;
        failures += rc < 0;
    }
    return 0;
}

static int forgive(int rc)
{
    return rc == -ENOMEM || rc == -ENFILE || rc == -ENOBUFS ? 0 : rc;
}

static int both_ends(void *arg)
{
    static struct asker askers[ASKERS];
    struct world world = {0};
    weft_task tasks[ASKERS];
    const weft_client_options options = {.assumes_h2 = true, .limits = {.h2_stream_count_max = 4}};
    (void)arg;
    int rc = site_open(&world.site, NULL);
    if (rc < 0)
        return forgive(rc);
    rc = weft_client_new(&world.client, &options);
    for (unsigned i = 0; i < ASKERS && rc == 0; i++) {
        askers[i] = (struct asker){.world = &world, .number = i};
        memset(askers[i].body, 'a' + (int)i, sizeof askers[i].body);
        tasks[i] = weft_spawn(ask_some, &askers[i]);
    }
    if (rc == 0)
        rc = weft_gather_n(tasks, ASKERS);
    weft_client_free(world.client);
    int closed = site_close(&world.site);
    return forgive(rc < 0 ? rc : closed);
}

static void sweep(const char *text)
{
    uint64_t done = test_sweep_plan(text, SEEDS, STEPS_MAX, both_ends, NULL);
    CHECK_GE(answers, done);
}

TEST(h2_client_and_server_under_delay)
{
    sweep("delay 30ms");
}

TEST(h2_client_and_server_while_connections_break)
{
    sweep("delay 5ms, reset 1%");
    CHECK_GT(failures, 0u);
}

TEST(h2_client_and_server_on_a_slow_link)
{
    sweep("slow at 400KB, delay 20ms, buffer 4KiB");
}

TEST(h2_client_and_server_without_memory_now_and_then)
{
    sweep("delay 5ms, memory-errors 0.2%");
    CHECK_GT(failures, 0u);
}
