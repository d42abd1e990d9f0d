/* SPDX-License-Identifier: MIT */

#include "dns/name.h"

#include <weft/error.h>

#include <stdio.h>
#include <string.h>

#define NAME_TEXT_MAX 253u
#define LABEL_BYTES_MAX 63u

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_';
}

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int bad_name(const char *text, const char *why)
{
    return weft_fail(-WEFT_ESYNTAX, "dns: \"%.64s\" is no host name: %s", text, why);
}

/* The last label, if it is a number: "1.2.3", "0x7f.1". */
static bool ends_in_number(const char *name)
{
    const char *dot = strrchr(name, '.');
    const char *last = dot != NULL ? dot + 1 : name;
    if (last[0] == '0' && last[1] == 'x')
        last += 2;
    size_t digits = strspn(last, "0123456789");
    return digits != 0 && last[digits] == '\0';
}

/* One label from `text` on: how many bytes; 0: it is none. */
static size_t label_read(char *out, const char *text)
{
    size_t bytes = 0;
    while (text[bytes] != '\0' && text[bytes] != '.') {
        char c = to_lower(text[bytes]);
        if (!is_name_char(c) || bytes == LABEL_BYTES_MAX)
            return 0;
        out[bytes++] = c;
    }
    return bytes;
}

int wf_dns_name_read(struct wf_dns_name *out, const char *text)
{
    size_t bytes = strnlen(text, WF_DNS_NAME_BYTES);
    struct wf_dns_name name = {.is_absolute = bytes > 1 && text[bytes - 1] == '.'};
    if (name.is_absolute)
        bytes--;
    if (bytes == 0 || bytes > NAME_TEXT_MAX)
        return bad_name(text, bytes == 0 ? "it is empty" : "over 253 bytes");
    for (size_t at = 0; at < bytes;) {
        size_t label = label_read(name.text + at, text + at);
        at += label;
        bool is_last = at == bytes;
        if (label == 0)
            return bad_name(text, "a label has 1-63 letters, digits, hyphens or underscores");
        if (!is_last) {
            name.text[at++] = '.';
            name.dots++;
        }
        if (!is_last && at == bytes)
            return bad_name(text, "an empty label");
    }
    if (ends_in_number(name.text))
        return bad_name(text, "it ends in a number, and is no IPv4 address");
    *out = name;
    return 0;
}

bool wf_dns_name_join(char out[WF_DNS_NAME_BYTES], const char *name, const char *domain)
{
    int bytes = snprintf(out, WF_DNS_NAME_BYTES, "%s.%s", name, domain);
    return bytes >= 0 && (size_t)bytes <= NAME_TEXT_MAX;
}

bool wf_dns_name_is_local(const char *name)
{
    static const char local[] = "localhost";
    size_t bytes = strlen(name), tail = sizeof local - 1;
    if (bytes < tail || strcmp(name + bytes - tail, local) != 0)
        return false;
    return bytes == tail || name[bytes - tail - 1] == '.';
}

size_t wf_dns_name_pack(uint8_t out[WF_DNS_NAME_BYTES], const char *text)
{
    size_t at = 0;
    while (*text != '\0') {
        size_t label = strcspn(text, ".");
        out[at++] = (uint8_t)label;
        memcpy(out + at, text, label);
        at += label;
        text += label;
        if (*text == '.')
            text++;
    }
    out[at++] = 0;
    return at;
}
