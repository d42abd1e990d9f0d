/* SPDX-License-Identifier: MIT */

#include "dns/config.h"

#include <weft/error.h>

#include "dns/ip.h"

#include <string.h>

#define DNS_PORT 53
#define DOTS_MAX 15u
#define ATTEMPT_S_MAX 30u
#define ROUNDS_MAX 5u

/* ---- words ---- */

bool wf_dns_take_line(weft_str *text, weft_str *out)
{
    if (text->len == 0)
        return false;
    const char *end = memchr(text->ptr, '\n', text->len);
    size_t bytes = end != NULL ? (size_t)(end - text->ptr) : text->len;
    *out = (weft_str){text->ptr, bytes};
    bytes += end != NULL;
    text->ptr += bytes;
    text->len -= bytes;
    for (size_t i = 0; i < out->len; i++)
        if (out->ptr[i] == '#' || out->ptr[i] == ';')
            out->len = i;
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool wf_dns_take_word(weft_str *line, weft_str *out)
{
    while (line->len != 0 && is_space(*line->ptr)) {
        line->ptr++;
        line->len--;
    }
    *out = (weft_str){line->ptr, 0};
    while (line->len != 0 && !is_space(*line->ptr)) {
        line->ptr++;
        line->len--;
        out->len++;
    }
    return out->len != 0;
}

bool wf_dns_word_copy(char *out, size_t out_bytes, weft_str word)
{
    if (word.len >= out_bytes)
        return false;
    memcpy(out, word.ptr, word.len);
    out[word.len] = '\0';
    return true;
}

bool wf_dns_word_is(weft_str word, const char *text)
{
    return word.len == strlen(text) && memcmp(word.ptr, text, word.len) == 0;
}

/* ---- resolv.conf ---- */

static void add_nameserver(struct wf_dns_config *config, weft_str word)
{
    char text[64];
    struct wf_dns_ip ip;
    if (config->server_count < WF_DNS_SERVERS_MAX && wf_dns_word_copy(text, sizeof text, word) &&
        wf_dns_ip_read(&ip, text))
        wf_dns_ip_addr(&config->servers[config->server_count++], &ip, DNS_PORT);
}

void wf_dns_config_set_search(struct wf_dns_config *config, weft_str words)
{
    char text[WF_DNS_NAME_BYTES + 1];
    weft_str word;
    config->search_count = 0;
    while (config->search_count < WF_DNS_SEARCH_MAX && wf_dns_take_word(&words, &word)) {
        struct wf_dns_name name;
        if (wf_dns_word_copy(text, sizeof text, word) && wf_dns_name_read(&name, text) == 0)
            memcpy(config->search[config->search_count++], name.text, sizeof name.text);
    }
}

/* "ndots:2" and its like; numbers past the limit are cut to it. */
static void read_option(weft_str word, const char *key, uint32_t most, uint32_t *out)
{
    size_t bytes = strlen(key);
    uint32_t number = 0;
    if (word.len <= bytes || memcmp(word.ptr, key, bytes) != 0)
        return;
    for (size_t i = bytes; i < word.len; i++) {
        if (word.ptr[i] < '0' || word.ptr[i] > '9')
            return;
        number = number * 10 + (uint32_t)(word.ptr[i] - '0');
        number = number < most ? number : most;
    }
    *out = number;
}

static void read_options(struct wf_dns_config *config, weft_str words)
{
    weft_str word;
    while (wf_dns_take_word(&words, &word)) {
        read_option(word, "ndots:", DOTS_MAX, &config->dots_min);
        read_option(word, "timeout:", ATTEMPT_S_MAX, &config->attempt_s);
        read_option(word, "attempts:", ROUNDS_MAX, &config->round_count);
    }
}

void wf_dns_config_read(struct wf_dns_config *config, weft_str text)
{
    weft_str line, word;
    while (wf_dns_take_line(&text, &line)) {
        if (!wf_dns_take_word(&line, &word))
            continue;
        if (wf_dns_word_is(word, "nameserver") && wf_dns_take_word(&line, &word))
            add_nameserver(config, word);
        else if (wf_dns_word_is(word, "search") || wf_dns_word_is(word, "domain"))
            wf_dns_config_set_search(config, line);
        else if (wf_dns_word_is(word, "options"))
            read_options(config, line);
    }
}

/* ---- nsswitch.conf ---- */

void wf_dns_config_read_switch(struct wf_dns_config *config, weft_str text)
{
    weft_str line, word;
    while (wf_dns_take_line(&text, &line)) {
        if (!wf_dns_take_word(&line, &word) || !wf_dns_word_is(word, "hosts:"))
            continue;
        while (wf_dns_take_word(&line, &word))
            if (word.ptr[0] != '[' && !wf_dns_word_is(word, "files") &&
                !wf_dns_word_is(word, "dns") && !wf_dns_word_is(word, "myhostname"))
                config->has_other_source = true;
    }
}

/* ---- the caller's own servers ---- */

int wf_dns_config_set_servers(struct wf_dns_config *config, weft_str words)
{
    weft_str word;
    config->server_count = 0;
    while (wf_dns_take_word(&words, &word)) {
        char text[WEFT_ADDR_TEXT_BYTES];
        weft_addr *server = &config->servers[config->server_count];
        if (config->server_count == WF_DNS_SERVERS_MAX)
            return weft_fail(-WEFT_ESYNTAX, "dns: over %d servers", WF_DNS_SERVERS_MAX);
        if (!wf_dns_word_copy(text, sizeof text, word))
            return weft_fail(-WEFT_ESYNTAX, "dns: a server's address of %zu bytes", word.len);
        int rc = weft_addr_parse(server, text);
        if (rc < 0)
            return rc;
        if (server->storage.ss_family == AF_UNIX)
            return weft_fail(-WEFT_ESYNTAX, "dns: \"%s\" is no server's address", text);
        config->server_count++;
    }
    return 0;
}
