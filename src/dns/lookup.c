/* SPDX-License-Identifier: MIT */

/* From a host's name to addresses: literals, the hosts file, the cache, questions; and which full
 * names a short one may mean. */

#include "dns/resolver_priv.h"

#include <weft/error.h>
#include <weft/gather.h>
#include <weft/task.h>

#include <stdio.h>
#include <string.h>

/* With an old answer at hand nobody waits longer for a new one (RFC 8767, section 5). */
#define STALE_PATIENCE (1800 * WEFT_MS)

/* ---- one full name, one family ---- */

static int no_address(const char *name)
{
    return weft_fail(-WEFT_ENONAME, "dns: %.64s has no address of this kind", name);
}

static int give_entry(const struct wf_dns_entry *entry, struct wf_dns_ips *out)
{
    if (entry->count == 0)
        return no_address(entry->name);
    memcpy(out->items, entry->ips, entry->count * sizeof entry->ips[0]);
    out->count = entry->count;
    return 0;
}

/* Is there something, though too old, and is it better than nothing now? */
static struct wf_dns_entry *find_stale(weft_resolver *resolver, const char *name, int family)
{
    struct wf_dns_entry *entry = wf_dns_cache_find(&resolver->cache, name, family);
    bool is_of_use = entry != NULL && entry->count != 0 && weft_now() < entry->stale_until;
    return is_of_use ? entry : NULL;
}

static bool may_be_replaced(int rc)
{
    return rc < 0 && rc != -WEFT_ENONAME && rc != -ECANCELED && rc != -WEFT_ECLOSED;
}

static int ask_by_cache(weft_resolver *resolver, const char *name, int family,
                        struct wf_dns_ips *out)
{
    struct wf_dns_entry *entry = wf_dns_cache_find(&resolver->cache, name, family);
    resolver->stats.asked++;
    if (entry != NULL && weft_now() < entry->fresh_until) {
        resolver->stats.hits++;
        return give_entry(entry, out);
    }
    entry = find_stale(resolver, name, family);
    int rc = -ETIMEDOUT;
    if (entry == NULL || weft_now() >= entry->retry_at)
        rc = wf_dns_question_ask(resolver, name, family,
                                 entry != NULL ? STALE_PATIENCE : WEFT_FOREVER, out);
    entry = may_be_replaced(rc) ? find_stale(resolver, name, family) : NULL;
    if (entry == NULL)
        return rc;
    resolver->stats.stale++;
    return give_entry(entry, out);
}

static int give_local(int family, struct wf_dns_ips *out)
{
    static const uint8_t v4[4] = {127, 0, 0, 1}, v6[16] = {[15] = 1};
    (void)wf_dns_ips_add(out, family, family == AF_INET6 ? v6 : v4);
    return 0;
}

static int look_up(weft_resolver *resolver, const char *name, int family, struct wf_dns_ips *out)
{
    if (wf_dns_hosts_find(&resolver->hosts, name, family, out))
        return out->count != 0 ? 0 : no_address(name);
    if (wf_dns_name_is_local(name))
        return give_local(family, out);
    return ask_by_cache(resolver, name, family, out);
}

/* ---- one full name, both families ---- */

struct family_job {
    weft_resolver *resolver;
    const char *name;
    int family;
    wf_dns_found_fn *found;
    void *arg;
};

static int family_run(void *arg)
{
    struct family_job *job = arg;
    struct wf_dns_ips ips;
    ips.count = 0;
    int rc = look_up(job->resolver, job->name, job->family, &ips);
    if (rc == 0)
        job->found(&ips, job->arg);
    return rc;
}

/* Of two results the one that says more; what was found outweighs what was not. */
static int weigh(int first, int second)
{
    if (first >= 0 || second >= 0)
        return 0;
    return first != -WEFT_ENONAME ? first : second;
}

static int both_run(struct family_job jobs[2])
{
    weft_task tasks[2];
    int rc[2] = {0, 0};
    for (int i = 0; i < 2; i++)
        tasks[i] = weft_spawn(family_run, &jobs[i]);
    int failed = weft_settle_n(tasks, 2, rc);
    int result = failed < 0 ? failed : weigh(rc[0], rc[1]);
    if (result < 0) { /* the text goes with the record */
        int teller = result == rc[0] ? 0 : 1;
        (void)weft_await(tasks[teller]);
    }
    for (int i = 0; i < 2; i++)
        weft_release(tasks[i]);
    return result;
}

static int name_find(struct family_job *job, const char *name, int family)
{
    struct family_job jobs[2] = {*job, *job};
    for (int i = 0; i < 2; i++) {
        jobs[i].name = name;
        jobs[i].family = i == 0 ? AF_INET6 : AF_INET;
    }
    if (family == AF_UNSPEC)
        return both_run(jobs);
    return family_run(&jobs[family == AF_INET6 ? 0 : 1]);
}

/* ---- the names that a short one may mean ---- */

/* The names tried, and what a server said that could not say whether one of them is there. */
struct search {
    struct family_job *job;
    int family;
    char unsaid[WEFT_ERROR_TEXT_BYTES]; /* "": none */
};

static int search_try(struct search *search, const char *name)
{
    int rc = name_find(search->job, name, search->family);
    if (rc == WF_DNS_UNSAID)
        snprintf(search->unsaid, sizeof search->unsaid, "%s", weft_error_text());
    return rc == WF_DNS_UNSAID ? -WEFT_ENONAME : rc;
}

static int search_domains(struct search *search, const char *name)
{
    const struct wf_dns_config *config = &search->job->resolver->config; /* may be read anew */
    int rc = -WEFT_ENONAME;
    for (uint32_t i = 0; i < config->search_count && rc == -WEFT_ENONAME; i++) {
        char full[WF_DNS_NAME_BYTES];
        if (wf_dns_name_join(full, name, config->search[i]))
            rc = search_try(search, full);
    }
    return rc;
}

static int find_name(struct family_job *job, const struct wf_dns_name *name, int family)
{
    const struct wf_dns_config *config = &job->resolver->config;
    struct search search = {.job = job, .family = family};
    int rc = -WEFT_ENONAME;
    if (name->is_absolute || config->search_count == 0 || wf_dns_name_is_local(name->text))
        return name_find(job, name->text, family);
    bool is_first = name->dots >= config->dots_min;
    if (is_first) /* a name that may well exist is not looked for elsewhere */
        rc = name_find(job, name->text, family);
    if (rc == -WEFT_ENONAME)
        rc = search_domains(&search, name->text);
    if (rc == -WEFT_ENONAME && !is_first)
        rc = search_try(&search, name->text);
    if (rc == -WEFT_ENONAME && search.unsaid[0] != '\0')
        rc = weft_fail(WF_DNS_UNSAID, "%s", search.unsaid);
    return rc;
}

static int find_literal(const struct wf_dns_ip *ip, const char *host, int family,
                        wf_dns_found_fn *found, void *arg)
{
    struct wf_dns_ips ips;
    ips.count = 0;
    if (family != AF_UNSPEC && family != ip->family)
        return no_address(host);
    (void)wf_dns_ips_add(&ips, ip->family, ip->bytes);
    found(&ips, arg);
    return 0;
}

int wf_dns_find(weft_resolver *resolver, const char *host, int family, wf_dns_found_fn *found,
                void *arg)
{
    struct family_job job = {.resolver = resolver, .found = found, .arg = arg};
    struct wf_dns_name name;
    struct wf_dns_ip ip;
    if (host == NULL)
        return weft_fail(-EINVAL, "dns: there is no host to look up (NULL)");
    if (family != AF_UNSPEC && family != AF_INET && family != AF_INET6)
        return -EAFNOSUPPORT;
    if (wf_dns_ip_read(&ip, host))
        return find_literal(&ip, host, family, found, arg);
    int rc = wf_dns_name_read(&name, host);
    if (rc == 0)
        rc = wf_dns_enter(resolver);
    if (rc < 0)
        return rc;
    rc = wf_dns_refresh(resolver);
    if (rc == 0)
        rc = find_name(&job, &name, family);
    wf_dns_leave(resolver);
    return rc == WF_DNS_UNSAID ? weft_fail(-WEFT_EDNS, "%s", weft_error_text()) : rc;
}

/* ---- the public call ---- */

struct collect {
    struct wf_dns_ips families[2]; /* IPv6, IPv4 */
};

static void collect_found(const struct wf_dns_ips *ips, void *arg)
{
    struct collect *collect = arg;
    if (ips->count != 0)
        collect->families[ips->items[0].family == AF_INET6 ? 0 : 1] = *ips;
}

/* The families in turns (RFC 8305, section 4), each in the order of its answer. */
static size_t collect_addrs(const struct collect *collect, uint16_t port, weft_addr out[],
                            size_t count)
{
    size_t given = 0;
    for (uint32_t i = 0; i < WF_DNS_IPS_MAX; i++)
        for (int f = 0; f < 2; f++)
            if (i < collect->families[f].count && given < count)
                wf_dns_ip_addr(&out[given++], &collect->families[f].items[i], port);
    return given;
}

int weft_resolve(weft_resolver *resolver, const char *host, uint16_t port, int family,
                 weft_addr out[], size_t count)
{
    struct collect collect;
    collect.families[0].count = collect.families[1].count = 0;
    int rc = wf_dns_resolver_get(resolver, &resolver);
    if (rc == 0)
        rc = wf_dns_find(resolver, host, family, collect_found, &collect);
    return rc < 0 ? rc : (int)collect_addrs(&collect, port, out, count);
}
