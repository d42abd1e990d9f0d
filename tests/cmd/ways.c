/* SPDX-License-Identifier: MIT */

#include "ways.h"

#include <weft/catalog.h>

/* ---- the three ---- */

static weft_matcher *open_matcher(const char *path)
{
    weft_catalog *catalog;
    weft_matcher *matcher;
    size_t count;
    CHECK_OK(weft_catalog_new(&catalog));
    CHECK_OK(weft_catalog_read_file(catalog, path, NULL, NULL));
    const weft_m_entity *entities = weft_catalog_entities(catalog, &count);
    CHECK_OK(weft_m_open(&matcher, entities, count, NULL, NULL));
    CHECK_OK(weft_m_fit(matcher, NULL, 0, NULL, NULL));
    weft_catalog_free(catalog);
    return matcher;
}

void ways_begin(struct ways *ways, const char *catalogue)
{
    *ways = (struct ways){.catalogue = catalogue, .matcher = open_matcher(catalogue)};
    SERVICE_START(&ways->service, "-e", catalogue, "--listen", "127.0.0.1:0", "--allow-changes");
    service_wait_ready(&ways->service);
}

void ways_end(struct ways *ways)
{
    weft_m_close(ways->matcher);
    wf_buf_fini(&ways->answer.buf);
    CHECK_EQ(service_end(&ways->service, SIGTERM), 0);
}

void ways_check_beginning(struct ways *ways, const char *line, const char *body, const char *head,
                          weft_str json, const char *tail)
{
    size_t before = strlen(head), behind = strlen(tail);
    service_call_whole(&ways->service, line, "", body, &ways->answer);
    const char *said = ways->answer.body;
    note("%s: %s", line, said);
    CHECK_EQ(ways->answer.status, 200);
    CHECK_GE(strlen(said), before + json.len + behind);
    CHECK_BYTES(said, before, head, before);
    CHECK_BYTES(said + before, json.len, json.ptr, json.len);
    CHECK_BYTES(said + before + json.len, behind, tail, behind);
}

void ways_check_service(struct ways *ways, const char *line, const char *body, const char *head,
                        weft_str json, const char *tail)
{
    ways_check_beginning(ways, line, body, head, json, tail);
    CHECK_EQ(strlen(ways->answer.body), strlen(head) + json.len + strlen(tail));
}

void ways_check_program(weft_str input, weft_str expected, const char *const *words)
{
    struct run run;
    run_words(&run, input, words);
    note("%s %s: %s", words[0], words[1], run.out);
    CHECK_STR(run.err, "");
    CHECK_EQ(run.code, 0);
    CHECK_BYTES(run.out, strlen(run.out), expected.ptr, expected.len);
    run_fini(&run);
}

/* ---- texts ---- */

#define TEN(text_) text_ text_ text_ text_ text_ text_ text_ text_ text_ text_

const weft_str ways_texts[WAYS_TEXT_COUNT] = {
    WEFT_STR("knife"),
    WEFT_STR("Korea"),
    WEFT_STR(""),
    WEFT_STR("   "),
    WEFT_STR("\xE3\x80\x80\t\r\n"),
    WEFT_STR("\0"),
    WEFT_STR("kn\0ife"),
    WEFT_STR("Germany\0"),
    WEFT_STR("Co\xCC\x82te d'Ivoire"),
    WEFT_STR("k\xCC\x81\xCC\x88nife"),
    WEFT_STR("\xD8\xA7\xD9\x84\xD8\xB3\xD8\xB9\xD9\x88\xD8\xAF\xD9\x8A\xD8\xA9"),
    WEFT_STR("\xE2\x80\xAEKorea\xE2\x80\xAC"),
    WEFT_STR("\xE6\x97\xA5\xE6\x9C\xAC"),
    WEFT_STR("\xF0\x9F\x87\xA9\xF0\x9F\x87\xAA \xF0\x9F\x94\xAA"),
    WEFT_STR("\xEF\xBB\xBFknife\xE2\x80\x8B"),
    WEFT_STR("\xF4\x8F\xBF\xBF\x01\x7F\xE2\x80\xA8"),
    WEFT_STR("\"quoted\" \\ </script> %s %00"),
    WEFT_STR("republic"),
    WEFT_STR("xyzzy plugh"),
    WEFT_STR(TEN(TEN("knife of the kitchen "))),
};

void ways_put_lines(wf_buf *out, const weft_str *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        wf_json_str(&(wf_json){.out = out}, texts[i]);
        wf_buf_putc(out, '\n');
    }
    CHECK_OK(out->rc);
}

void ways_put_body(wf_buf *out, const weft_str *texts, size_t count, const char *tail)
{
    wf_buf_puts(out, "{\"queries\":");
    wf_json_strs(&(wf_json){.out = out}, texts, count);
    wf_buf_puts(out, tail);
    wf_buf_putc(out, '\0');
    CHECK_OK(out->rc);
}

void ways_say(struct said *said, const weft_m_results *results, size_t count, ways_put *put)
{
    for (size_t i = 0; i < count; i++) {
        weft_text json;
        CHECK_OK(put(results, i, &json));
        said_add(said, &json);
    }
}

void said_add(struct said *said, weft_text *json)
{
    if (wf_buf_bytes(&said->list) != 0)
        wf_buf_putc(&said->list, ',');
    wf_buf_append(&said->list, json->ptr, json->len);
    wf_buf_append(&said->lines, json->ptr, json->len);
    wf_buf_putc(&said->lines, '\n');
    CHECK_OK(said->list.rc);
    CHECK_OK(said->lines.rc);
    weft_text_free(json);
}

void said_fini(struct said *said)
{
    wf_buf_fini(&said->list);
    wf_buf_fini(&said->lines);
}

weft_str ways_str(const wf_buf *buf)
{
    return (weft_str){wf_buf_ptr(buf), wf_buf_bytes(buf)};
}

weft_str ways_text(const weft_text *text)
{
    return (weft_str){text->ptr, text->len};
}
