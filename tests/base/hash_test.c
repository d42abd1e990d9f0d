/* SPDX-License-Identifier: MIT */

#include "base/hash.h"

#include "harness/harness.h"

/* Values of CPython 3.11's hash of bytes, which is SipHash-1-3, with PYTHONHASHSEED=0 (key 0). */
TEST(hash_gives_the_values_of_siphash_1_3)
{
    static const struct {
        const char *text;
        uint64_t hash;
    } table[] = {
        {"a", UINT64_C(0x407448d2b89b1813)},
        {"abcdefg", UINT64_C(0x6db12aae9070f506)},
        {"abcdefgh", UINT64_C(0x3f7b849c0b8e35ea)},
        {"abcdefghi", UINT64_C(0xf89b34a3d11eb6e5)},
        {"The quick brown fox jumps over the lazy dog", UINT64_C(0x8df676d3d00c451e)},
    };
    wf_hash_key key = {0, 0};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        note("%s", table[i].text);
        CHECK_EQ(wf_hash(&key, table[i].text, strlen(table[i].text)), table[i].hash);
    }
}

TEST(class_27_hash_depends_on_both_halves_of_its_key)
{
    wf_hash_key keys[] = {{0, 0}, {1, 0}, {0, 1}};
    uint64_t hashes[3];
    for (size_t i = 0; i < 3; i++)
        hashes[i] = wf_hash(&keys[i], "same", 4);
    CHECK_NE(hashes[0], hashes[1]);
    CHECK_NE(hashes[0], hashes[2]);
    CHECK_NE(hashes[1], hashes[2]);
}
