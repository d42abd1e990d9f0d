/* SPDX-License-Identifier: MIT */

/* Answers of name servers: what is taken from them, and what is not. */

#include "harness/harness.h"

#include "message.h"

#include <weft/net.h>

static struct wf_dns_reply reply;

static int read_message(const struct message *message, const char *name, int type)
{
    return wf_dns_reply_read(&reply, message->bytes, message->count, name, type);
}

static void begin(struct message *message, unsigned rcode, const char *name)
{
    message_begin(message, 7, rcode, name, WF_DNS_TYPE_A);
}

TEST(reply_addresses_come_in_order_with_the_smallest_ttl)
{
    struct message message;
    begin(&message, 0, "a.test");
    message_address(&message, "a.test", WF_DNS_TYPE_A, 60, 1);
    message_address(&message, "A.TEST", WF_DNS_TYPE_A, 30, 2);
    CHECK_OK(read_message(&message, "a.test", WF_DNS_TYPE_A));
    CHECK_EQ(reply.ips.count, 2u);
    CHECK_EQ(reply.ips.items[0].bytes[3], 1);
    CHECK_EQ(reply.ips.items[1].bytes[3], 2);
    CHECK_EQ(reply.ttl_s, 30u);
}

TEST(reply_follows_a_chain_of_names_in_any_order_of_records)
{
    struct message message;
    begin(&message, 0, "a.test");
    message_address(&message, "c.test", WF_DNS_TYPE_A, 60, 9);
    message_alias(&message, "b.test", 20, "c.test");
    message_alias(&message, "a.test", 40, "b.test");
    CHECK_OK(read_message(&message, "a.test", WF_DNS_TYPE_A));
    CHECK_EQ(reply.ips.count, 1u);
    CHECK_EQ(reply.ips.items[0].bytes[3], 9);
    CHECK_EQ(reply.ttl_s, 20u);
}

TEST(class_39_reply_chain_that_turns_in_a_circle_or_is_too_long_is_refused)
{
    struct message message;
    begin(&message, 0, "a.test");
    message_alias(&message, "a.test", 40, "b.test");
    message_alias(&message, "b.test", 40, "a.test");
    CHECK_EQ(read_message(&message, "a.test", WF_DNS_TYPE_A), -WEFT_ELIMIT);

    static const char *const names[] = {"a.test", "b.test", "c.test", "d.test", "e.test",
                                        "f.test", "g.test", "h.test", "i.test", "j.test"};
    for (int length = 8; length <= 9; length++) {
        begin(&message, 0, "a.test");
        for (int i = 0; i < length; i++)
            message_alias(&message, names[i], 40, names[i + 1]);
        message_address(&message, names[length], WF_DNS_TYPE_A, 40, 1);
        int rc = read_message(&message, "a.test", WF_DNS_TYPE_A);
        CHECK_EQ(rc, length == 8 ? 0 : -WEFT_ELIMIT);
    }
}

TEST(reply_records_of_other_names_and_kinds_are_not_looked_at)
{
    struct message message;
    begin(&message, 0, "a.test");
    message_address(&message, "bank.test", WF_DNS_TYPE_A, 60, 66);
    message_address(&message, "a.test", WF_DNS_TYPE_AAAA, 60, 67);
    CHECK_EQ(read_message(&message, "a.test", WF_DNS_TYPE_A), -WEFT_ENONAME);
    CHECK_EQ(reply.ips.count, 0u);
}

TEST(class_39_reply_to_another_question_is_refused)
{
    struct message message;
    begin(&message, 0, "a.test");
    message_address(&message, "a.test", WF_DNS_TYPE_A, 60, 1);
    CHECK_EQ(read_message(&message, "b.test", WF_DNS_TYPE_A), -WEFT_ESYNTAX);
    CHECK_EQ(read_message(&message, "a.test", WF_DNS_TYPE_AAAA), -WEFT_ESYNTAX);
    message.bytes[2] &= 0x7f; /* a question, no answer */
    CHECK_EQ(read_message(&message, "a.test", WF_DNS_TYPE_A), -WEFT_ESYNTAX);
}

TEST(reply_that_there_is_none_says_for_how_long)
{
    struct message message;
    begin(&message, 3, "a.test");
    message_authority(&message, 900, 15);
    CHECK_EQ(read_message(&message, "a.test", WF_DNS_TYPE_A), -WEFT_ENONAME);
    CHECK_EQ(reply.ttl_s, 15u);

    begin(&message, 0, "a.test");
    message_alias(&message, "a.test", 40, "b.test");
    message_authority(&message, 5, 15);
    CHECK_EQ(read_message(&message, "a.test", WF_DNS_TYPE_A), -WEFT_ENONAME);
    CHECK_EQ(reply.ttl_s, 5u);

    begin(&message, 3, "a.test");
    CHECK_EQ(read_message(&message, "a.test", WF_DNS_TYPE_A), -WEFT_ENONAME);
    CHECK_EQ(reply.ttl_s, 0u);
}

TEST(reply_of_a_server_that_cannot_say_is_told_apart)
{
    struct message message;
    for (unsigned rcode = 1; rcode < 16; rcode++) {
        begin(&message, rcode, "a.test");
        CHECK_EQ(read_message(&message, "a.test", WF_DNS_TYPE_A),
                 rcode == 3 ? -WEFT_ENONAME : -WEFT_EDNS);
    }
}

TEST(reply_that_is_cut_says_so)
{
    struct message message;
    begin(&message, 0, "a.test");
    message_truncate(&message);
    CHECK_OK(read_message(&message, "a.test", WF_DNS_TYPE_A));
    CHECK(reply.is_truncated);
}

TEST(class_39_reply_has_at_most_64_addresses)
{
    for (int count = 64; count <= 65; count++) {
        struct message message;
        begin(&message, 0, "a.test");
        for (int i = 0; i < count; i++)
            message_address(&message, "a.test", WF_DNS_TYPE_A, 60, i);
        CHECK_EQ(read_message(&message, "a.test", WF_DNS_TYPE_A), count == 64 ? 0 : -WEFT_ELIMIT);
    }
}

TEST(class_39_reply_of_names_that_point_forward_or_at_themselves_ends)
{
    struct message message;
    begin(&message, 0, "a.test");
    size_t owner = message.count;
    message_address(&message, "a", WF_DNS_TYPE_A, 60, 1); /* three bytes of owner */
    for (size_t to = 0; to < message.count; to++) {
        message.bytes[owner] = (uint8_t)(0xc0 | to >> 8);
        message.bytes[owner + 1] = (uint8_t)to;
        (void)read_message(&message, "a.test", WF_DNS_TYPE_A);
    }
    message.bytes[owner] = 0x40; /* a label of a kind that there is none of */
    CHECK_EQ(read_message(&message, "a.test", WF_DNS_TYPE_A), -WEFT_ESYNTAX);
}

TEST(reply_compressed_names_are_understood)
{
    struct message message;
    begin(&message, 0, "a.test");
    message_number(&message, 0xc00c, 2); /* the question's name */
    message_number(&message, WF_DNS_TYPE_A, 2);
    message_number(&message, 1, 2);
    message_number(&message, 9, 4);
    message_number(&message, 4, 2);
    message_number(&message, 0x01020304, 4);
    message_counted(&message, 0);
    CHECK_OK(read_message(&message, "a.test", WF_DNS_TYPE_A));
    CHECK_EQ(reply.ips.items[0].bytes[3], 4);
}

/* Cut anywhere, and changed anywhere: never read outside (sanitizers look), never taken for whole.
 */
TEST(reply_cut_at_each_byte_is_refused)
{
    struct message message;
    begin(&message, 0, "a.test");
    message_alias(&message, "a.test", 40, "b.test");
    message_address(&message, "b.test", WF_DNS_TYPE_A, 60, 1);
    for (size_t count = 0; count < message.count; count++) {
        char exact[MESSAGE_BYTES_MAX];
        memcpy(exact, message.bytes, count);
        CHECK_EQ(wf_dns_reply_read(&reply, exact, count, "a.test", WF_DNS_TYPE_A), -WEFT_ESYNTAX);
    }
}

TEST(reply_with_any_byte_changed_does_no_harm)
{
    struct message message;
    begin(&message, 0, "a.test");
    message_alias(&message, "a.test", 40, "b.test");
    message_address(&message, "b.test", WF_DNS_TYPE_A, 60, 1);
    message_authority(&message, 5, 15);
    for (size_t at = 0; at < message.count; at++) {
        uint8_t was = message.bytes[at];
        for (int value = 0; value < 256; value++) {
            message.bytes[at] = (uint8_t)value;
            (void)read_message(&message, "a.test", WF_DNS_TYPE_A);
            CHECK_LE(reply.ips.count, 64u);
        }
        message.bytes[at] = was;
    }
}
