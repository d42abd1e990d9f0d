/* SPDX-License-Identifier: MIT */

/* The system's files about names, and names themselves: what is kept is well formed. */

#include <weft/dns.h>

#include "dns/config.h"
#include "dns/hosts.h"
#include "dns/name.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(weft_str text)
{
    char copy[WF_DNS_NAME_BYTES + 16];
    struct wf_dns_name name, again;
    uint8_t packed[WF_DNS_NAME_BYTES];
    if (!wf_dns_word_copy(copy, sizeof copy, text) || wf_dns_name_read(&name, copy) < 0)
        return;
    assert(wf_dns_name_read(&again, name.text) == 0);
    assert(strcmp(name.text, again.text) == 0);
    assert(wf_dns_name_pack(packed, name.text) == strlen(name.text) + 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weft_str text = {(const char *)data, size};
    struct wf_dns_config config = {.dots_min = 1};
    struct wf_dns_hosts hosts;
    struct wf_dns_ips ips = {.count = 0};
    check_name(text);
    wf_dns_config_read(&config, text);
    wf_dns_config_read_switch(&config, text);
    assert(config.server_count <= WF_DNS_SERVERS_MAX);
    assert(config.search_count <= WF_DNS_SEARCH_MAX);
    for (uint32_t i = 0; i < config.search_count; i++)
        check_name(weft_str_of(config.search[i]));
    if (wf_dns_hosts_read(&hosts, text) == 0) {
        (void)wf_dns_hosts_find(&hosts, "localhost", AF_INET, &ips);
        wf_dns_hosts_fini(&hosts);
    }
    return 0;
}
