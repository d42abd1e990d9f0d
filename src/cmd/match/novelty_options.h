/* SPDX-License-Identifier: MIT */

/* Options of the commands that ask whether texts are new. */
#ifndef WF_CMD_NOVELTY_OPTIONS_H
#define WF_CMD_NOVELTY_OPTIONS_H

#include "cmd/args.h"

#include <math.h>
#include <weft/novelty.h>

struct novelty {
    const char *strategies; /* with commas between them; NULL: the default */
    const char *combine, *calibration;
    double alpha;       /* NaN: the default */
    int64_t neighbours; /* 0: the default */

    weft_str list[16]; /* of `strategies`, borrowed */
};

#define NOVELTY_DEFAULTS                                                                           \
    {                                                                                              \
        .alpha = NAN                                                                               \
    }

/* Rows of an option table. */
/* clang-format off */
#define NOVELTY_OPTIONS(novelty_)                                                                  \
    {"strategies", 's', "LIST", "calibrated, knn_distance, lof ..., with commas (calibrated)",     \
     ARGS_TEXT, &(novelty_)->strategies, 0, 0},                                                    \
    {"combine", 0, "weighted|union|intersection|voting|meta_learner",                              \
     "how several strategies become one (weighted)",                                               \
     ARGS_CHOICE, &(novelty_)->combine, 0, 0},                                                     \
    {"alpha", 'a', "X", "part of known texts that may be taken for novel (0.05)",                  \
     ARGS_NUMBER, &(novelty_)->alpha, 0, 1},                                                       \
    {"calibration", 0, "local|split|mondrian",                                                     \
     "known texts of like length, all, of as many words (local; discover split)",                  \
     ARGS_CHOICE, &(novelty_)->calibration, 0, 0},                                                 \
    {"neighbours", 0, "N", "nearest names that knn_distance looks at, 1 to 64 (1)",                \
     ARGS_INTEGER, &(novelty_)->neighbours, 1, 64}
/* clang-format on */

/* The library's options; they borrow from `novelty`.  0, or EXIT_USAGE after saying why. */
int novelty_read(struct novelty *novelty, const char *command, weft_m_novelty_options *out);

/* True if one of these options was given. */
bool novelty_is_asked(const struct novelty *novelty);

/* Says why novelty could not be told: EXIT_USAGE if it is these options, else EXIT_FAILED. */
int novelty_say(const weft_m_error *error);

#endif
