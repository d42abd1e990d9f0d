/* SPDX-License-Identifier: MIT */

/*
 * Lesson: a task goes on while its maker does something else.  Start early, fetch late: what the
 * main task does in between costs no time.
 */

#include <weft.h>

#include <stdio.h>

static weft_time start;

static void say(const char *what, const char *name)
{
    printf("%.1f s  %s %s\n", (double)(weft_now() - start) / (double)WEFT_SEC, what, name);
}

struct download {
    const char *name;
    weft_time duration;
};

static int download(void *arg)
{
    const struct download *self = arg;
    say("fetching", self->name);
    WEFT_TRY(weft_sleep(self->duration));
    say("have", self->name);
    return 0;
}

static int prepare(void *arg)
{
    (void)arg;
    start = weft_now();
    struct download weights = {"the weights", 2 * WEFT_SEC};
    struct download labels = {"the labels", WEFT_SEC};
    weft_task tasks[] = {weft_spawn(download, &weights), weft_spawn(download, &labels)};

    say("reading", "the settings");
    WEFT_TRY(weft_sleep(1500 * WEFT_MS));
    say("have", "the settings");

    printf("       labels are %s, weights are %s\n",
           weft_done(tasks[1], NULL) ? "there" : "missing",
           weft_done(tasks[0], NULL) ? "there" : "missing");
    WEFT_TRY(weft_gather_n(tasks, 2));
    say("ready,", "having waited for the weights only");
    return 0;
}

int main(void)
{
    return weft_main(prepare, NULL);
}
