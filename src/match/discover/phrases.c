/* SPDX-License-Identifier: MIT */

#include "match/discover/phrases.h"

#include "base/alloc.h"
#include "base/str.h"

#include <math.h>
#include <string.h>

#define WORDS_MAX 3u      /* of a name */
#define WORD_BYTES_MIN 3u /* of a keyword */
#define ITEMS_BETWEEN_POLLS 4096u

/* A run of words in a text. */
struct phrase {
    weft_str words;
    uint32_t text, length;
};

struct phrases {
    const int32_t *labels;
    struct phrase *items, *spare;
    size_t count, capacity, text_count;
    size_t *sizes; /* texts of each cluster */
    size_t *here;  /* of them, those with the phrase in hand */
    double *name_scores;
    double *keyword_scores; /* keyword_max a cluster */
    weft_str *keywords;
    size_t keyword_max;
    weft_m_cluster *clusters;
    size_t cluster_count;
};

/* ---- words ---- */

static bool says_nothing(weft_str word)
{
    static const char *const words[] = {
        "the",  "and",  "for", "with", "from", "that", "this",  "are",  "was", "you",
        "your", "not",  "how", "can",  "what", "why",  "where", "when", "who", "which",
        "does", "have", "has", "its",  "our",  "all",  "any",   "but",  "a",   "an",
        "of",   "in",   "on",  "to",   "is",   "it",   "i",     "my",   "me",  "do",
        "at",   "by",   "or",  "be",   "we",   "s"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (wf_str_is(word, words[i]))
            return true;
    }
    return false;
}

static int add(struct phrases *it, weft_str words, uint32_t text, uint32_t length)
{
    struct phrase *items = wf_more(it->items, it->count, &it->capacity, sizeof(*items));
    if (items == NULL)
        return -ENOMEM;
    it->items = items;
    it->items[it->count++] = (struct phrase){words, text, length};
    return 0;
}

/* All runs that end with the word in hand and have nothing in them that says nothing. */
static int read_text(struct phrases *it, weft_str text, uint32_t number)
{
    const char *starts[WORDS_MAX];
    uint32_t length = 0;
    int rc = 0;
    for (size_t at = 0; at < text.len && rc == 0;) {
        size_t end = at;
        while (end < text.len && text.ptr[end] != ' ')
            end++;
        if (says_nothing((weft_str){text.ptr + at, end - at})) {
            length = 0;
        } else {
            if (length == WORDS_MAX)
                memmove(starts, starts + 1, (WORDS_MAX - 1) * sizeof(*starts));
            else
                length++;
            starts[length - 1] = text.ptr + at;
            for (uint32_t n = 1; n <= length && rc == 0; n++) {
                const char *start = starts[length - n];
                weft_str words = {start, (size_t)(text.ptr + end - start)};
                rc = add(it, words, number, n);
            }
        }
        at = end + 1;
    }
    return rc;
}

/* ---- order: by words, then by text ---- */

static bool is_before(const struct phrase *a, const struct phrase *b)
{
    size_t least = a->words.len < b->words.len ? a->words.len : b->words.len;
    int order = memcmp(a->words.ptr, b->words.ptr, least);
    if (order != 0)
        return order < 0;
    if (a->words.len != b->words.len)
        return a->words.len < b->words.len;
    return a->text < b->text;
}

static int merge(const struct phrase *from, size_t start, size_t middle, size_t end,
                 struct phrase *to, const wf_job *job)
{
    size_t left = start, right = middle;
    int rc = 0;
    for (size_t i = start; i < end && rc == 0; i++) {
        bool takes_left = left < middle && (right >= end || !is_before(&from[right], &from[left]));
        to[i] = from[takes_left ? left++ : right++];
        rc = i % ITEMS_BETWEEN_POLLS == 0 ? wf_job_poll(job) : 0;
    }
    return rc;
}

/* Merges from the bottom up: unlike qsort it can be halted. */
static int sort(struct phrases *it, const wf_job *job)
{
    it->spare = wf_array(it->count, sizeof(*it->spare));
    if (it->spare == NULL)
        return -ENOMEM;
    for (size_t width = 1; width < it->count; width *= 2) {
        for (size_t start = 0; start < it->count; start += 2 * width) {
            size_t middle = start + width < it->count ? start + width : it->count;
            size_t end = middle + width < it->count ? middle + width : it->count;
            int rc = merge(it->items, start, middle, end, it->spare, job);
            if (rc < 0)
                return rc;
        }
        struct phrase *items = it->items;
        it->items = it->spare;
        it->spare = items;
    }
    return 0;
}

/* ---- what is chosen ---- */

static void offer_keyword(struct phrases *it, size_t cluster, weft_str word, double score)
{
    double *scores = it->keyword_scores + cluster * it->keyword_max;
    weft_str *words = it->keywords + cluster * it->keyword_max;
    size_t *count = &it->clusters[cluster].keyword_count;
    if (*count == it->keyword_max && scores[*count - 1] >= score)
        return;
    size_t at = *count < it->keyword_max ? (*count)++ : *count - 1;
    for (; at > 0 && scores[at - 1] < score; at--) {
        scores[at] = scores[at - 1];
        words[at] = words[at - 1];
    }
    scores[at] = score;
    words[at] = word;
}

static void offer(struct phrases *it, size_t cluster, const struct phrase *phrase, double rarity)
{
    double share = (double)it->here[cluster] / (double)it->sizes[cluster];
    if (phrase->length == 1 && phrase->words.len >= WORD_BYTES_MIN && it->here[cluster] > 1)
        offer_keyword(it, cluster, phrase->words, share * rarity);
    double score = share * (1 + 0.4 * (phrase->length - 1)) * rarity;
    if (share >= 0.5 && score > it->name_scores[cluster]) {
        it->name_scores[cluster] = score;
        it->clusters[cluster].name = phrase->words;
    }
}

/* The items [from, end) are one phrase. */
static void weigh(struct phrases *it, size_t from, size_t end)
{
    size_t texts = 0;
    for (size_t i = from; i < end; i++) {
        if (i > from && it->items[i].text == it->items[i - 1].text)
            continue;
        int32_t label = it->labels[it->items[i].text];
        texts++;
        if (label >= 0)
            it->here[label]++;
    }
    double rarity = log((1 + (double)it->text_count) / (1 + (double)texts)) + 1;
    for (size_t i = from; i < end; i++) {
        int32_t label = it->labels[it->items[i].text];
        if (label < 0 || it->here[label] == 0)
            continue;
        offer(it, (size_t)label, &it->items[i], rarity);
        it->here[label] = 0;
    }
}

static int weigh_all(struct phrases *it, const wf_job *job)
{
    for (size_t at = 0; at < it->count;) {
        size_t end = at + 1;
        while (end < it->count && it->items[end].words.len == it->items[at].words.len &&
               memcmp(it->items[end].words.ptr, it->items[at].words.ptr, it->items[at].words.len) ==
                   0)
            end++;
        int rc = wf_job_poll(job);
        if (rc < 0)
            return rc;
        weigh(it, at, end);
        at = end;
    }
    return 0;
}

/* A cluster whose texts share no phrase is called by its keywords, or else by its first text. */
static void name_rest(struct phrases *it, const weft_str *texts, size_t count)
{
    for (size_t c = 0; c < it->cluster_count; c++) {
        weft_m_cluster *cluster = &it->clusters[c];
        cluster->keywords = it->keywords + c * it->keyword_max;
        if (cluster->name.ptr == NULL && cluster->keyword_count != 0)
            cluster->name = cluster->keywords[0];
    }
    for (size_t i = 0; i < count; i++) {
        if (it->labels[i] >= 0 && it->clusters[it->labels[i]].name.ptr == NULL)
            it->clusters[it->labels[i]].name = texts[i];
    }
}

static int find(struct phrases *it, const weft_str *texts, size_t count, const wf_job *job)
{
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        if (it->labels[i] >= 0)
            it->sizes[it->labels[i]]++;
        rc = wf_job_poll(job);
        if (rc == 0)
            rc = read_text(it, texts[i], (uint32_t)i);
    }
    if (rc == 0)
        rc = sort(it, job);
    if (rc == 0)
        rc = weigh_all(it, job);
    if (rc == 0)
        name_rest(it, texts, count);
    return rc;
}

int wf_phrases_find(const weft_str *texts, const int32_t *labels, size_t count, size_t keyword_max,
                    weft_m_cluster *clusters, size_t cluster_count, wf_arena *arena,
                    const wf_job *job)
{
    struct phrases it = {.labels = labels,
                         .text_count = count,
                         .keyword_max = keyword_max,
                         .clusters = clusters,
                         .cluster_count = cluster_count};
    size_t slots = cluster_count * keyword_max;
    it.sizes = wf_array(cluster_count, sizeof(*it.sizes));
    it.here = wf_array(cluster_count, sizeof(*it.here));
    it.name_scores = wf_array(cluster_count, sizeof(*it.name_scores));
    it.keyword_scores = wf_array(slots, sizeof(*it.keyword_scores));
    it.keywords = wf_arena_array(arena, slots, sizeof(*it.keywords));
    bool has_all = it.sizes != NULL && it.here != NULL && it.name_scores != NULL &&
                   it.keyword_scores != NULL && it.keywords != NULL;
    int rc = has_all ? find(&it, texts, count, job) : -ENOMEM;
    wf_free(it.items);
    wf_free(it.spare);
    wf_free(it.sizes);
    wf_free(it.here);
    wf_free(it.name_scores);
    wf_free(it.keyword_scores);
    return rc;
}
