/* SPDX-License-Identifier: MIT */

/* A development set, read, and a scorer of entities, for programs that say what fits them.  They
 * end with a message if something fails. */
#ifndef WF_TOOLS_DEV_SET_H
#define WF_TOOLS_DEV_SET_H

#include "match/matcher_priv.h"

#include <stdio.h>
#include <weft/catalog.h>

typedef struct dev_question {
    char *text, *ids; /* ids: "" is novel, "a|b": either is right */
} dev_question;

typedef struct dev_set {
    weft_catalog *catalog;
    dev_question *questions;
    size_t count;
} dev_set;

void dev_check(int rc, const char *what);
void dev_set_read(dev_set *set, const char *folder);
bool dev_is_right(weft_str id, const char *ids);

/* A scorer "probability" of these entities, to be built. */
wf_scorer *dev_scorer(const weft_m_entity *entities, size_t count);
void dev_build(wf_scorer *scorer, wf_seeker *seeker);

#endif
