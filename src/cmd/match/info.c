/* SPDX-License-Identifier: MIT */

/* weft match info: what a matcher is made of, or a model. */
#include "base/json_write.h"
#include "cmd/command.h"
#include "cmd/match/load.h"
#include "cmd/say.h"

#include <stdio.h>
#include <weft/encoder.h>

static const char info_about[] =
    "Usage: weft match info {-m FILE | -e FILE | --model DIR} [OPTIONS]\n\n"
    "Says what a matcher is made of: its mode, encoder and score, how many entities and rows, and\n"
    "how many bytes they take.  With --model alone it reads the model and says what that is.\n"
    "Writes one JSON object.\n";

static const char info_examples[] = "  weft match info -m countries.weftm\n"
                                    "  weft match info --model models/potion-base-8M\n";

static int info_print(const char *text)
{
    fprintf(stdout, "%s\n", text);
    return say_printed();
}

static int info_of_model(const char *path)
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
    wf_buf_putc(&buf, '\0');
    rc = buf.rc < 0 ? say_failed("no memory") : info_print(wf_buf_ptr(&buf));
    wf_buf_fini(&buf);
    weft_encoder_unref(encoder);
    return rc;
}

static int info_of_matcher(struct load *load)
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
        rc = rc < 0 ? say_failed("no memory") : info_print(text.ptr);
    }
    weft_text_free(&text);
    weft_m_close(matcher);
    return rc;
}

int cmd_match_info(int argc, char **argv)
{
    struct load load = LOAD_DEFAULTS;
    bool is_help = false;
    const struct args_option options[] = {
        LOAD_OPTIONS(&load),
        {"help", 'h', NULL, "this text", ARGS_FLAG, &is_help, 0, 0},
    };
    const size_t count = sizeof(options) / sizeof(*options);
    char error[ARGS_ERROR_BYTES];
    if (args_parse(options, count, &argc, argv, error) < 0)
        return say_usage("match info", "%s", error);
    if (is_help)
        return say_help(info_about, options, count, info_examples);
    if (argc != 0)
        return say_usage("match info", "it takes no texts");
    if (load.model != NULL && load.matcher == NULL && load.files.count == 0)
        return info_of_model(load.model);
    int rc = load_check(&load, NULL, "match info");
    return rc != 0 ? rc : info_of_matcher(&load);
}
