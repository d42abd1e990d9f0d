/* SPDX-License-Identifier: MIT */

/* Answers of name servers, made by hand. */
#ifndef WF_TESTS_DNS_MESSAGE_H
#define WF_TESTS_DNS_MESSAGE_H

#include <weft/base.h>

#include "dns/name.h"
#include "dns/reply.h"

#include <string.h>

#define MESSAGE_BYTES_MAX 4096
#define MESSAGE_TYPE_CNAME 5
#define MESSAGE_TYPE_SOA 6

struct message {
    uint8_t bytes[MESSAGE_BYTES_MAX];
    size_t count;
};

static inline void message_number(struct message *out, uint32_t number, int bytes)
{
    while (bytes-- > 0)
        out->bytes[out->count++] = (uint8_t)(number >> (8 * bytes));
}

static inline void message_name(struct message *out, const char *name)
{
    out->count += wf_dns_name_pack(out->bytes + out->count, name);
}

/* The head of an answer, and the question it repeats. */
static inline void message_begin(struct message *out, uint16_t id, unsigned rcode, const char *name,
                                 int type)
{
    out->count = 0;
    message_number(out, id, 2);
    message_number(out, 0x8180u | rcode, 2);
    message_number(out, 1, 2);
    message_number(out, 0, 2); /* answers */
    message_number(out, 0, 2); /* authorities */
    message_number(out, 0, 2);
    message_name(out, name);
    message_number(out, (uint32_t)type, 2);
    message_number(out, 1, 2);
}

static inline void message_counted(struct message *out, int section)
{
    uint8_t *at = out->bytes + 6 + 2 * section;
    uint16_t count = (uint16_t)(at[0] << 8 | at[1]);
    count++;
    at[0] = (uint8_t)(count >> 8);
    at[1] = (uint8_t)count;
}

static inline void message_record(struct message *out, const char *owner, int type, uint32_t ttl,
                                  const void *data, size_t bytes)
{
    message_name(out, owner);
    message_number(out, (uint32_t)type, 2);
    message_number(out, 1, 2);
    message_number(out, ttl, 4);
    message_number(out, (uint32_t)bytes, 2);
    memcpy(out->bytes + out->count, data, bytes);
    out->count += bytes;
    message_counted(out, 0);
}

/* 192.0.2.LAST or 2001:db8::LAST. */
static inline void message_address(struct message *out, const char *owner, int type, uint32_t ttl,
                                   int last)
{
    uint8_t v4[4] = {192, 0, 2, (uint8_t)last};
    uint8_t v6[16] = {0x20, 1, 0x0d, 0xb8, [15] = (uint8_t)last};
    bool is_v6 = type == WF_DNS_TYPE_AAAA;
    message_record(out, owner, type, ttl, is_v6 ? v6 : v4, is_v6 ? sizeof v6 : sizeof v4);
}

static inline void message_alias(struct message *out, const char *owner, uint32_t ttl,
                                 const char *target)
{
    uint8_t packed[WF_DNS_NAME_BYTES];
    size_t bytes = wf_dns_name_pack(packed, target);
    message_record(out, owner, MESSAGE_TYPE_CNAME, ttl, packed, bytes);
}

/* The authority that says for how long "there is none" holds. */
static inline void message_authority(struct message *out, uint32_t ttl, uint32_t minimum)
{
    message_name(out, "test");
    message_number(out, MESSAGE_TYPE_SOA, 2);
    message_number(out, 1, 2);
    message_number(out, ttl, 4);
    message_number(out, 2 + 20, 2);
    message_number(out, 0, 2); /* two root names */
    for (int i = 0; i < 4; i++)
        message_number(out, 1, 4);
    message_number(out, minimum, 4);
    message_counted(out, 1);
}

static inline void message_truncate(struct message *out)
{
    out->bytes[2] |= 2;
}

#endif
