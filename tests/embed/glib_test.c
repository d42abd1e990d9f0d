/* SPDX-License-Identifier: MIT */

/* A run as a source of GLib's main loop: the pattern of docs/embedding.md. */

#include "harness/harness.h"

#include <weft.h>
#include <weft/sys/embed.h>

#include <glib.h>

struct run_source {
    GSource source;
    weft_embed *embed;
    gpointer tag; /* of the descriptor */
};

static struct run_source *run_of(GSource *source)
{
    return (struct run_source *)source;
}

static gboolean run_prepare(GSource *source, gint *timeout_ms)
{
    weft_time timeout = weft_embed_timeout(run_of(source)->embed);
    *timeout_ms = -1;
    if (timeout != WEFT_FOREVER)
        *timeout_ms = (gint)((timeout + WEFT_MS - 1) / WEFT_MS);
    return timeout == 0;
}

static gboolean run_check(GSource *source)
{
    const struct run_source *run = run_of(source);
    return g_source_query_unix_fd(source, run->tag) != 0 || weft_embed_timeout(run->embed) == 0;
}

static gboolean run_dispatch(GSource *source, GSourceFunc callback, gpointer arg)
{
    if (weft_embed_turn(run_of(source)->embed) > 0)
        return G_SOURCE_CONTINUE;
    callback(arg); /* the run is over */
    return G_SOURCE_REMOVE;
}

static GSourceFuncs run_functions = {
    .prepare = run_prepare, .check = run_check, .dispatch = run_dispatch};

static GSource *run_source_new(weft_embed *embed)
{
    GSource *source = g_source_new(&run_functions, sizeof(struct run_source));
    run_of(source)->embed = embed;
    run_of(source)->tag = g_source_add_unix_fd(source, weft_embed_descriptor(embed), G_IO_IN);
    return source;
}

/* ---- a run and GLib's own timeouts, at the same time ---- */

struct scene {
    GMainLoop *main_loop;
    weft_event told; /* set by GLib's timeout */
    int ticks, slept;
};

static int sleep_a_little(void *arg)
{
    struct scene *scene = arg;
    for (int i = 0; i < 5; i++) {
        WEFT_TRY(weft_sleep(2 * WEFT_MS));
        scene->slept++;
    }
    return 0;
}

static int compute(void *arg)
{
    (void)arg;
    return 4;
}

static int body(void *arg)
{
    struct scene *scene = arg;
    weft_task sleeper = weft_spawn(sleep_a_little, scene);
    CHECK_EQ(weft_run_cpu(compute, NULL), 4);
    WEFT_TRY(weft_event_wait(&scene->told));
    WEFT_TRY(weft_await(sleeper));
    return scene->ticks;
}

static gboolean tick(gpointer arg)
{
    struct scene *scene = arg;
    if (++scene->ticks < 5)
        return G_SOURCE_CONTINUE;
    weft_event_set(&scene->told); /* GLib asks each source anew before it polls */
    return G_SOURCE_REMOVE;
}

static gboolean quit(gpointer arg)
{
    g_main_loop_quit(((struct scene *)arg)->main_loop);
    return G_SOURCE_REMOVE;
}

static void drive(const char *backend)
{
    struct scene scene = {.ticks = 0};
    weft_config config = {.backend = backend};
    weft_embed *embed;
    GMainContext *context = g_main_context_new();
    scene.main_loop = g_main_loop_new(context, FALSE);
    CHECK_OK(weft_embed_open(&embed, &config, body, &scene));

    GSource *source = run_source_new(embed);
    g_source_set_callback(source, quit, &scene, NULL);
    g_source_attach(source, context);
    GSource *timer = g_timeout_source_new(3);
    g_source_set_callback(timer, tick, &scene, NULL);
    g_source_attach(timer, context);

    g_main_loop_run(scene.main_loop);
    CHECK_EQ(weft_embed_close(embed), 5);
    CHECK_EQ(scene.slept, 5);
    g_source_unref(timer);
    g_source_unref(source);
    g_main_loop_unref(scene.main_loop);
    g_main_context_unref(context);
}

TEST(glibs_main_loop_drives_a_run)
{
    const char *backends[] = {"epoll", "io_uring"};
    use_real_time();
    for (int i = 0; i < 2; i++)
        if (backend_is_there(backends[i]))
            drive(backends[i]);
}
