/* SPDX-License-Identifier: MIT */

#include "match/check.h"

#include "base/json_write.h"
#include "base/str.h"
#include "base/utf8.h"
#include "match/error.h"
#include "match/text/chars.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODE_LIST "auto, zero-shot, head-only, full, hybrid, bert"

/* A text of an entity or a query: absent, or UTF-8 within the limit. */
static int check_text(weft_str text, size_t bytes_max, const char *what, weft_m_error *error)
{
    if (text.ptr == NULL)
        return 0;
    if (text.len > bytes_max)
        return wf_m_fail_limit(error, what, "query_bytes_max", bytes_max, text.len);
    size_t valid = wf_utf8_check(text.ptr, text.len);
    if (valid == text.len)
        return 0;
    wf_m_fail(error, -WEFT_M_EVALID, "%s is not UTF-8 at byte %zu", what, valid);
    if (error != NULL)
        error->offset = (int64_t)valid;
    return -WEFT_M_EVALID;
}

/* ---- entities ---- */

bool wf_check_is_integer(weft_str id)
{
    size_t at = id.len > 0 && id.ptr[0] == '-';
    size_t digits = id.len - at;
    if (digits == 0 || digits > 40)
        return false;
    if (id.ptr[at] == '0' && id.len > 1)
        return false;
    for (; at < id.len; at++) {
        if (id.ptr[at] < '0' || id.ptr[at] > '9')
            return false;
    }
    return true;
}

static int check_id(const weft_m_entity *entity, size_t index, const wf_limits *limits,
                    weft_m_error *error)
{
    if (entity->id.ptr == NULL || entity->id.len == 0)
        return wf_m_fail(error, -WEFT_M_EVALID, "Entity must have 'id' field (entities[%zu])",
                         index);
    if (entity->id_is_integer && !wf_check_is_integer(entity->id))
        return wf_m_fail(error, -WEFT_M_EVALID,
                         "Entity 'id' is no integer in decimal form (entities[%zu])", index);
    return check_text(entity->id, limits->text_bytes_max, "Entity 'id'", error);
}

static int check_name(const weft_m_entity *entity, size_t index, const wf_limits *limits,
                      weft_m_error *error)
{
    if (entity->name.ptr == NULL)
        return wf_m_fail(error, -WEFT_M_EVALID, "Entity must have 'name' field (entities[%zu])",
                         index);
    int rc = check_text(entity->name, limits->text_bytes_max, "Entity 'name'", error);
    if (rc == 0 && wf_utf8_is_blank(entity->name))
        rc = wf_m_fail(error, -WEFT_M_EVALID, "Entity 'name' must not be empty (entities[%zu])",
                       index);
    return rc;
}

static int check_aliases(const weft_m_entity *entity, size_t index, const wf_limits *limits,
                         weft_m_error *error)
{
    if (entity->alias_count != 0 && entity->aliases == NULL)
        return wf_m_fail(error, -WEFT_M_EVALID,
                         "Entity 'aliases' must be a list of strings (entities[%zu])", index);
    for (size_t i = 0; i < entity->alias_count; i++) {
        weft_str alias = entity->aliases[i];
        if (alias.ptr == NULL)
            return wf_m_fail(error, -WEFT_M_EVALID,
                             "Entity 'aliases' must be strings (entities[%zu].aliases[%zu])", index,
                             i);
        int rc = check_text(alias, limits->text_bytes_max, "Entity alias", error);
        if (rc == 0 && wf_utf8_is_blank(alias))
            rc = wf_m_fail(error, -WEFT_M_EVALID,
                           "Entity 'aliases' must not be empty (entities[%zu].aliases[%zu])", index,
                           i);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int check_rest(const weft_m_entity *entity, const wf_limits *limits, weft_m_error *error)
{
    int rc = check_text(entity->text, limits->text_bytes_max, "Entity 'text'", error);
    if (rc < 0)
        return rc;
    return check_text(entity->extra, SIZE_MAX, "Entity extra keys", error);
}

int wf_check_entity(const weft_m_entity *entity, size_t index, const wf_limits *limits,
                    weft_m_error *error)
{
    const char *field = "id";
    int rc = check_id(entity, index, limits, error);
    if (rc == 0) {
        field = "name";
        rc = check_name(entity, index, limits, error);
    }
    if (rc == 0) {
        field = "aliases";
        rc = check_aliases(entity, index, limits, error);
    }
    if (rc == 0) {
        field = "text";
        rc = check_rest(entity, limits, error);
    }
    if (rc == 0)
        return 0;
    wf_m_error_field(error, "%s", field);
    wf_m_error_entity(error, entity, index);
    wf_m_error_suggest(error,
                       "Give every entity a unique 'id' and a 'name'; 'aliases' is a list of "
                       "further names");
    return rc;
}

/* ---- settings ---- */

int wf_check_threshold(float threshold, weft_m_error *error)
{
    if (threshold >= 0 && threshold <= 1)
        return 0;
    if (isnan(threshold))
        wf_m_fail(error, -WEFT_M_EVALID, "threshold must be a number, got nan");
    else
        wf_m_fail(error, -WEFT_M_EVALID, "threshold must be between 0 and 1, got %g",
                  (double)threshold);
    wf_m_error_field(error, "threshold");
    wf_m_error_suggest(error, "Use a threshold from 0 (everything) to 1 (equal texts only)");
    return -WEFT_M_EVALID;
}

static bool is(weft_str text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.ptr, word, text.len) == 0;
}

/* For "%.*s": names in messages are cut. */
static int shown(weft_str text)
{
    return wf_utf8_shown(text.ptr, text.len, 80);
}

int wf_check_mode(weft_str mode, const char **out, weft_m_error *error)
{
    static const char *const modes[] = {"auto", "zero-shot", "head-only", "full", "hybrid", "bert"};
    *out = "auto";
    if (mode.ptr == NULL)
        return 0;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (is(mode, modes[i])) {
            *out = modes[i];
            return 0;
        }
    }
    wf_m_fail(error, -WEFT_M_EMODE, "Invalid mode: %.*s", shown(mode), mode.ptr);
    wf_m_error_field(error, "mode");
    wf_m_error_suggest(error, "Valid modes: " MODE_LIST);
    return -WEFT_M_EMODE;
}

bool wf_is_model_name(weft_str model)
{
    return model.ptr != NULL && !is(model, "default") && !is(model, "lexical");
}

int wf_check_fallback(weft_str fallback, bool *out, weft_m_error *error)
{
    static const char variable[] = "WEFT_MODEL_FALLBACK", field[] = "model_fallback";
    const char *of_environment = getenv(variable);
    bool is_option = fallback.ptr != NULL;
    if (!is_option && of_environment != NULL && of_environment[0] != '\0')
        fallback = weft_str_of(of_environment);
    *out = fallback.ptr != NULL && is(fallback, "lexical");
    if (fallback.ptr == NULL || *out || is(fallback, "none"))
        return 0;
    wf_m_fail(error, -WEFT_M_EVALID, "%s must be 'lexical' or 'none', is '%.*s'",
              is_option ? field : variable, shown(fallback), fallback.ptr);
    if (is_option)
        wf_m_error_field(error, "%s", field);
    return -WEFT_M_EVALID;
}

int wf_check_model(weft_str model, weft_m_error *error)
{
    int rc = 0;
    if (!wf_is_model_name(model))
        return 0;
    if (!wf_utf8_is_valid(model.ptr, model.len) || memchr(model.ptr, '\0', model.len) != NULL)
        rc = wf_m_fail(error, -WEFT_M_EVALID, "model_name is not UTF-8, or has a NUL");
    else if (wf_utf8_is_blank(model))
        rc = wf_m_fail(error, -WEFT_M_EVALID, "model_name cannot be empty");
    if (rc < 0) {
        wf_m_error_field(error, "model");
        wf_m_error_suggest(error, "Use 'default', 'lexical' or the directory of a model");
    }
    return rc;
}

int wf_check_score_kind(weft_str kind, weft_m_error *error)
{
    if (kind.ptr == NULL || is(kind, "auto") || is(kind, "probability") || is(kind, "cosine") ||
        is(kind, "dense") || is(kind, "fused"))
        return 0;
    wf_m_fail(error, -WEFT_M_EVALID, "Invalid score_kind: %.*s", shown(kind), kind.ptr);
    wf_m_error_field(error, "score_kind");
    wf_m_error_suggest(error, "Use 'auto', 'probability', 'cosine', 'dense' or 'fused'");
    return -WEFT_M_EVALID;
}

int wf_check_blocking(weft_str name, enum wf_blocking *out, weft_m_error *error)
{
    *out = WF_BLOCK_NGRAM;
    if (name.ptr == NULL || wf_blocking_of(name, out))
        return 0;
    wf_m_fail(error, -WEFT_M_EVALID, "Invalid blocking: %.*s", shown(name), name.ptr);
    wf_m_error_field(error, "blocking");
    wf_m_error_suggest(error, "Use 'ngram', 'bm25', 'tfidf', 'fuzzy' or 'none'");
    return -WEFT_M_EVALID;
}

/* ---- training examples ---- */

static int check_example(const weft_m_example *example, size_t index, const wf_catalogue *catalogue,
                         weft_m_error *error)
{
    bool has_label = example->label.ptr != NULL || example->is_none;
    const char *missing = example->text.ptr == NULL ? "text" : !has_label ? "label" : NULL;
    int rc = 0;
    if (missing != NULL) {
        rc = wf_m_fail(error, -WEFT_M_EVALID, "training_data[%zu] must have '%s'", index, missing);
        wf_m_error_field(error, "training_data[%zu].%s", index, missing);
    } else if (!wf_utf8_is_valid(example->text.ptr, example->text.len)) {
        rc = wf_m_fail(error, -WEFT_M_EVALID, "training_data[%zu].text is not UTF-8", index);
        wf_m_error_field(error, "training_data[%zu].text", index);
    } else if (!example->is_none && wf_catalogue_find(catalogue, example->label) == UINT32_MAX) {
        rc = wf_m_fail(error, -WEFT_M_EVALID, "training_data[%zu].label '%.*s' is no entity's id",
                       index, shown(example->label), example->label.ptr);
        wf_m_error_field(error, "training_data[%zu].label", index);
    }
    return rc;
}

static bool same_label(const weft_m_example *a, const weft_m_example *b)
{
    if (a->is_none || b->is_none)
        return a->is_none && b->is_none;
    return wf_str_equals(a->label, b->label);
}

int wf_check_examples(const weft_m_example *examples, size_t count, const wf_catalogue *catalogue,
                      weft_m_error *error)
{
    bool differ = false;
    for (size_t i = 0; i < count; i++) {
        int rc = check_example(&examples[i], i, catalogue, error);
        if (rc < 0)
            return rc;
        differ |= !same_label(&examples[i], &examples[0]);
    }
    if (differ)
        return 0;
    if (count == 0)
        wf_m_fail(error, -WEFT_M_EVALID, "training_data cannot be empty");
    else
        wf_m_fail(error, -WEFT_M_EVALID, "training_data: need at least 2 labels");
    wf_m_error_field(error, "training_data");
    wf_m_error_suggest(error, "Without examples of at least two entities use mode 'zero-shot'");
    return -WEFT_M_EVALID;
}

/* ---- queries ---- */

static int check_query(weft_str query, size_t bytes_max, weft_m_error *error)
{
    if (query.ptr == NULL)
        return wf_m_fail(error, -WEFT_M_EVALID, "query must be a string");
    return check_text(query, bytes_max, "query", error);
}

int wf_check_queries(const weft_str *queries, size_t count, const weft_m_options *limits,
                     weft_m_error *error)
{
    if (count > limits->query_count_max) {
        wf_m_fail_limit(error, "queries", "query_count_max", limits->query_count_max, count);
        wf_m_error_field(error, "queries");
        return -WEFT_ELIMIT;
    }
    return wf_check_each_query(queries, count, limits, error);
}

int wf_check_each_query(const weft_str *queries, size_t count, const weft_m_options *limits,
                        weft_m_error *error)
{
    for (size_t i = 0; i < count; i++) {
        int rc = check_query(queries[i], limits->query_bytes_max, error);
        if (rc < 0) {
            wf_m_error_field(error, "queries[%zu]", i);
            return rc;
        }
    }
    return 0;
}

int wf_check_top_k(int64_t top_k, size_t top_k_max, weft_m_error *error)
{
    int rc = 0;
    if (top_k < 1)
        rc = wf_m_fail(error, -WEFT_M_EVALID, "top_k must be >= 1");
    else if ((uint64_t)top_k > top_k_max)
        rc = wf_m_fail_limit(error, "top_k", "top_k_max", top_k_max, (size_t)top_k);
    if (rc < 0)
        wf_m_error_field(error, "top_k");
    return rc;
}

int wf_check_batch_size(int64_t batch_size, weft_m_error *error)
{
    if (batch_size >= 1)
        return 0;
    wf_m_fail(error, -WEFT_M_EVALID, "batch_size must be >= 1");
    wf_m_error_field(error, "batch_size");
    return -WEFT_M_EVALID;
}
