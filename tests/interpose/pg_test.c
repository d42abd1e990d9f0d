/* SPDX-License-Identifier: MIT */

/* libpq's blocking calls, a hundred at once on one thread, against a PostgreSQL that check_pg.sh
 * has started.  WEFT_TEST_PG says where it is. */

#include "harness/harness.h"
#include "stack_use.h"

#include "base/checkers.h"

#include <weft.h>
#include <weft/interpose.h>

#include <libpq-fe.h>
#include <stdlib.h>

#define CALL_COUNT 100

static const char *server(void)
{
    const char *where = getenv("WEFT_TEST_PG");
    if (where == NULL)
        SKIP("no PostgreSQL");
    return where;
}

static PGconn *connect_to(const char *where)
{
    PGconn *db = PQconnectdb(where);
    if (PQstatus(db) != CONNECTION_OK)
        FAIL("%s", PQerrorMessage(db));
    return db;
}

static void must(PGconn *db, const char *sql)
{
    PGresult *result = PQexec(db, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        FAIL("%s: %s", sql, PQerrorMessage(db));
    PQclear(result);
}

static int number(PGconn *db, const char *sql)
{
    PGresult *result = PQexec(db, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        FAIL("%s: %s", sql, PQerrorMessage(db));
    int value = (int)strtol(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return value;
}

/* Each a connection of its own. */
struct calls {
    const char *where, *sql;
    int inside, inside_most, done;
};

static int call(void *arg)
{
    struct calls *calls = arg;
    PGconn *db = connect_to(calls->where);
    calls->inside++;
    if (calls->inside > calls->inside_most)
        calls->inside_most = calls->inside;
    must(db, calls->sql);
    calls->inside--;
    calls->done++;
    PQfinish(db);
    return 0;
}

static void spawn_calls(struct calls *calls, weft_task tasks[CALL_COUNT])
{
    for (int i = 0; i < CALL_COUNT; i++)
        tasks[i] = weft_spawn(call, calls);
}

/* The server itself says that a hundred wait at once: for a lock that we hold until it does. */
static int hundred_wait(void *arg)
{
    struct calls calls = {.where = arg, .sql = "select pg_advisory_lock_shared(1)"};
    weft_task tasks[CALL_COUNT];
    PGconn *db = connect_to(arg);
    must(db, "select pg_advisory_lock(1)");
    spawn_calls(&calls, tasks);
    while (number(db, "select count(*) from pg_locks where locktype = 'advisory' and not granted") <
           CALL_COUNT)
        WEFT_TRY(weft_sleep(20 * WEFT_MS));
    CHECK_EQ(calls.inside, CALL_COUNT);
    CHECK_EQ(calls.done, 0);
    must(db, "select pg_advisory_unlock(1)");
    CHECK_OK(weft_gather_n(tasks, CALL_COUNT));
    CHECK_EQ(calls.done, CALL_COUNT);
    PQfinish(db);
    return 0;
}

static int hundred_sleep(void *arg)
{
    struct calls calls = {.where = arg, .sql = "select pg_sleep(0.2)"};
    weft_task tasks[CALL_COUNT];
    spawn_calls(&calls, tasks);
    CHECK_OK(weft_gather_n(tasks, CALL_COUNT));
    CHECK_EQ(calls.done, CALL_COUNT);
    note("%d of %d slept at once", calls.inside_most, CALL_COUNT);
    CHECK_GT(calls.inside_most, 1);
    return 0;
}

/* Cancelled it is an error of the connection, told as such, and can be finished. */
static int cut_off(void *arg)
{
    PGconn *db = connect_to(arg);
    WEFT_TIMEOUT(limit, 50 * WEFT_MS);
    PGresult *result = PQexec(db, "select pg_sleep(1000)");
    CHECK_EQ(PQresultStatus(result), PGRES_FATAL_ERROR);
    note("cancelled, libpq says: %s", PQerrorMessage(db));
    CHECK(strstr(PQerrorMessage(db), "canceled") != NULL);
    PQclear(result);
    PQfinish(db);
    CHECK_EQ(weft_scope_close(&limit, weft_check()), -ETIMEDOUT);
    return number(db = connect_to(arg), "select 1") == 1 ? (PQfinish(db), 0) : -EPROTO;
}

static int call_once(void *arg)
{
    struct calls calls = {.where = arg, .sql = "select 1"};
    return call(&calls);
}

static int measured(void *arg)
{
    size_t used = stack_use(call_once, arg);
    note("PQconnectdb(), PQexec() and PQfinish() used %zu bytes of stack", used);
    if (!WF_HAS_ASAN)
        CHECK_LT(used, STACK_USUAL_BYTES / 2);
    return 0;
}

static void run_on_each(weft_fn *fn)
{
    char *where = (char *)server();
    const char *backends[] = {"epoll", "io_uring"};
    use_real_time();
    for (int i = 0; i < 2; i++) {
        weft_config config = {
            .backend = backends[i], .hog = WEFT_FOREVER, .flags = WEFT_RUN_MEASURE_STACKS};
        note("on %s", backends[i]);
        if (backend_is_there(backends[i]))
            CHECK_OK(weft_run_with(&config, fn, where));
    }
}

TEST(a_hundred_queries_wait_on_one_thread)
{
    run_on_each(hundred_wait);
}

TEST(a_hundred_queries_sleep_on_one_thread)
{
    run_on_each(hundred_sleep);
}

TEST(a_deadline_cuts_a_query_off)
{
    run_on_each(cut_off);
}

TEST(libpq_fits_on_half_of_a_usual_stack)
{
    run_on_each(measured);
}
