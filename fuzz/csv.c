/* SPDX-License-Identifier: MIT */

/* CSV with each delimiter, and TSV: the rows and the errors are the same in one piece and cut
 * anywhere; what was read, written with quotes, reads back the same; and so is the delimiter that
 * the first row speaks for. */

#include "base/buf.h"
#include "catalog/delimiter.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROW_BYTES_MAX = 64 };

/* Every row as quoted CSV, every error as a comment of its own. */
static void write_row(const wf_csv *csv, wf_buf *out)
{
    for (size_t i = 0; i < csv->field_count; i++) {
        weft_str field = wf_csv_field(csv, i);
        wf_buf_puts(out, i == 0 ? "\"" : ",\"");
        for (size_t k = 0; k < field.len; k++) {
            if (field.ptr[k] == '"')
                wf_buf_putc(out, '"');
            wf_buf_putc(out, field.ptr[k]);
        }
        wf_buf_putc(out, '"');
    }
    wf_buf_putc(out, '\n');
}

static void note(const wf_csv *csv, int rc, const wf_piece_error *error, wf_buf *rows,
                 wf_buf *errors)
{
    if (rc > 0)
        write_row(csv, rows);
    if (rc < 0)
        wf_buf_printf(errors, "%d %zu:%zu %zu %s\n", error->rc, error->place.line,
                      error->place.column, error->field, error->what);
}

static void run(const char *text, size_t count, size_t piece, char delimiter, bool has_quotes,
                wf_buf *rows, wf_buf *errors)
{
    wf_csv csv;
    wf_csv_init(&csv, delimiter, has_quotes, ROW_BYTES_MAX);
    wf_piece_error error;
    for (size_t at = 0; at < count;) {
        size_t used, left = count - at;
        int rc = wf_csv_feed(&csv, text + at, left < piece ? left : piece, &used, &error);
        assert(rc != 0 || used == (left < piece ? left : piece));
        note(&csv, rc, &error, rows, errors);
        at += used;
    }
    int rc = wf_csv_end(&csv, &error);
    note(&csv, rc, &error, rows, errors);
    assert(rc == 0 || wf_csv_end(&csv, &error) == 0);
    wf_csv_fini(&csv);
}

/* What the first row speaks for, as a text. */
static void find(const char *text, size_t count, size_t piece, wf_buf *out)
{
    const wf_wanted wanted = {.names = {WEFT_STR("a"), WEFT_STR("b")}, .count = 2};
    wf_delimiter it;
    int rc = 0;
    char best, rival;
    wf_delimiter_init(&it, ROW_BYTES_MAX);
    for (size_t at = 0; at < count && rc == 0; at += piece)
        rc = wf_delimiter_feed(&it, text + at, count - at < piece ? count - at : piece);
    assert(rc == 1 || wf_delimiter_end(&it) == 0);
    bool is_wanted = wf_delimiter_choose(&it, &wanted, &best, &rival);
    assert(wf_delimiter_is_valid(best) && best != rival);
    wf_buf_printf(out, "%c %d %d", best, rival, is_wanted);
    wf_delimiter_fini(&it);
}

static void assert_equal(const wf_buf *a, const wf_buf *b)
{
    assert(wf_buf_bytes(a) == wf_buf_bytes(b));
    assert(wf_buf_bytes(a) == 0 || memcmp(wf_buf_ptr(a), wf_buf_ptr(b), wf_buf_bytes(a)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    bool is_tsv = data[0] & 1;
    char delimiter = is_tsv ? '\t' : WF_DELIMITERS[(data[0] >> 5) % WF_DELIMITER_COUNT];
    size_t piece = 1 + (data[0] >> 1) % 16;
    const char *text = (const char *)data + 1;
    wf_buf rows[3] = {{0}}, errors[3] = {{0}};

    run(text, size - 1, size, delimiter, !is_tsv, &rows[0], &errors[0]);
    run(text, size - 1, piece, delimiter, !is_tsv, &rows[1], &errors[1]);
    assert_equal(&rows[0], &rows[1]);
    assert_equal(&errors[0], &errors[1]);

    run(wf_buf_ptr(&rows[0]), wf_buf_bytes(&rows[0]), size, ',', true, &rows[2], &errors[2]);
    assert_equal(&rows[0], &rows[2]);
    assert(wf_buf_bytes(&errors[2]) == 0);
    find(text, size - 1, size, &errors[0]);
    find(text, size - 1, piece, &errors[1]);
    assert_equal(&errors[0], &errors[1]);
    for (int i = 0; i < 3; i++) {
        wf_buf_fini(&rows[i]);
        wf_buf_fini(&errors[i]);
    }
    return 0;
}
