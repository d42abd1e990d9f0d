/* SPDX-License-Identifier: MIT */

/*
 * Phrases: words that set a cluster of texts apart, and a name for it.  A keyword is a word with a
 * high share of the cluster's texts times its rarity among all (K. Sparck Jones, "A statistical
 * interpretation of term specificity", 1972).  A name is a run of one to three words between words
 * that say nothing (S. Rose and others, "Automatic keyword extraction from individual documents",
 * 2010) that half of the texts have.
 */
#ifndef WF_MATCH_PHRASES_H
#define WF_MATCH_PHRASES_H

#include "base/arena.h"
#include "match/work.h"

#include <weft/discover.h>

/* Names and keywords of `clusters`, of which text i, folded, belongs to that of number labels[i],
 * or -1.  What they point to is in `texts`, or comes from the arena.  0, -ENOMEM, or what the job
 * was halted with. */
int wf_phrases_find(const weft_str *texts, const int32_t *labels, size_t count, size_t keyword_max,
                    weft_m_cluster *clusters, size_t cluster_count, wf_arena *arena,
                    const wf_job *job);

#endif
