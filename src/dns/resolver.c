/* SPDX-License-Identifier: MIT */

/* Resolvers: made, found for a task, closed. */

#include "dns/resolver_priv.h"

#include <weft/event.h>
#include <weft/local.h>
#include <weft/sys/opened.h>
#include <weft/task.h>

#include "base/alloc.h"

#include <assert.h>
#include <string.h>

#define ATTEMPT_MAX (5 * WEFT_SEC)
#define ROUND_COUNT 2u
#define QUERY_MAX 256u
#define CACHE_MAX 1024u
#define TTL_MIN WEFT_SEC
#define TTL_MAX (300 * WEFT_SEC)
#define STALE_MAX (3600 * WEFT_SEC)

/* ---- open and close ---- */

static void put_defaults(weft_resolver_options *options)
{
    if (options->attempt_max == 0)
        options->attempt_max = ATTEMPT_MAX;
    if (options->round_count == 0)
        options->round_count = ROUND_COUNT;
    if (options->query_max == 0)
        options->query_max = QUERY_MAX;
    if (options->cache_max == 0)
        options->cache_max = CACHE_MAX;
    if (options->ttl_min == 0)
        options->ttl_min = TTL_MIN;
    if (options->ttl_max == 0)
        options->ttl_max = TTL_MAX;
    if (options->stale_max == 0)
        options->stale_max = STALE_MAX;
}

/* What the options say in place of the system's files. */
static int read_texts(weft_resolver *resolver, const weft_resolver_options *options)
{
    int rc = 0;
    resolver->has_own_servers = options->servers != NULL;
    resolver->has_own_search = options->search != NULL;
    resolver->has_own_hosts = options->hosts != NULL;
    resolver->config.dots_min = 1;
    if (options->servers != NULL)
        rc = wf_dns_config_set_servers(&resolver->config, weft_str_of(options->servers));
    if (options->search != NULL)
        wf_dns_config_set_search(&resolver->config, weft_str_of(options->search));
    if (rc == 0 && options->hosts != NULL)
        rc = wf_dns_hosts_read(&resolver->hosts, weft_str_of(options->hosts));
    return rc;
}

static void resolver_free(weft_resolver *resolver)
{
    weft_exec_free(resolver->exec);
    wf_dns_cache_fini(&resolver->cache);
    wf_dns_hosts_fini(&resolver->hosts);
    wf_free(resolver);
}

static const weft_open_kind resolver_kind = {"resolver", "weft_resolver_close()", NULL};

int weft_resolver_open(weft_resolver **out, const weft_resolver_options *options)
{
    static const weft_resolver_options none;
    weft_loop *loop = weft_loop_self();
    if (loop == NULL || weft_self().id == 0)
        return -EPERM;
    weft_resolver *resolver = wf_alloc(sizeof *resolver);
    if (resolver == NULL)
        return -ENOMEM;
    options = options != NULL ? options : &none;
    resolver->loop = loop;
    resolver->user_count = 1;
    resolver->is_simulated = strcmp(weft_loop_backend(loop), "sim") == 0;
    resolver->options = *options;
    put_defaults(&resolver->options);
    resolver->options.servers = resolver->options.search = resolver->options.hosts = NULL;
    wf_list_init(&resolver->questions);
    resolver->free_slots =
        (weft_sem)WEFT_SEM(resolver->options.query_max, resolver->options.query_max);
    int rc = read_texts(resolver, options);
    if (rc == 0)
        rc = wf_dns_cache_init(&resolver->cache, resolver->options.cache_max);
    if (rc < 0) {
        resolver_free(resolver);
        return rc;
    }
    weft_opened(resolver, &resolver_kind);
    *out = resolver;
    return 0;
}

int wf_dns_enter(weft_resolver *resolver)
{
    if (resolver->is_closed)
        return -WEFT_ECLOSED;
    resolver->user_count++;
    return 0;
}

void wf_dns_leave(weft_resolver *resolver)
{
    assert(resolver->user_count > 0);
    resolver->user_count--;
    if (resolver->user_count == 0)
        resolver_free(resolver);
}

void weft_resolver_close(weft_resolver *resolver)
{
    if (resolver == NULL)
        return;
    assert(!resolver->is_closed);
    weft_closed(resolver, &resolver_kind);
    resolver->is_closed = true;
    wf_dns_question_end_all(resolver);
    wf_dns_leave(resolver);
}

void weft_resolver_stats_get(const weft_resolver *resolver, weft_resolver_stats *out)
{
    *out = resolver->stats;
    out->cached = resolver->cache.count;
}

/* ---- whose ---- */

static weft_local chosen;

int weft_resolver_use(weft_resolver *resolver)
{
    return weft_local_set(&chosen, resolver);
}

/* The run's own.  A loop has no place for what layers above it want to keep, so it stands beside
 * the thread's loop, and a task of the loop's frees it when the run ends. */
static _Thread_local weft_resolver *own;

static int own_hold(void *arg)
{
    weft_event never = {0};
    int rc = weft_event_wait(&never);
    own = NULL;
    weft_resolver_close(arg);
    return rc;
}

static int own_open(weft_resolver **out)
{
    int rc = weft_resolver_open(out, NULL);
    if (rc < 0)
        return rc;
    weft_task holder = weft_detach(own_hold, *out);
    if (weft_done(holder, &rc) != 0) {
        weft_resolver_close(*out);
        return rc;
    }
    weft_release(holder);
    own = *out;
    return 0;
}

int wf_dns_resolver_get(weft_resolver *given, weft_resolver **out)
{
    weft_resolver *resolver = given != NULL ? given : weft_local_get(&chosen);
    if (resolver == NULL && own != NULL && own->loop == weft_loop_self()) /* not after a fork */
        resolver = own;
    int rc = resolver == NULL ? own_open(&resolver) : 0;
    if (rc == 0)
        *out = resolver;
    return rc;
}
