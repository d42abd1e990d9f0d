/* SPDX-License-Identifier: MIT */

#include "h1/host.h"

#include "h1/chars.h"

#include <arpa/inet.h>
#include <string.h>

#define HOST_BYTES_MAX 253
#define LABEL_BYTES_MAX 63
#define PORT_MAX 65535

static bool port_is_valid(const char *text, size_t len)
{
    if (len == 0 || len > 5)
        return false;
    unsigned port = 0;
    for (size_t i = 0; i < len; i++) {
        if (!wf_http_is(text[i], WF_DIGIT))
            return false;
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    return port <= PORT_MAX;
}

/* Takes a number up to 255 without leading zeros from the front; false: there is none. */
static bool take_octet(const char **at, const char *end)
{
    const char *start = *at;
    unsigned value = 0;
    while (*at < end && **at != '.' && *at - start < 3)
        value = value * 10 + (unsigned)(*(*at)++ - '0');
    return *at > start && value <= 255 && (*start != '0' || *at - start == 1);
}

/* Four of them; the text holds only digits and dots. */
static bool ipv4_is_valid(const char *text, size_t len)
{
    const char *at = text, *end = text + len;
    for (int i = 0; i < 3; i++) {
        if (!take_octet(&at, end) || at == end || *at++ != '.')
            return false;
    }
    return take_octet(&at, end) && at == end;
}

static bool ipv6_is_valid(const char *text, size_t len)
{
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr addr;
    if (len >= sizeof copy || memchr(text, 0, len) != NULL)
        return false;
    memcpy(copy, text, len);
    copy[len] = 0;
    return inet_pton(AF_INET6, copy, &addr) == 1;
}

/* A name, or an address if nothing in it is a letter.  One dot at the end means the root. */
static bool name_is_valid(const char *text, size_t len)
{
    const char *end = text + len, *label = text;
    unsigned shared = WF_DIGIT; /* the classes that all its characters have */
    if (len == 0 || len > HOST_BYTES_MAX)
        return false;
    for (const char *at = text; at < end; at++) {
        unsigned classes = wf_http_classes[(unsigned char)*at];
        if ((classes & WF_HOST) != 0) {
            shared &= classes;
            continue;
        }
        if (*at != '.' || at == label || at - label > LABEL_BYTES_MAX)
            return false;
        label = at + 1;
    }
    if (end - label > LABEL_BYTES_MAX)
        return false;
    return (shared & WF_DIGIT) == 0 || ipv4_is_valid(text, len);
}

bool wf_http_host_is_valid(const char *text, size_t len)
{
    if (len > 0 && text[0] == '[') {
        const char *end = memchr(text, ']', len);
        if (end == NULL)
            return false;
        size_t inner = (size_t)(end - text) - 1, rest = len - inner - 2;
        if (!ipv6_is_valid(text + 1, inner))
            return false;
        return rest == 0 || (end[1] == ':' && port_is_valid(end + 2, rest - 1));
    }
    const char *colon = memchr(text, ':', len);
    if (colon == NULL)
        return name_is_valid(text, len);
    size_t name_len = (size_t)(colon - text);
    return name_is_valid(text, name_len) && port_is_valid(colon + 1, len - name_len - 1);
}
