/* SPDX-License-Identifier: MIT */

/* Questions: one task each, shared by all who ask the same. */

#include "dns/resolver_priv.h"

#include <weft/scope.h>
#include <weft/task.h>

#include "base/alloc.h"
#include "dns/query.h"
#include "dns/reply.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define SYSTEM_TTL_S 5u /* what the system says does not say for how long */
#define SYSTEM_THREADS 8u
#define NEGATIVE_TTL_S 10u /* of "there is none" that does not say for how long */
#define RETRY_AFTER (30 * WEFT_SEC)

/* ---- asking servers ---- */

static int ask_server(struct wf_dns_question *question, const weft_addr *server, bool is_by_tcp,
                      struct wf_dns_reply *out)
{
    weft_resolver *resolver = question->resolver;
    int type = question->family == AF_INET6 ? WF_DNS_TYPE_AAAA : WF_DNS_TYPE_A;
    weft_bytes bytes = {0};
    resolver->stats.queries++;
    int rc = wf_dns_query_server(server, question->name, type, is_by_tcp,
                                 resolver->options.attempt_max, &bytes);
    if (rc == 0)
        rc = wf_dns_reply_read(out, bytes.ptr, bytes.len, question->name, type);
    weft_bytes_free(&bytes);
    if (rc == 0 && out->is_truncated)
        return is_by_tcp ? weft_fail(-WEFT_ESYNTAX, "dns: the answer by TCP is cut short")
                         : ask_server(question, server, /* is_by_tcp= */ true, out);
    return rc;
}

/* What no other server would say otherwise. */
static bool is_final(int rc)
{
    return rc >= 0 || rc == -WEFT_ENONAME || rc == -WEFT_ELIMIT || rc == -ECANCELED ||
           rc == -ENOMEM;
}

/* The text of what went wrong at the last server is kept for the end, and whether it answered. */
static int say_failed(const struct wf_dns_question *question, int rc, const weft_addr *server)
{
    char name[WEFT_ADDR_TEXT_BYTES], why[WEFT_ERROR_TEXT_BYTES];
    if (weft_addr_format(server, name, sizeof name) < 0)
        name[0] = '\0';
    bool has_text = rc == -WEFT_EDNS || rc == -WEFT_ESYNTAX;
    snprintf(why, sizeof why, "%s", has_text ? weft_error_text() : weft_strerror(rc));
    return weft_fail(rc == -WEFT_EDNS ? WF_DNS_UNSAID : -WEFT_EDNS,
                     "dns: no answer for %.64s; %s: %s", question->name, name, why);
}

static int ask_servers(struct wf_dns_question *question, struct wf_dns_reply *out)
{
    const weft_resolver *resolver = question->resolver;
    const struct wf_dns_config *config = &resolver->config;
    int rc = weft_fail(-WEFT_EDNS, "dns: no name server is known to ask for %.64s", question->name);
    for (uint32_t round = 0; round < resolver->options.round_count; round++) {
        for (uint32_t i = 0; i < config->server_count; i++) {
            weft_addr server = config->servers[i]; /* the list may be read anew meanwhile */
            rc = ask_server(question, &server, /* is_by_tcp= */ false, out);
            if (is_final(rc))
                return rc;
            rc = say_failed(question, rc, &server);
        }
    }
    return rc;
}

/* ---- asking the system ---- */

static int ask_on_thread(void *arg)
{
    struct wf_dns_question *question = arg;
    return wf_dns_query_system(question->name, question->family, &question->ips);
}

static int ask_system(struct wf_dns_question *question)
{
    weft_resolver *resolver = question->resolver;
    static const weft_exec_options options = {.thread_max = SYSTEM_THREADS};
    resolver->stats.queries++;
    int rc = resolver->exec == NULL ? weft_exec_new(&resolver->exec, &options) : 0;
    return rc < 0 ? rc : weft_exec_run(resolver->exec, ask_on_thread, question);
}

/* ---- the answer ---- */

static weft_time clamp_ttl(const weft_resolver *resolver, uint32_t seconds)
{
    weft_time ttl = seconds * WEFT_SEC;
    if (ttl < resolver->options.ttl_min)
        return resolver->options.ttl_min;
    return ttl < resolver->options.ttl_max ? ttl : resolver->options.ttl_max;
}

/* That there is none is kept too; an answer that was of use stays for when none can be had. */
static void keep_answer(struct wf_dns_question *question, uint32_t ttl_s)
{
    weft_resolver *resolver = question->resolver;
    weft_time fresh_until = weft_after(clamp_ttl(resolver, ttl_s)), stale_until = fresh_until;
    if (question->ips.count != 0 && resolver->options.stale_max > 0)
        stale_until += resolver->options.stale_max;
    wf_dns_cache_put(&resolver->cache, question->name, question->family, &question->ips,
                     fresh_until, stale_until);
}

/* A name that has an old answer is not asked for at once again. */
static void put_off(struct wf_dns_question *question)
{
    struct wf_dns_entry *entry =
        wf_dns_cache_find(&question->resolver->cache, question->name, question->family);
    if (entry != NULL)
        entry->retry_at = weft_after(RETRY_AFTER);
}

static int question_ask(struct wf_dns_question *question, uint32_t *out_ttl_s)
{
    const weft_resolver *resolver = question->resolver;
    if (resolver->options.asks_system || resolver->config.has_other_source ||
        !wf_dns_query_has_servers) {
        *out_ttl_s = SYSTEM_TTL_S;
        return resolver->is_simulated ? weft_fail(-WEFT_EDNS, "dns: simulated, no system to ask")
                                      : ask_system(question);
    }
    struct wf_dns_reply *reply = wf_alloc(sizeof *reply);
    if (reply == NULL)
        return -ENOMEM;
    int rc = ask_servers(question, reply);
    *out_ttl_s = rc == -WEFT_ENONAME && reply->ttl_s == 0 ? NEGATIVE_TTL_S : reply->ttl_s;
    if (rc == 0)
        question->ips = reply->ips;
    wf_free(reply);
    return rc;
}

/* ---- its task ---- */

static void question_free(struct wf_dns_question *question)
{
    weft_release(question->task);
    wf_free(question);
}

static int question_run(void *arg)
{
    struct wf_dns_question *question = arg;
    weft_resolver *resolver = question->resolver;
    uint32_t ttl_s = 0;
    int rc = weft_sem_take(&resolver->free_slots);
    if (rc == 0) {
        rc = question_ask(question, &ttl_s);
        (void)weft_sem_give(&resolver->free_slots);
    }
    if (rc < 0)
        snprintf(question->text, sizeof question->text, "%s", weft_error_text());
    if (rc == 0 || rc == -WEFT_ENONAME)
        keep_answer(question, ttl_s);
    else if (rc != -ECANCELED)
        put_off(question);
    question->rc = rc == -ECANCELED && resolver->is_closed ? -WEFT_ECLOSED : rc;
    question->is_running = false;
    wf_list_remove(&question->link);
    resolver->stats.in_flight--;
    wf_dns_leave(resolver);
    if (question->asker_count == 0)
        question_free(question);
    return 0;
}

static struct wf_dns_question *question_find(weft_resolver *resolver, const char *name, int family)
{
    wf_list_each (pos, &resolver->questions) {
        struct wf_dns_question *question = wf_container(pos, struct wf_dns_question, link);
        if (question->family == family && strcmp(question->name, name) == 0)
            return question;
    }
    return NULL;
}

static int question_start(weft_resolver *resolver, const char *name, int family,
                          struct wf_dns_question **out)
{
    struct wf_dns_question *question = wf_alloc(sizeof *question);
    if (question == NULL)
        return -ENOMEM;
    question->resolver = resolver;
    question->family = family;
    snprintf(question->name, sizeof question->name, "%s", name);
    int rc = wf_dns_enter(resolver);
    if (rc < 0)
        goto fail;
    question->task = weft_detach(question_run, question);
    if (weft_done(question->task, &rc) != 0) { /* it was not made */
        wf_dns_leave(resolver);
        goto fail;
    }
    question->is_running = true;
    wf_list_append(&resolver->questions, &question->link);
    resolver->stats.in_flight++;
    *out = question;
    return 0;
fail:
    wf_free(question);
    return rc;
}

/* ---- who asks ---- */

/* The last one gone ends the question, unless it is to go on by itself. */
static void asker_leaves(struct wf_dns_question *question, bool goes_on)
{
    question->asker_count--;
    if (question->asker_count != 0)
        return;
    if (!question->is_running) {
        question_free(question);
    } else if (!goes_on) {
        wf_list_remove(&question->link);
        weft_cancel(question->task, "nobody waits for its answer any more");
    }
}

int wf_dns_question_ask(weft_resolver *resolver, const char *name, int family, weft_time patience,
                        struct wf_dns_ips *out)
{
    struct wf_dns_question *question = question_find(resolver, name, family);
    int rc = 0;
    if (question != NULL)
        resolver->stats.shared++;
    else
        rc = question_start(resolver, name, family, &question);
    if (rc < 0)
        return rc;
    assert(question != NULL);
    question->asker_count++;
    weft_scope limit;
    (void)weft_scope_open(&limit, weft_after(patience), 0); /* saturates */
    rc = weft_scope_close(&limit, weft_await(question->task));
    if (rc == 0)
        rc = question->rc;
    if (rc == 0)
        *out = question->ips;
    else if (!question->is_running && rc == question->rc && question->text[0] != '\0')
        (void)weft_fail(rc, "%s", question->text);
    asker_leaves(question, /* goes_on= */ rc == -ETIMEDOUT && patience < WEFT_FOREVER);
    return rc;
}

void wf_dns_question_end_all(weft_resolver *resolver)
{
    weft_scope shield;
    (void)weft_scope_open(&shield, WEFT_FOREVER, WEFT_SCOPE_SHIELD | WEFT_SCOPE_ENDLESS);
    while (!wf_list_is_empty(&resolver->questions)) {
        struct wf_dns_question *question =
            wf_container(resolver->questions.next, struct wf_dns_question, link);
        question->asker_count++;
        weft_cancel(question->task, "the resolver is closed");
        (void)weft_await(question->task);
        asker_leaves(question, /* goes_on= */ true);
    }
    int rc = weft_scope_close(&shield, 0);
    assert(rc == 0);
}
