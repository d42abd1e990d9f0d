/* SPDX-License-Identifier: MIT */

#include "dns/reply.h"

#include <weft/error.h>

#include "dns/name.h"

#include <string.h>

#define HEAD_BYTES 12u
#define RECORDS_MAX (WF_DNS_IPS_MAX + WF_DNS_CHAIN_MAX + 184u) /* in one section */
#define TYPE_CNAME 5u
#define TYPE_SOA 6u
#define CLASS_IN 1u

/* Where the reading stands.  Past the end or out of form: `is_bad`, and everything is zero. */
struct cursor {
    const uint8_t *bytes;
    size_t count, at;
    bool is_bad;
};

struct record {
    uint8_t owner[WF_DNS_NAME_BYTES];
    size_t owner_bytes;
    uint16_t type, class;
    uint32_t ttl;
    size_t data_at, data_bytes;
};

/* ---- pieces ---- */

static uint32_t take_number(struct cursor *in, size_t bytes)
{
    uint32_t number = 0;
    if (in->is_bad || in->count - in->at < bytes) {
        in->is_bad = true;
        return 0;
    }
    for (size_t i = 0; i < bytes; i++)
        number = number << 8 | in->bytes[in->at++];
    return number;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

/* A name, without its compression and in lower case.  A pointer leads to before where it stands, so
 * every step of a chain of them goes back, and there is an end. */
static size_t take_name(struct cursor *in, uint8_t out[WF_DNS_NAME_BYTES])
{
    size_t used = 0, at = in->at, after = 0, floor = in->at;
    while (!in->is_bad) {
        if (at >= in->count)
            break;
        uint8_t length = in->bytes[at++];
        if (length >= 0xc0) {
            if (at >= in->count)
                break;
            size_t to = (size_t)(length & 0x3f) << 8 | in->bytes[at++];
            if (after == 0)
                after = at;
            if (to >= floor)
                break;
            at = floor = to;
            continue;
        }
        if (length > 63 || in->count - at < length || used + length + 2u > WF_DNS_NAME_BYTES)
            break;
        out[used++] = length;
        for (uint8_t i = 0; i < length; i++)
            out[used++] = lower(in->bytes[at++]);
        if (length == 0) {
            in->at = after != 0 ? after : at;
            return used;
        }
    }
    in->is_bad = true;
    return 0;
}

static void take_record(struct cursor *in, struct record *out)
{
    out->owner_bytes = take_name(in, out->owner);
    out->type = (uint16_t)take_number(in, 2);
    out->class = (uint16_t)take_number(in, 2);
    out->ttl = take_number(in, 4);
    if (out->ttl > INT32_MAX) /* RFC 2181, section 8 */
        out->ttl = 0;
    out->data_bytes = take_number(in, 2);
    out->data_at = in->at;
    if (in->is_bad || in->count - in->at < out->data_bytes)
        in->is_bad = true;
    else
        in->at += out->data_bytes;
}

static bool is_owned_by(const struct record *record, const uint8_t *name, size_t bytes)
{
    return record->class == CLASS_IN && record->owner_bytes == bytes &&
           memcmp(record->owner, name, bytes) == 0;
}

/* ---- the answer section ---- */

struct search {
    struct wf_dns_reply *out;
    uint16_t type, records;
    uint8_t name[WF_DNS_NAME_BYTES]; /* the one now looked for */
    size_t name_bytes;
};

static int bad_reply(const char *why)
{
    return weft_fail(-WEFT_ESYNTAX, "dns: the server's answer is malformed: %s", why);
}

static void keep_ttl(struct wf_dns_reply *reply, uint32_t ttl)
{
    if (ttl < reply->ttl_s)
        reply->ttl_s = ttl;
}

static int keep_address(struct search *search, const struct cursor *in, const struct record *record)
{
    bool is_v6 = search->type == WF_DNS_TYPE_AAAA;
    if (record->data_bytes != (is_v6 ? 16u : 4u))
        return bad_reply("an address of the wrong length");
    if (!wf_dns_ips_add(&search->out->ips, is_v6 ? AF_INET6 : AF_INET, in->bytes + record->data_at))
        return weft_fail(-WEFT_ELIMIT, "dns: over %d addresses in one answer", WF_DNS_IPS_MAX);
    keep_ttl(search->out, record->ttl);
    return 0;
}

/* Looks through the section once for the name's addresses or for the name it stands for: 1 if there
 * is another name to look for, else 0. */
static int search_once(struct search *search, struct cursor in)
{
    for (uint16_t i = 0; i < search->records; i++) {
        struct record record;
        take_record(&in, &record);
        if (in.is_bad)
            return bad_reply("a record of the answer");
        if (!is_owned_by(&record, search->name, search->name_bytes))
            continue;
        if (record.type == search->type) {
            int rc = keep_address(search, &in, &record);
            if (rc < 0)
                return rc;
        } else if (record.type == TYPE_CNAME && search->out->ips.count == 0) {
            struct cursor data = {in.bytes, in.count, record.data_at, false};
            search->name_bytes = take_name(&data, search->name);
            keep_ttl(search->out, record.ttl);
            return data.is_bad ? bad_reply("a name in it") : 1;
        }
    }
    return 0;
}

static int search_chain(struct search *search, struct cursor in)
{
    int rc = 1;
    for (int i = 0; i <= WF_DNS_CHAIN_MAX && rc == 1; i++)
        rc = search_once(search, in);
    if (rc == 1)
        return weft_fail(-WEFT_ELIMIT, "dns: a chain of over %d names", WF_DNS_CHAIN_MAX);
    return rc;
}

/* ---- that there is none ---- */

/* For how long, from the SOA record of the authority section (RFC 2308, section 5). */
static uint32_t negative_ttl(struct cursor in, uint16_t answers, uint16_t authorities)
{
    struct record record;
    for (uint32_t i = 0; i < (uint32_t)answers + authorities; i++) {
        take_record(&in, &record);
        if (in.is_bad)
            return 0;
        if (i < answers || record.type != TYPE_SOA)
            continue;
        uint8_t skipped[WF_DNS_NAME_BYTES];
        struct cursor data = {in.bytes, in.count, record.data_at, false};
        take_name(&data, skipped);
        take_name(&data, skipped);
        data.at += data.is_bad ? 0 : 16; /* serial, refresh, retry, expire */
        data.is_bad |= data.at > data.count;
        uint32_t minimum = take_number(&data, 4);
        return data.is_bad ? 0 : minimum < record.ttl ? minimum : record.ttl;
    }
    return 0;
}

/* ---- the whole ---- */

static const char *rcode_text(unsigned rcode)
{
    switch (rcode) {
    case 1:
        return "it does not understand the question";
    case 2:
        return "it failed (SERVFAIL)";
    case 4:
        return "it does not answer such questions";
    case 5:
        return "it refused";
    default:
        return "it gives an unknown code";
    }
}

static bool is_our_question(struct cursor *in, const char *name, int type)
{
    uint8_t theirs[WF_DNS_NAME_BYTES], ours[WF_DNS_NAME_BYTES];
    size_t bytes = take_name(in, theirs);
    uint32_t their_type = take_number(in, 2), class = take_number(in, 2);
    return !in->is_bad && bytes == wf_dns_name_pack(ours, name) &&
           memcmp(ours, theirs, bytes) == 0 && their_type == (uint32_t)type && class == CLASS_IN;
}

int wf_dns_reply_read(struct wf_dns_reply *out, const void *bytes, size_t count, const char *name,
                      int type)
{
    struct cursor in = {.bytes = bytes, .count = count};
    *out = (struct wf_dns_reply){.ttl_s = UINT32_MAX};
    take_number(&in, 2); /* the id was looked at by who received it */
    uint32_t flags = take_number(&in, 2), questions = take_number(&in, 2);
    uint32_t answers = take_number(&in, 2), authorities = take_number(&in, 2);
    take_number(&in, 2);
    unsigned rcode = flags & 15u;
    if (in.is_bad || (flags & 0x8000u) == 0 || questions != 1)
        return bad_reply("its head");
    if (!is_our_question(&in, name, type))
        return bad_reply("it is to another question");
    if ((flags & 0x0200u) != 0) {
        out->is_truncated = true;
        return 0;
    }
    if (rcode != 0 && rcode != 3)
        return weft_fail(-WEFT_EDNS, "dns: the server does not say what %.64s is: %s", name,
                         rcode_text(rcode));
    if (answers > RECORDS_MAX || authorities > RECORDS_MAX)
        return weft_fail(-WEFT_ELIMIT, "dns: over %u records in one answer", RECORDS_MAX);
    struct search search = {.out = out, .type = (uint16_t)type, .records = (uint16_t)answers};
    search.name_bytes = wf_dns_name_pack(search.name, name);
    int rc = search_chain(&search, in);
    if (rc < 0 || out->ips.count != 0)
        return rc;
    out->ttl_s = negative_ttl(in, (uint16_t)answers, (uint16_t)authorities);
    return weft_fail(-WEFT_ENONAME,
                     rcode == 3 ? "dns: there is no host %.64s"
                                : "dns: %.64s has no address of this kind",
                     name);
}
