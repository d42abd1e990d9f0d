/* SPDX-License-Identifier: MIT */

/* Addresses: what is read is written, and what is written is read as the same address. */

#include <weft/net.h>

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[256], written[WEFT_ADDR_TEXT_BYTES];
    weft_addr addr, again;
    if (size >= sizeof text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    int rc = weft_addr_parse(&addr, text);
    if (rc < 0) {
        assert(rc == -WEFT_ESYNTAX);
        return 0;
    }
    int port = weft_addr_get_port(&addr);
    assert(port >= 0);
    assert(port <= 65535);

    int length = weft_addr_format(&addr, written, sizeof written);
    assert(length > 0);
    assert((size_t)length == strlen(written));
    rc = weft_addr_parse(&again, written);
    assert(rc == 0);
    assert(again.bytes == addr.bytes);
    assert(memcmp(&again.storage, &addr.storage, addr.bytes) == 0);
    return 0;
}
