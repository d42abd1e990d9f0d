/* SPDX-License-Identifier: MIT */

/* Catalogues for tests: from literals, and random ones from a seed. */
#ifndef WF_TESTS_MATCH_MAKE_H
#define WF_TESTS_MATCH_MAKE_H

#include "harness/harness.h"

#include <stdlib.h>
#include <weft/match.h>

#define STR(literal_) ((weft_str){(literal_), sizeof(literal_) - 1})

static inline weft_str str_of(const char *text)
{
    return (weft_str){text, strlen(text)};
}

typedef struct dice {
    uint64_t state;
} dice;

static inline uint64_t roll(dice *d, uint64_t below)
{
    d->state ^= d->state << 13;
    d->state ^= d->state >> 7;
    d->state ^= d->state << 17;
    return (d->state >> 11) % below;
}

/* Entities with ids "0", "1", …; all in memory of their own.  Aliases are made by the caller. */
typedef struct made {
    weft_m_entity *entities;
    size_t count;
    char *text;
    size_t used;
    weft_str *aliases;
    size_t alias_count;
} made;

/* One to four words of one to `word_max` of the first `letters` letters. */
static inline size_t make_name(dice *d, char *out, unsigned letters, unsigned word_max)
{
    size_t len = 0, words = 1 + roll(d, 4);
    for (size_t w = 0; w < words; w++) {
        if (w != 0)
            out[len++] = ' ';
        for (size_t n = 1 + roll(d, word_max); n > 0; n--)
            out[len++] = (char)('a' + roll(d, letters));
    }
    return len;
}

static inline weft_str make_text(made *m, dice *d, unsigned letters, unsigned word_max)
{
    weft_str text = {m->text + m->used, 0};
    text.len = make_name(d, m->text + m->used, letters, word_max);
    m->used += text.len;
    return text;
}

/* `aliases_max` aliases at most; every eighth row repeats an earlier name. */
static inline made make_random(dice *d, size_t count, unsigned letters, unsigned word_max,
                               unsigned aliases_max)
{
    made m = {.count = count};
    m.entities = calloc(count, sizeof(*m.entities));
    m.aliases = calloc(count * aliases_max + 1, sizeof(*m.aliases));
    m.text = malloc(count * (aliases_max + 1) * (4 * word_max + 4) + count * 8);
    for (size_t i = 0; i < count; i++) {
        weft_m_entity *entity = &m.entities[i];
        entity->id.ptr = m.text + m.used;
        entity->id.len = (size_t)snprintf(m.text + m.used, 8, "%zu", i);
        m.used += entity->id.len;
        entity->name = i != 0 && roll(d, 8) == 0 ? m.entities[roll(d, i)].name
                                                 : make_text(&m, d, letters, word_max);
        entity->aliases = m.aliases + m.alias_count;
        entity->alias_count = aliases_max != 0 ? roll(d, aliases_max + 1) : 0;
        for (size_t k = 0; k < entity->alias_count; k++)
            m.aliases[m.alias_count++] = make_text(&m, d, letters, word_max);
    }
    return m;
}

static inline void make_free(made *m)
{
    free(m->entities);
    free(m->aliases);
    free(m->text);
}

#endif
