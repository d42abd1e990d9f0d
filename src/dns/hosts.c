/* SPDX-License-Identifier: MIT */

#include "dns/hosts.h"

#include "base/alloc.h"
#include "dns/config.h"
#include "dns/name.h"

#include <stdlib.h>
#include <string.h>

struct wf_dns_host {
    const char *name; /* in the text, lower case, NUL-terminated */
    struct wf_dns_ip ip;
};

void wf_dns_hosts_fini(struct wf_dns_hosts *hosts)
{
    wf_free(hosts->items);
    wf_free(hosts->text);
    *hosts = (struct wf_dns_hosts){0};
}

static int hosts_add(struct wf_dns_hosts *hosts, const char *name, const struct wf_dns_ip *ip)
{
    if (hosts->count == hosts->capacity) {
        size_t capacity = hosts->capacity != 0 ? hosts->capacity * 2 : 16;
        struct wf_dns_host *grown = wf_grow(hosts->items, capacity, sizeof *grown);
        if (grown == NULL)
            return -ENOMEM;
        hosts->items = grown;
        hosts->capacity = capacity;
    }
    hosts->items[hosts->count++] = (struct wf_dns_host){.name = name, .ip = *ip};
    return 0;
}

/* The name written over the word it was read from: it is not longer. */
static const char *name_in_place(weft_str word)
{
    struct wf_dns_name name;
    char text[WF_DNS_NAME_BYTES + 1];
    if (!wf_dns_word_copy(text, sizeof text, word) || wf_dns_name_read(&name, text) < 0)
        return NULL;
    char *at = (char *)(uintptr_t)word.ptr;
    memcpy(at, name.text, strlen(name.text) + 1);
    return at;
}

static int line_read(struct wf_dns_hosts *hosts, weft_str line)
{
    weft_str word;
    char text[64];
    struct wf_dns_ip ip;
    int rc = 0;
    if (!wf_dns_take_word(&line, &word) || !wf_dns_word_copy(text, sizeof text, word) ||
        !wf_dns_ip_read(&ip, text))
        return 0;
    while (rc == 0 && wf_dns_take_word(&line, &word)) {
        if (line.len != 0) { /* the space behind the word, where its NUL goes */
            line.ptr++;
            line.len--;
        }
        const char *name = name_in_place(word);
        if (name != NULL)
            rc = hosts_add(hosts, name, &ip);
    }
    return rc;
}

/* By name; the file's order among equals is that of their places in the text. */
static int host_compare(const void *a, const void *b)
{
    const struct wf_dns_host *first = a, *second = b;
    int order = strcmp(first->name, second->name);
    return order != 0 ? order : first->name < second->name ? -1 : first->name > second->name;
}

int wf_dns_hosts_read(struct wf_dns_hosts *out, weft_str text)
{
    struct wf_dns_hosts hosts = {.text = wf_strdup(text.ptr, text.len)};
    weft_str rest = {hosts.text, text.len}, line;
    int rc = hosts.text == NULL ? -ENOMEM : 0;
    while (rc == 0 && wf_dns_take_line(&rest, &line))
        rc = line_read(&hosts, line);
    if (rc < 0) {
        wf_dns_hosts_fini(&hosts);
        return rc;
    }
    if (hosts.count != 0)
        qsort(hosts.items, hosts.count, sizeof *hosts.items, host_compare);
    *out = hosts;
    return 0;
}

bool wf_dns_hosts_find(const struct wf_dns_hosts *hosts, const char *name, int family,
                       struct wf_dns_ips *out)
{
    size_t low = 0, high = hosts->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(hosts->items[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool is_there = low < hosts->count && strcmp(hosts->items[low].name, name) == 0;
    for (; low < hosts->count && strcmp(hosts->items[low].name, name) == 0; low++)
        if (hosts->items[low].ip.family == family)
            (void)wf_dns_ips_add(out, family, hosts->items[low].ip.bytes);
    return is_there;
}
