/* SPDX-License-Identifier: MIT */

/* What the system's files say about looking names up.  Pure: text in, settings out; what cannot be
 * read is left out, as the system's own resolver does. */
#ifndef WF_DNS_CONFIG_H
#define WF_DNS_CONFIG_H

#include <weft/net.h>

#include "dns/name.h"

#define WF_DNS_SERVERS_MAX 8
#define WF_DNS_SEARCH_MAX 6

struct wf_dns_config {
    weft_addr servers[WF_DNS_SERVERS_MAX];
    uint32_t server_count;
    char search[WF_DNS_SEARCH_MAX][WF_DNS_NAME_BYTES];
    uint32_t search_count;
    uint32_t dots_min;     /* a name with so many dots is tried as it is first */
    uint32_t attempt_s;    /* 0: not said */
    uint32_t round_count;  /* 0: not said */
    bool has_other_source; /* nsswitch.conf: neither files nor dns */
};

/* The lines of resolv.conf(5). */
void wf_dns_config_read(struct wf_dns_config *config, weft_str text);

/* The line "hosts:" of nsswitch.conf(5). */
void wf_dns_config_read_switch(struct wf_dns_config *config, weft_str text);

/* Domains between spaces, in place of those that were there. */
void wf_dns_config_set_search(struct wf_dns_config *config, weft_str words);

/* Addresses with a port between spaces.  0, or -WEFT_ESYNTAX. */
int wf_dns_config_set_servers(struct wf_dns_config *config, weft_str words);

/* ---- words ---- */

/* The next line without its comment, and the next word of a line, taken off the front; false when
 * there is none. */
bool wf_dns_take_line(weft_str *text, weft_str *out);
bool wf_dns_take_word(weft_str *line, weft_str *out);

/* NUL-terminated; false if it does not fit. */
bool wf_dns_word_copy(char *out, size_t out_bytes, weft_str word);
bool wf_dns_word_is(weft_str word, const char *text);

#endif
