/* SPDX-License-Identifier: MIT */

#include "cmd/match/novelty_options.h"

#include "cmd/match/load.h"
#include "cmd/say.h"

#include <string.h>

#define LIST_MAX (sizeof(((struct novelty *)0)->list) / sizeof(weft_str))

static int split(struct novelty *novelty, const char *command, size_t *out_count)
{
    const char *at = novelty->strategies;
    *out_count = 0;
    while (at != NULL) {
        const char *comma = strchr(at, ',');
        size_t len = comma != NULL ? (size_t)(comma - at) : strlen(at);
        if (len == 0 || *out_count == LIST_MAX)
            return say_usage(command, "--strategies: names with commas between them, at most %zu",
                             LIST_MAX);
        novelty->list[(*out_count)++] = (weft_str){at, len};
        at = comma != NULL ? comma + 1 : NULL;
    }
    return 0;
}

static weft_str text_of(const char *text)
{
    return text != NULL ? weft_str_of(text) : (weft_str){0};
}

int novelty_read(struct novelty *novelty, const char *command, weft_m_novelty_options *out)
{
    weft_m_novelty_options_init(out);
    int rc = split(novelty, command, &out->strategy_count);
    out->strategies = out->strategy_count != 0 ? novelty->list : NULL;
    out->combine = text_of(novelty->combine);
    out->calibration = text_of(novelty->calibration);
    if (!isnan(novelty->alpha))
        out->alpha = novelty->alpha;
    if (novelty->neighbours != 0)
        out->neighbours = novelty->neighbours;
    return rc;
}

bool novelty_is_asked(const struct novelty *novelty)
{
    return novelty->strategies != NULL || novelty->combine != NULL ||
           novelty->calibration != NULL || !isnan(novelty->alpha) || novelty->neighbours != 0;
}

int novelty_say(const weft_m_error *error)
{
    static const char *const fields[] = {"strategies", "combine", "calibration", "alpha",
                                         "neighbours"};
    int code = load_say(error);
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
        if (error->rc == -WEFT_M_EVALID && strcmp(error->field, fields[i]) == 0)
            code = EXIT_USAGE;
    }
    return code;
}
