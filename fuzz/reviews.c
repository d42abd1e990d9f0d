/* SPDX-License-Identifier: MIT */

/* A file of reviews out of any bytes: it is refused with a sentence, or what was read, written and
 * read again is the same. */

#include "match/review/record.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <weft/error.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_all(const wf_records *records, wf_buf *out)
{
    wf_buf_putc(out, '[');
    for (size_t i = 0; i < records->count; i++) {
        wf_json json = {.out = out};
        wf_buf_puts(out, i != 0 ? "," : "");
        wf_record_write(&records->items[i], &json);
    }
    wf_buf_putc(out, ']');
}

static void read_again(const wf_buf *first)
{
    char reason[WF_RECORD_REASON_BYTES];
    wf_records records = {0};
    wf_buf second = {0};
    int rc = wf_records_read(&records, wf_buf_ptr(first), wf_buf_bytes(first), reason);
    assert(rc == 0);
    write_all(&records, &second);
    assert(wf_buf_bytes(first) == wf_buf_bytes(&second));
    assert(memcmp(wf_buf_ptr(first), wf_buf_ptr(&second), wf_buf_bytes(first)) == 0);
    wf_records_fini(&records);
    wf_buf_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char reason[WF_RECORD_REASON_BYTES] = "";
    wf_records records = {0};
    wf_buf text = {0};
    int rc = wf_records_read(&records, (const char *)data, size, reason);
    assert(rc == 0 || rc == -WEFT_M_EPERSIST);
    if (rc == 0) {
        write_all(&records, &text);
        read_again(&text);
    } else {
        assert(reason[0] != '\0');
    }
    wf_records_fini(&records);
    wf_buf_fini(&text);
    return 0;
}
