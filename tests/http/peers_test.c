/* SPDX-License-Identifier: MIT */

#include "http/server/peers.h"

#include "harness/harness.h"

static int enter(struct wf_peers *peers, const char *text, uint32_t max, struct wf_peer **out)
{
    weft_addr addr;
    CHECK_OK(weft_addr_parse(&addr, text));
    return wf_peers_enter(peers, &addr, max, out);
}

/* Both have the same peer, or (false) different ones. */
static void check_alike(const char *a, const char *b, bool are_alike)
{
    struct wf_peers peers = {0};
    struct wf_peer *first, *second;
    note("%s %s", a, b);
    CHECK_OK(enter(&peers, a, 1, &first));
    CHECK_EQ(enter(&peers, b, 1, &second), are_alike ? -EDQUOT : 0);
    wf_peers_leave(&peers, second);
    wf_peers_leave(&peers, first);
    CHECK_EQ(peers.peer_count, 0u);
    wf_peers_fini(&peers);
}

TEST(peers_are_addresses_without_ports_and_networks_of_ipv6)
{
    check_alike("10.0.0.1:80", "10.0.0.1:81", true);
    check_alike("10.0.0.1:80", "10.0.0.2:80", false);
    check_alike("10.0.0.1:80", "[::ffff:10.0.0.1]:80", true);
    check_alike("[::ffff:10.0.0.1]:80", "[::ffff:10.0.0.2]:80", false);
    check_alike("[2001:db8::1]:80", "[2001:db8::ffff:0:0:2]:80", true);
    check_alike("[2001:db8:0:1::1]:80", "[2001:db8:0:2::1]:80", false);
}

TEST(peers_of_the_internet_are_told_from_neighbours)
{
    static const char *const public[] = {"1.1.1.1:1",          "11.0.0.1:1",    "100.63.0.1:1",
                                         "100.128.0.1:1",      "169.253.0.1:1", "172.15.0.1:1",
                                         "172.32.0.1:1",       "192.167.0.1:1", "[2001:db8::1]:1",
                                         "[::ffff:9.9.9.9]:1", "[fec0::1]:1"};
    static const char *const neighbours[] = {
        "10.1.2.3:1",   "100.64.0.1:1", "100.127.0.1:1", "127.0.0.2:1",         "169.254.1.1:1",
        "172.16.0.1:1", "172.31.0.1:1", "192.168.7.7:1", "0.0.0.0:1",           "[::1]:1",
        "[fc00::1]:1",  "[fdff::1]:1",  "[fe80::1]:1",   "[::ffff:10.0.0.1]:1", "unix:/tmp/x"};
    weft_addr addr;
    for (size_t i = 0; i < sizeof public / sizeof public[0]; i++) {
        note("%s", public[i]);
        CHECK_OK(weft_addr_parse(&addr, public[i]));
        CHECK(wf_peer_is_public(&addr));
    }
    for (size_t i = 0; i < sizeof neighbours / sizeof neighbours[0]; i++) {
        note("%s", neighbours[i]);
        CHECK_OK(weft_addr_parse(&addr, neighbours[i]));
        CHECK(!wf_peer_is_public(&addr));
    }
}

TEST(peers_of_unix_sockets_are_not_counted)
{
    struct wf_peers peers = {0};
    struct wf_peer *peer;
    for (int i = 0; i < 3; i++) {
        CHECK_OK(enter(&peers, "unix:/tmp/x", 1, &peer));
        CHECK(peer == NULL);
        wf_peers_leave(&peers, peer);
    }
    wf_peers_fini(&peers);
}

TEST(peers_are_found_however_many_there_are)
{
    static struct wf_peer *all[1000];
    struct wf_peers peers = {0};
    struct wf_peer *again;
    char text[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "10.1.%d.%d:80", i / 250, i % 250);
        CHECK_OK(enter(&peers, text, 2, &all[i]));
    }
    CHECK_EQ(peers.peer_count, 1000u);
    CHECK_OK(enter(&peers, "10.1.2.3:80", 2, &again));
    CHECK(again == all[503]);
    CHECK_EQ(enter(&peers, "10.1.2.3:80", 2, &again), -EDQUOT);
    wf_peers_leave(&peers, all[503]);
    CHECK_OK(enter(&peers, "10.1.2.3:80", 2, &again));
    wf_peers_leave(&peers, again);
    for (int i = 0; i < 1000; i++)
        wf_peers_leave(&peers, all[i]);
    CHECK_EQ(peers.peer_count, 0u);
    wf_peers_fini(&peers);
}
