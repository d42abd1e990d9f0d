/* SPDX-License-Identifier: MIT */

/* The system's files about names: read when they have changed. */

#include "dns/resolver_priv.h"

#include <weft/file.h>
#include <weft/task.h>

#include "base/alloc.h"

#include <string.h>

#define CHECK_EVERY (5 * WEFT_SEC)

static const char *const paths[WF_DNS_FILE_COUNT] = {
    [WF_DNS_FILE_RESOLV] = "/etc/resolv.conf",
    [WF_DNS_FILE_SWITCH] = "/etc/nsswitch.conf",
    [WF_DNS_FILE_HOSTS] = "/etc/hosts",
};

static bool is_wanted(const weft_resolver *resolver, enum wf_dns_file file)
{
    return file == WF_DNS_FILE_HOSTS ? !resolver->has_own_hosts
                                     : !resolver->has_own_servers || !resolver->has_own_search;
}

static int stamp_take(enum wf_dns_file file, struct wf_dns_stamp *out)
{
    struct stat status;
    *out = (struct wf_dns_stamp){0};
    int rc = weft_stat(paths[file], &status);
    if (rc == -ECANCELED || rc == -ENOMEM)
        return rc;
    if (rc == 0)
        *out = (struct wf_dns_stamp){
            .changed_ns = status.st_mtim.tv_sec * WEFT_SEC + status.st_mtim.tv_nsec,
            .bytes = status.st_size,
            .inode = status.st_ino,
            .is_there = true,
        };
    return 0;
}

static bool stamp_is_equal(const struct wf_dns_stamp *a, const struct wf_dns_stamp *b)
{
    return a->changed_ns == b->changed_ns && a->bytes == b->bytes && a->inode == b->inode &&
           a->is_there == b->is_there;
}

/* A file that is not there is an empty one, and so is one that cannot be read. */
static int load(enum wf_dns_file file, weft_bytes *out)
{
    int rc = weft_file_load(paths[file], WF_DNS_HOSTS_BYTES_MAX, out);
    return rc == -ECANCELED || rc == -ENOMEM ? rc : 0;
}

/* ---- resolv.conf and nsswitch.conf ---- */

static void add_default_server(weft_resolver *resolver, struct wf_dns_config *config)
{
    if (config->server_count != 0 || resolver->is_simulated)
        return;
    config->server_count = 1;
    if (weft_addr_parse(&config->servers[0], "127.0.0.1:53") < 0) /* as the system's does */
        config->server_count = 0;
}

static void keep_own(const weft_resolver *resolver, struct wf_dns_config *config)
{
    const struct wf_dns_config *own = &resolver->config;
    if (resolver->has_own_servers) {
        memcpy(config->servers, own->servers, sizeof own->servers);
        config->server_count = own->server_count;
        config->has_other_source = false;
    }
    if (resolver->has_own_search) {
        memcpy(config->search, own->search, sizeof own->search);
        config->search_count = own->search_count;
    }
}

static int load_config(weft_resolver *resolver)
{
    weft_bytes servers = {0}, sources = {0};
    struct wf_dns_config *config = wf_alloc(sizeof *config);
    int rc = config == NULL ? -ENOMEM : load(WF_DNS_FILE_RESOLV, &servers);
    if (rc == 0)
        rc = load(WF_DNS_FILE_SWITCH, &sources);
    if (rc == 0) {
        config->dots_min = 1;
        wf_dns_config_read(config, (weft_str){servers.ptr, servers.len});
        wf_dns_config_read_switch(config, (weft_str){sources.ptr, sources.len});
        keep_own(resolver, config);
        add_default_server(resolver, config);
        resolver->config = *config;
    }
    weft_bytes_free(&servers);
    weft_bytes_free(&sources);
    wf_free(config);
    return rc;
}

static int load_hosts(weft_resolver *resolver)
{
    weft_bytes text = {0};
    struct wf_dns_hosts hosts = {0};
    int rc = load(WF_DNS_FILE_HOSTS, &text);
    if (rc == 0)
        rc = wf_dns_hosts_read(&hosts, (weft_str){text.ptr, text.len});
    weft_bytes_free(&text);
    if (rc < 0)
        return rc;
    wf_dns_hosts_fini(&resolver->hosts);
    resolver->hosts = hosts;
    return 0;
}

/* ---- both ---- */

/* Stamps are kept only after the files were read: what changes meanwhile is read again. */
static int refresh(weft_resolver *resolver)
{
    struct wf_dns_stamp now[WF_DNS_FILE_COUNT] = {0};
    bool has_changed[WF_DNS_FILE_COUNT] = {false};
    bool is_first = resolver->checked_at == 0;
    for (enum wf_dns_file file = 0; file < WF_DNS_FILE_COUNT; file++) {
        int rc = is_wanted(resolver, file) ? stamp_take(file, &now[file]) : 0;
        if (rc < 0)
            return rc;
        has_changed[file] = is_wanted(resolver, file) &&
                            (is_first || !stamp_is_equal(&now[file], &resolver->stamps[file]));
    }
    int rc = 0;
    if (has_changed[WF_DNS_FILE_RESOLV] || has_changed[WF_DNS_FILE_SWITCH])
        rc = load_config(resolver);
    if (rc == 0 && has_changed[WF_DNS_FILE_HOSTS])
        rc = load_hosts(resolver);
    if (rc < 0)
        return rc;
    memcpy(resolver->stamps, now, sizeof now);
    resolver->checked_at = weft_now();
    return 0;
}

static bool is_recent(const weft_resolver *resolver)
{
    return resolver->checked_at != 0 && weft_now() - resolver->checked_at < CHECK_EVERY;
}

int wf_dns_refresh(weft_resolver *resolver)
{
    if (is_recent(resolver))
        return 0;
    int rc = weft_lock(&resolver->loading);
    if (rc < 0)
        return rc;
    if (!is_recent(resolver))
        rc = refresh(resolver);
    (void)weft_unlock(&resolver->loading);
    return rc;
}
