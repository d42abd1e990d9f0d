/* SPDX-License-Identifier: MIT */

/* Dense: the rows' vectors by an encoder, and a query's. */
#ifndef WF_MATCH_DENSE_H
#define WF_MATCH_DENSE_H

#include "match/index/hnsw.h"
#include "match/score/scorer.h"

typedef struct wf_dense wf_dense;
struct wf_dense {
    weft_encoder *encoder; /* a reference */
    wf_vectors vectors;
    size_t done; /* rows that are encoded */

    /* Of large catalogues: rows are found by it, unless only some may be found. */
    wf_hnsw graph;
    wf_hnsw_desk desk;  /* while it is built */
    size_t graph_total; /* rows it is to have: all or none */
    size_t linked;      /* rows that have been looked at for it */

    /* What the catalogue was before it changed: a row that was there has its vector already, and
     * its neighbours. */
    wf_scorer *old_scorer; /* a reference, until all is built; NULL: nothing was */
    const wf_dense *old;   /* of that scorer */
    uint32_t *moved;       /* of old's rows: which it is now; NULL: its graph is of no use */
    wf_hnsw_move move;     /* of old's graph */
};

/* Room for the rows of a catalogue.  0 or -ENOMEM. */
int wf_dense_init(wf_dense *dense, const weft_m_options *options, const wf_catalogue *catalogue);
void wf_dense_fini(wf_dense *dense);

/* Lets the build take what `old`, which is part of `old_scorer`, knows of rows that are in both.
 */
void wf_dense_inherit(wf_dense *dense, wf_scorer *old_scorer, const wf_dense *old);

/* The progress of building, and its end. */
static inline size_t wf_dense_done(const wf_dense *dense)
{
    return dense->done + dense->graph.in_count;
}

static inline size_t wf_dense_total(const wf_dense *dense)
{
    return dense->vectors.count + dense->graph_total;
}

/* Encodes the next rows, or enters them into the graph.  0, -ENOMEM, or what the encoder returns.
 */
int wf_dense_build(wf_dense *dense, const wf_catalogue *catalogue, const weft_m_options *options,
                   wf_seeker *seeker, const wf_job *job);

/* The vector of seeker->text into seeker->glance.  0, -ENOMEM, or what the encoder returns. */
int wf_dense_read(const wf_dense *dense, wf_seeker *seeker, const wf_job *job);

/* The same of several questions together, whose texts it reads: into seeker->volley. */
int wf_dense_read_each(const wf_dense *dense, const weft_m_options *options, wf_seeker *seeker,
                       const wf_ask *asks, size_t count);

/* Offers the entities nearest to each that has begun to its rank. */
int wf_dense_find_each(const wf_dense *dense, const wf_catalogue *catalogue, wf_seeker *seeker,
                       const wf_job *job);

/* Offers the entities nearest to the query in seeker->glance to seeker->rank, which has begun.
 * `allowed` as in wf_ask. */
int wf_dense_find(const wf_dense *dense, const wf_catalogue *catalogue, wf_seeker *seeker,
                  const uint64_t *allowed, const wf_job *job);

size_t wf_dense_bytes(const wf_dense *dense);

void wf_dense_save(const wf_dense *dense, wf_pack *pack);

/* Takes the vectors of an image.  0, -ENOMEM, -WEFT_M_EPERSIST. */
int wf_dense_load(wf_dense *dense, const wf_image *image, const wf_catalogue *catalogue);

#endif
