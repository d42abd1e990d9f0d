/* SPDX-License-Identifier: MIT */

/* A name server for tests, on loopback, by UDP and TCP on one port, in tasks of the test. */
#ifndef WF_TESTS_DNS_SERVER_H
#define WF_TESTS_DNS_SERVER_H

#include <weft/net.h>
#include <weft/task.h>
#include <weft/udp.h>

#include "message.h"

struct question {
    uint16_t id;
    int type;
    bool is_by_tcp;
    char name[WF_DNS_NAME_BYTES];
};

struct server;

/* Fills the answer; false: nothing is sent.  May wait. */
typedef bool server_fn(struct server *server, const struct question *question, struct message *out);

struct server {
    server_fn *answer;
    weft_udp *udp;
    weft_listener *listener;
    weft_task tasks[2];
    char address[WEFT_ADDR_TEXT_BYTES];
    int asked, asked_by_tcp; /* so far */
    bool sends_wrong_id;     /* before each answer by UDP, the same with another id */
    int ttl;
};

/* False where there is nothing that would ask. */
bool server_start(struct server *server, server_fn *answer);
void server_stop(struct server *server);

#endif
