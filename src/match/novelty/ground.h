/* SPDX-License-Identifier: MIT */

/*
 * Ground: what the strategies know of a catalogue.  Its references are the rows and the examples
 * that were learnt from, each with its entity and its spot in the space; the centre of an entity is
 * the mean of its references.  Made only if a strategy asks for it: 520 bytes a row.
 */
#ifndef WF_MATCH_GROUND_H
#define WF_MATCH_GROUND_H

#include "match/catalogue.h"
#include "match/examples.h"
#include "match/novelty/space.h"
#include "match/work.h"

#define WF_NO_ENTITY UINT32_MAX
#define WF_NO_REFERENCE UINT32_MAX
#define WF_NEAR_MAX 64u

/* Strategies whose making compares all references with all take this many, evenly. */
#define WF_PICKED_MAX 2048u

typedef struct wf_ground {
    const wf_catalogue *catalogue; /* borrowed */
    wf_space space;
    wf_spot *spots; /* of the references */
    uint32_t *entity_of;
    size_t count, capacity;
    wf_spot *centres; /* of the entities */
    float *lengths;   /* of the sum of an entity's references, each 1 long */
} wf_ground;

/* What is to be seen as absent while a text is asked: an entity, or the reference that the text is.
 */
typedef struct wf_absent {
    uint32_t entity, reference; /* WF_NO_ENTITY, WF_NO_REFERENCE: none */
} wf_absent;

static inline bool wf_ground_lacks(const wf_ground *ground, wf_absent absent, size_t reference)
{
    return reference == absent.reference || ground->entity_of[reference] == absent.entity;
}

/* A reference and its cosine with a text. */
typedef struct wf_near {
    uint32_t reference;
    float cosine;
} wf_near;

/* `examples` may be NULL.  0, -ENOMEM, or what the job was halted with; fini in any case. */
int wf_ground_make(wf_ground *ground, const wf_catalogue *catalogue, const wf_examples *examples,
                   wf_seeker *seeker, const wf_job *job);
void wf_ground_fini(wf_ground *ground);

/* Puts one in among the nearest, which stay sorted, equal ones in the order they came, and are at
 * most `most`.  Returns how many they are. */
size_t wf_near_put(wf_near *out, size_t count, size_t most, wf_near item);

/* The `most` references nearest to `spot`, nearest first, equal ones in their order.  Returns how
 * many, or what the job was halted with. */
int wf_ground_near(const wf_ground *ground, const wf_spot *spot, wf_absent absent, wf_near *out,
                   size_t most, const wf_job *job);

/* The centre of an entity without what is absent of it, 1 long, or zero. */
void wf_ground_read_centre(const wf_ground *ground, uint32_t entity, wf_absent absent,
                           float out[WF_SPACE_DIM]);

/* The cosine with the centre of an entity; false: the entity is absent, or nothing is left of it.
 */
bool wf_ground_cosine(const wf_ground *ground, const wf_spot *spot, uint32_t entity,
                      wf_absent absent, float *out);

/* The greatest of these, and whose it is; -1 and WF_NO_ENTITY if there is none.  0, or what the job
 * was halted with. */
int wf_ground_centre(const wf_ground *ground, const wf_spot *spot, wf_absent absent, wf_near *out,
                     const wf_job *job);

/* How many references are picked, and which is the i-th. */
static inline size_t wf_ground_picked(const wf_ground *ground)
{
    return ground->count < WF_PICKED_MAX ? ground->count : WF_PICKED_MAX;
}

static inline size_t wf_ground_pick(const wf_ground *ground, size_t i)
{
    return (size_t)((uint64_t)i * ground->count / wf_ground_picked(ground));
}

#endif
