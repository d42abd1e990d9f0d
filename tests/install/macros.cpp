/* SPDX-License-Identifier: MIT */

/* Every public macro that makes a value or takes a list, in C++, where neither compound literals
 * nor named fields are allowed.  tests/install/check.sh compares with the macros that the headers
 * have. */

#include <weft.h>
#include <weft/schema.h>
#include <weft/sys/embed.h>
#include <weft/sys/park.h>

#include <cstdio>
#include <poll.h>
#include <unistd.h>
#include <vector>

struct add {
    int to, result;
};

static int add_one(void *arg)
{
    auto *self = static_cast<add *>(arg);
    WEFT_TRY(weft_sleep(self->to * WEFT_MS));
    self->result = self->to + 1;
    return self->result;
}

static int children(void *)
{
    add one = {1, 0}, two = {2, 0};
    std::vector<add> many = {{1, 0}, {2, 0}, {3, 0}};

    WEFT_TRY(weft_gather(weft_spawn(add_one, &one), weft_spawn_stack(add_one, &two, 32768)));
    WEFT_TRY(weft_map(add_one, many.data(), many.size()));
    WEFT_TRY(weft_map_limit(add_one, many.data(), many.size(), 2));
    WEFT_TRY(weft_map_sized(add_one, many.data(), many.size(), sizeof(add), 0));
    if (weft_await(weft_spawn_copy(add_one, two)) != 3 ||
        weft_await(weft_spawn_copy(add_one, add{4, 0})) != 5 ||
        weft_await(weft_spawn_sized(add_one, &two, sizeof two)) != 3)
        return -EPROTO;
    if (weft_race(weft_spawn(add_one, &two), weft_spawn(add_one, &one)) != 1)
        return -EPROTO;
    return weft_await(weft_detach(add_one, &one)) == 2 ? 0 : -EPROTO;
}

static int count_down(weft_gen *self, void *arg)
{
    for (int left = *static_cast<int *>(arg); left > 0; left--)
        WEFT_TRY(weft_gen_yield(self, &left));
    return 0;
}

static int generators(void *)
{
    int from = 3, value = 0, sum = 0, rc = 0;
    weft_foreach(rc, value, weft_gen_open(count_down, &from)) sum += value;
    WEFT_TRY(rc);
    weft_foreach(rc, value, weft_gen_open_copy(count_down, int(2))) sum += value;
    WEFT_TRY(rc);
    weft_gen *last = weft_gen_open_sized(count_down, &from, sizeof from);
    WEFT_TRY(weft_gen_next(last, &value));
    WEFT_TRY(weft_gen_close(last));

    weft_gen *a = weft_gen_open(count_down, &from), *b = weft_gen_open(count_down, &from);
    int other = 0;
    WEFT_TRY(weft_gen_zip(a, &value, b, &other));
    sum += value - other;
    WEFT_TRY(weft_gen_close(a));
    WEFT_TRY(weft_gen_close(b));
    return sum == 9 && value == 3 ? 0 : -EPROTO;
}

static int group(void *)
{
    static int (*const started)(void *) = [](void *) -> int {
        weft_started();
        return 0;
    };
    add one = {1, 0}, two = {2, 0};
    WEFT_GROUP(members);
    WEFT_TRY(weft_group_spawn(members, add_one, &one));
    WEFT_TRY(weft_await(weft_group_task(members, add_one, &two)));
    WEFT_TRY(weft_group_start(members, started, nullptr));
    WEFT_TRY(weft_await(weft_spawn_on(weft_loop_at(0), add_one, &one)));
    WEFT_TRY(weft_await(weft_group_task_on(members, weft_loop_at(0), add_one, &two)));
    return weft_group_wait(members);
}

static int cases(weft_chan *numbers)
{
    weft_event stop = {};
    int out = 7, in = 0, rc = 0, ends[2];
    add one = {1, 0};

    if (weft_select(WEFT_CASE_EVENT(&stop), WEFT_CASE_SEND(numbers, &out, &rc)) != 1)
        return -EPROTO;
    if (weft_select(WEFT_CASE_RECV(numbers, &in, &rc), WEFT_NONE_READY) != 0 || in != 7)
        return -EPROTO;
    weft_task task = weft_spawn(add_one, &one);
    weft_case two[] = {WEFT_CASE_DONE(task, &rc), WEFT_CASE_DEADLINE(weft_after(WEFT_SEC))};
    if (weft_select_n(two, 2) != 0 || rc != 2)
        return -EPROTO;
    if (pipe(ends) != 0 || write(ends[1], "x", 1) != 1)
        return -EPROTO;
    int which = weft_select(WEFT_CASE_READY(ends[0], POLLIN, &rc));
    weft_close(ends[0]);
    weft_close(ends[1]);
    return which == 0 && (rc & POLLIN) != 0 ? 0 : -EPROTO;
}

static int scopes(void *)
{
    WEFT_CLEANUP(rollback);
    WEFT_SHIELD(cleanup, WEFT_SEC);
    WEFT_TIMEOUT(limit, WEFT_MS);
    int rc = weft_scope_close(&limit, weft_sleep(WEFT_FOREVER));
    return weft_scope_close(&cleanup, rc == -ETIMEDOUT ? 0 : -EPROTO);
}

static int metrics()
{
    weft_metrics *metrics;
    weft_str text = {nullptr, 0};
    WEFT_TRY(weft_metrics_new(&metrics));
    weft_metrics_family(metrics, WEFT_GAUGE, "a", "A.");
    weft_metrics_value(metrics, WEFT_LABELS("b", "c"), 1);
    int rc = weft_metrics_get_text(metrics, &text);
    bool is_right = text.len == sizeof "# HELP a A.\n# TYPE a gauge\na{b=\"c\"} 1\n" - 1;
    weft_metrics_free(metrics);
    return rc < 0 || is_right ? rc : -EPROTO;
}

static int embedded()
{
    add one = {1, 0};
    weft_embed *embed;
    WEFT_TRY(weft_embed_open(
        &embed, nullptr, [](void *) { return weft_sleep(10 * WEFT_MS); }, nullptr));
    (void)weft_embed_spawn(embed, add_one, &one);
    int rc = weft_embed_close(embed);
    return rc < 0 && rc != -ECANCELED ? rc : 0;
}

#if __cplusplus >= 202002L
/* Tables have named fields, which C++ knows since 2020; what is not named is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
struct maker {
    weft_str name;
};
struct item {
    weft_str name;
    int64_t count;
    double price;
    bool is_new, has_price;
    weft_items tags;
    const weft_json *extra;
    maker made_by;
};
static const weft_field maker_fields[] = {{WEFT_FIELD_STRING(maker, name), .range = WEFT_UP_TO(9)}};
static const weft_schema maker_schema = {WEFT_SCHEMA(maker, maker_fields)};
static const weft_field tag = {.type = WEFT_TYPE_STRING, .range = WEFT_RANGE(1, 20)};
static const weft_field item_fields[] = {
    {WEFT_FIELD_STRING(item, name), .flags = WEFT_REQUIRED},
    {WEFT_FIELD_INTEGER(item, count), .range = WEFT_FROM(0)},
    {WEFT_FIELD_DOUBLE(item, price), .interval = WEFT_INTERVAL(0, 10),
     .present_at = WEFT_PRESENT(item, has_price)},
    {WEFT_FIELD_BOOL(item, is_new)},
    {WEFT_FIELD_ARRAY(item, tags, &tag)},
    {WEFT_FIELD_ANY(item, extra)},
    {WEFT_FIELD_OBJECT(item, made_by, &maker_schema)},
};
static const weft_schema item_schema = {WEFT_SCHEMA(item, item_fields)};

static int tables()
{
    return item_schema.field_count == 7 && item_fields[0].at == offsetof(item, name) ? 0 : -EPROTO;
}
#else
static int tables()
{
    return 0;
}
#endif

static int everything(void *)
{
    static const weft_wait_class nothing = {};
    weft_waiter waiter = WEFT_WAITER(&nothing, nullptr);
    weft_sem slots = WEFT_SEM(2, 2);
    weft_barrier alone = WEFT_BARRIER(1);
    weft_str name = WEFT_STR("abc");
    weft_chan *numbers;

    if (waiter.wait_class != &nothing || weft_sem_units(&slots) != 2 ||
        name.len != weft_str_of("abc").len)
        return -EPROTO;
    WEFT_TRY(weft_barrier_wait(&alone));
    WEFT_TRY(children(nullptr));
    WEFT_TRY(generators(nullptr));
    WEFT_TRY(group(nullptr));
    WEFT_TRY(scopes(nullptr));
    WEFT_TRY(metrics());
    WEFT_TRY(tables());
    WEFT_TRY(weft_chan_new(&numbers, sizeof(int), 1));
    int rc = cases(numbers);
    weft_chan_free(numbers);
    return rc;
}

int main()
{
    int rc = weft_run(everything, nullptr);
    rc = rc < 0 ? rc : embedded();
    std::printf("%s\n", weft_strerror(rc));
    return rc < 0;
}
