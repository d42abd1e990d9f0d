/* SPDX-License-Identifier: MIT */

/*
 * A live service and a client for its tests.  All calls are for tasks.  What a test does not expect
 * ends it.
 */
#ifndef TESTS_SERVICE_DESK_H
#define TESTS_SERVICE_DESK_H

#include "http/site.h"
#include "service/service.h"

struct desk {
    struct service service;
    weft_http_server *servers[1];
    struct site site;
    weft_task work;       /* jobs_run(); zeroed: nobody does jobs */
    struct answer answer; /* to the last call; its body ends with NUL */
};

/* Serves changes to everybody on a port of its own, with room for `matcher_count_max`. */
void desk_open(struct desk *desk, size_t matcher_count_max);
void desk_close(struct desk *desk);

/* Begins to do jobs. */
void desk_work(struct desk *desk);

/* One call on a connection of its own; `body` NULL: none.  The status. */
int desk_call(struct desk *desk, const char *line, const char *body);
/* With further lines of the head. */
int desk_call_with(struct desk *desk, const char *line, const char *head, const char *body);

/* The request of it, into a static buffer. */
const char *desk_request(const char *line, const char *head, const char *body);

/* A directory of this test; in simulation in its own world.  A run that was killed may have left
 * one of the same number.  Drop: with the files that tests make; nothing else may be left there. */
const char *desk_make_dir(void);
void desk_drop_dir(const char *path);

/* True if the last body has this in it. */
bool desk_says(const struct desk *desk, const char *text);

#endif
