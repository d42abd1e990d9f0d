/* SPDX-License-Identifier: MIT */

/* Addresses as text.  Pure: no look-up, no system call. */

#include "net/addr_priv.h"

#include <weft/error.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define HOST_TEXT_BYTES INET6_ADDRSTRLEN
#define PORT_MAX 65535u
#define PORT_DIGITS_MAX 5

static const char unix_prefix[] = "unix:";

/* ---- parse ---- */

static int port_parse(const char *text, uint16_t *out)
{
    uint32_t port = 0;
    size_t digits = 0;
    for (; text[digits] >= '0' && text[digits] <= '9' && digits < PORT_DIGITS_MAX; digits++)
        port = port * 10 + (uint32_t)(text[digits] - '0');
    if (digits == 0)
        return weft_fail(-WEFT_ESYNTAX, "address: a port in 0-65535 must follow the colon");
    if (text[digits] != '\0' || port > PORT_MAX)
        return weft_fail(-WEFT_ESYNTAX, "address: the port \"%.32s\" is not in 0-65535", text);
    if (digits > 1 && text[0] == '0')
        return weft_fail(-WEFT_ESYNTAX, "address: the port \"%.32s\" begins with a zero", text);
    *out = (uint16_t)port;
    return 0;
}

/* Copies the host between `begin` and `end`; false if it is too long to be one. */
static bool host_copy(char out[HOST_TEXT_BYTES], const char *begin, const char *end)
{
    size_t bytes = (size_t)(end - begin);
    if (bytes >= HOST_TEXT_BYTES)
        return false;
    memcpy(out, begin, bytes);
    out[bytes] = '\0';
    return true;
}

static int ipv4_parse(weft_addr *out, const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    char host[HOST_TEXT_BYTES];
    uint16_t port = 0;
    const char *colon = strchr(text, ':');
    if (colon == NULL)
        return weft_fail(-WEFT_ESYNTAX,
                         "address: \"%.64s\" is no HOST:PORT, [IPV6]:PORT or unix:PATH", text);
    if (strchr(colon + 1, ':') != NULL)
        return weft_fail(-WEFT_ESYNTAX, "address: an IPv6 address stands in brackets: [::1]:80");
    if (!host_copy(host, text, colon))
        return weft_fail(-WEFT_ESYNTAX, "address: \"%.64s\" is not an IPv4 address", text);
    if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &in.sin_addr) != 1)
        return weft_fail(-WEFT_ESYNTAX, "address: \"%s\" is neither an IPv4 address nor localhost",
                         host);
    int rc = port_parse(colon + 1, &port);
    if (rc < 0)
        return rc;
    in.sin_port = htons(port);
    *out = (weft_addr){.bytes = sizeof in};
    memcpy(&out->storage, &in, sizeof in);
    return 0;
}

static int ipv6_parse(weft_addr *out, const char *text)
{
    struct sockaddr_in6 in = {.sin6_family = AF_INET6};
    char host[HOST_TEXT_BYTES];
    uint16_t port = 0;
    const char *close = strchr(text, ']');
    if (close == NULL || close[1] != ':')
        return weft_fail(-WEFT_ESYNTAX, "address: \"%.64s\" is not of the form [IPv6]:port", text);
    if (!host_copy(host, text + 1, close) || inet_pton(AF_INET6, host, &in.sin6_addr) != 1)
        return weft_fail(-WEFT_ESYNTAX, "address: \"%.64s\" is not an IPv6 address", text);
    int rc = port_parse(close + 2, &port);
    if (rc < 0)
        return rc;
    in.sin6_port = htons(port);
    *out = (weft_addr){.bytes = sizeof in};
    memcpy(&out->storage, &in, sizeof in);
    return 0;
}

static int unix_parse(weft_addr *out, const char *name)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t bytes = strlen(name);
    bool is_abstract = name[0] == '@';
    if (bytes == 0 || (is_abstract && bytes == 1))
        return weft_fail(-WEFT_ESYNTAX, "address: a path or @name must follow \"unix:\"");
    if (bytes >= sizeof un.sun_path)
        return weft_fail(-WEFT_ESYNTAX, "address: a Unix path has at most %zu bytes, not %zu",
                         sizeof un.sun_path - 1, bytes);
    memcpy(un.sun_path, name, bytes);
    if (is_abstract)
        un.sun_path[0] = '\0';
    size_t used = offsetof(struct sockaddr_un, sun_path) + bytes + (is_abstract ? 0 : 1);
    *out = (weft_addr){.bytes = (uint32_t)used};
    memcpy(&out->storage, &un, used);
    return 0;
}

int weft_addr_parse(weft_addr *out, const char *text)
{
    if (text == NULL)
        return weft_fail(-EINVAL, "address: there is none (NULL)");
    if (strncmp(text, unix_prefix, sizeof unix_prefix - 1) == 0)
        return unix_parse(out, text + sizeof unix_prefix - 1);
    return text[0] == '[' ? ipv6_parse(out, text) : ipv4_parse(out, text);
}

/* ---- format ---- */

static int written(int count, size_t out_bytes)
{
    return count >= 0 && (size_t)count < out_bytes ? count : -ENOSPC;
}

static int ip_format(const weft_addr *addr, char *out, size_t out_bytes)
{
    char host[HOST_TEXT_BYTES];
    bool is_v6 = addr->storage.ss_family == AF_INET6;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    memcpy(&in, &addr->storage, sizeof in);
    memcpy(&in6, &addr->storage, sizeof in6);
    const void *ip = is_v6 ? (const void *)&in6.sin6_addr : (const void *)&in.sin_addr;
    if (inet_ntop(addr->storage.ss_family, ip, host, sizeof host) == NULL)
        return -EAFNOSUPPORT;
    const char *form = is_v6 ? "[%s]:%d" : "%s:%d";
    return written(snprintf(out, out_bytes, form, host, weft_addr_get_port(addr)), out_bytes);
}

static int unix_format(const weft_addr *addr, char *out, size_t out_bytes)
{
    struct sockaddr_un un = {0};
    size_t used = addr->bytes < sizeof un ? addr->bytes : sizeof un;
    memcpy(&un, &addr->storage, used);
    size_t head = offsetof(struct sockaddr_un, sun_path);
    size_t bytes = used > head ? used - head : 0;
    if (bytes != 0 && un.sun_path[0] != '\0')
        bytes = strnlen(un.sun_path, bytes);
    size_t total = sizeof unix_prefix - 1 + bytes;
    if (total >= out_bytes)
        return -ENOSPC;
    memcpy(out, unix_prefix, sizeof unix_prefix - 1);
    char *name = out + sizeof unix_prefix - 1;
    for (size_t i = 0; i < bytes; i++) /* a name outside the file system may hold any byte */
        name[i] = un.sun_path[i] != '\0' ? un.sun_path[i] : '@';
    name[bytes] = '\0';
    return (int)total;
}

int weft_addr_format(const weft_addr *addr, char *out, size_t out_bytes)
{
    if (addr->bytes == 0)
        return -EINVAL;
    switch (addr->storage.ss_family) {
    case AF_INET:
    case AF_INET6:
        return ip_format(addr, out, out_bytes);
    case AF_UNIX:
        return unix_format(addr, out, out_bytes);
    default:
        return -EAFNOSUPPORT;
    }
}

int wf_addr_fail(int rc, const char *what, const weft_addr *addr)
{
    char text[WEFT_ADDR_TEXT_BYTES];
    if (rc == -ECANCELED || rc == -ENOMEM || weft_addr_format(addr, text, sizeof text) < 0)
        return rc;
    return weft_fail(rc, "%s %s: %s", what, text, weft_strerror(rc));
}

int weft_addr_get_port(const weft_addr *addr)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    switch (addr->bytes != 0 ? addr->storage.ss_family : AF_UNSPEC) {
    case AF_INET:
        memcpy(&in, &addr->storage, sizeof in);
        return ntohs(in.sin_port);
    case AF_INET6:
        memcpy(&in6, &addr->storage, sizeof in6);
        return ntohs(in6.sin6_port);
    default:
        return 0;
    }
}
