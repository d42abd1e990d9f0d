/* SPDX-License-Identifier: MIT */

/* weft match info: what a matcher is made of, or a model. */
#include "base/json_write.h"
#include "cmd/command.h"
#include "cmd/io/output.h"
#include "cmd/io/table.h"
#include "cmd/match/load.h"
#include "cmd/say.h"

#include <stdio.h>
#include <weft/encoder.h>
#include <weft/json.h>

static const char info_about[] =
    "Usage: weft match info {-m FILE | -e FILE | --model DIR} [OPTIONS]\n\n"
    "Says what a matcher is made of: its mode, encoder and score, what learning was tried, and "
    "how\n"
    "many entities and rows there are.  With --model alone it reads the model and says what that\n"
    "is.  Writes one JSON object, or a page on a terminal.\n";

static const char info_examples[] = "  weft match info -m countries.weftm\n"
                                    "  weft match info --model models/potion-base-8M\n";

/* ---- for people ---- */

#define KEY_COLUMNS 20

static void put_scalar(wf_buf *lines, const weft_json *value)
{
    switch (weft_json_kind(value)) {
    case WEFT_JSON_STRING:
        table_cell(lines, weft_json_string(value), 0);
        break;
    case WEFT_JSON_BOOL:
        wf_buf_puts(lines, weft_json_bool(value) ? "yes" : "no");
        break;
    case WEFT_JSON_INTEGER:
    case WEFT_JSON_DOUBLE:
        wf_buf_printf(lines, "%.9g", weft_json_double(value));
        break;
    default:
        wf_buf_putc(lines, '-');
    }
}

/* A line a key; what is an object itself below its key, and deeper: as deep as our own JSON is. */
static void put_page(wf_buf *lines, const weft_json *object, size_t indent)
{
    weft_json_member member = {0};
    while (weft_json_next(object, &member)) {
        bool is_object = weft_json_kind(member.value) == WEFT_JSON_OBJECT;
        for (size_t i = 0; i < indent; i++)
            wf_buf_putc(lines, ' ');
        table_cell(lines, member.key, is_object ? 0 : KEY_COLUMNS - indent);
        if (!is_object)
            put_scalar(lines, member.value);
        wf_buf_putc(lines, '\n');
        if (is_object)
            put_page(lines, member.value, indent + 2);
    }
}

static int info_print(weft_str text, bool is_json)
{
    weft_json *root;
    wf_buf lines = {0};
    int rc = 0;
    if (is_json)
        wf_buf_printf(&lines, "%.*s\n", (int)text.len, text.ptr);
    else
        rc = weft_json_read(&root, text.ptr, text.len, NULL, NULL);
    if (rc == 0 && !is_json) {
        put_page(&lines, root, 0);
        weft_json_free(root);
    }
    rc = rc < 0 ? rc : lines.rc;
    if (rc == 0)
        fwrite(wf_buf_ptr(&lines), 1, wf_buf_bytes(&lines), stdout);
    wf_buf_fini(&lines);
    return rc < 0 ? say_failed("%s", weft_strerror(rc)) : say_printed();
}

/* ---- what there is to say ---- */

static int info_of_model(const char *path, bool is_json)
{
    weft_encoder *encoder;
    weft_m_error error;
    int rc = weft_encoder_open(&encoder, path, NULL, &error);
    if (rc < 0)
        return rc == -ECANCELED ? rc : load_say(&error);
    wf_buf buf = {0};
    wf_json json = {.out = &buf};
    wf_json_object(&json);
    wf_json_key(&json, "model");
    wf_json_text(&json, weft_encoder_name(encoder));
    wf_json_key(&json, "encoder");
    wf_json_text(&json, weft_encoder_kind(encoder));
    wf_json_key(&json, "dimension");
    wf_json_uint(&json, weft_encoder_dimension(encoder));
    wf_json_object_end(&json);
    rc = buf.rc < 0 ? say_failed("no memory")
                    : info_print((weft_str){wf_buf_ptr(&buf), wf_buf_bytes(&buf)}, is_json);
    wf_buf_fini(&buf);
    weft_encoder_unref(encoder);
    return rc;
}

static int info_of_matcher(struct load *load, bool is_json)
{
    weft_matcher *matcher = NULL;
    weft_m_error error;
    weft_text text = {0};
    int rc = load_matcher(load, &matcher);
    if (rc == 0) {
        rc = load_fit(matcher, &error);
        if (rc < 0 && rc != -ECANCELED)
            rc = load_say(&error);
    }
    if (rc == 0) {
        rc = weft_m_info_json(matcher, &text);
        rc = rc < 0 ? say_failed("no memory") : info_print((weft_str){text.ptr, text.len}, is_json);
    }
    weft_text_free(&text);
    weft_m_close(matcher);
    return rc;
}

int cmd_match_info(int argc, char **argv)
{
    struct load load = LOAD_DEFAULTS;
    bool is_json = false, is_help = false;
    const struct args_option options[] = {
        LOAD_OPTIONS(&load),
        {"json", 0, NULL, "JSON on a terminal too", ARGS_FLAG, &is_json, 0, 0},
        {"help", 'h', NULL, "this text", ARGS_FLAG, &is_help, 0, 0},
    };
    const size_t count = sizeof(options) / sizeof(*options);
    char error[ARGS_ERROR_BYTES];
    if (args_parse(options, count, &argc, argv, error) < 0)
        return say_usage("match info", "%s", error);
    if (is_help)
        return say_help(info_about, options, count, info_examples);
    if (argc != 0)
        return say_usage("match info",
                         "'%s' is one word too many; a matcher goes with --matcher FILE", argv[0]);
    is_json |= !output_is_terminal();
    if (load.model != NULL && load.matcher == NULL && load.files.count == 0)
        return info_of_model(load.model, is_json);
    int rc = load_check(&load, NULL, "match info");
    return rc != 0 ? rc : info_of_matcher(&load, is_json);
}
