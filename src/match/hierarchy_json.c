/* SPDX-License-Identifier: MIT */

/* What the hierarchy makes of a text, as JSON. */
#include "match/json.h"

#include <weft/hierarchy.h>

const char *weft_m_relation_name(enum weft_m_relation relation)
{
    static const char *const names[WEFT_M_RELATION_COUNT] = {
        [WEFT_M_SELF] = "self",
        [WEFT_M_PARENT] = "parent",
        [WEFT_M_CHILD] = "child",
        [WEFT_M_ANCESTOR] = "ancestor",
        [WEFT_M_DESCENDANT] = "descendant",
    };
    return names[relation];
}

static void put_hit(wf_json *json, const weft_m_results *results, const weft_m_hierarchy_hit *hit)
{
    const weft_m_entity *via = weft_m_results_entity(results, hit->via);
    wf_json_object(json);
    wf_json_key(json, "id");
    wf_m_json_id(json, hit->id, hit->id_is_integer);
    wf_json_put_float(json, "score", hit->score);
    wf_json_put_text(json, "relationship", weft_m_relation_name(hit->relation));
    wf_json_put_uint(json, "depth", hit->depth);
    wf_json_put_float(json, "semantic_score", hit->semantic_score);
    wf_json_put_float(json, "hierarchical_boost", hit->boost);
    wf_json_put_float(json, "depth_penalty", hit->penalty);
    wf_json_key(json, "via");
    wf_m_json_id(json, via->id, via->id_is_integer);
    wf_json_put_str(json, "name", hit->name);
    wf_json_object_end(json);
}

/* An object that is left open. */
static void put_level(wf_json *json, const weft_m_level *level)
{
    wf_json_object(json);
    wf_json_key(json, "id");
    wf_m_json_id(json, level->id, level->id_is_integer);
    wf_json_put_str(json, "name", level->name);
    wf_json_put_float(json, "probability", level->probability);
}

static void write_item(wf_json *json, const weft_m_results *results, size_t index)
{
    const weft_m_hierarchy_result *it = weft_m_results_hierarchy(results, index);
    wf_json_object(json);
    wf_json_key(json, "matches");
    wf_json_array(json);
    for (size_t i = 0; i < it->hit_count; i++)
        put_hit(json, results, &it->hits[i]);
    wf_json_array_end(json);
    wf_json_key(json, "certain");
    if (it->certain != NULL) {
        put_level(json, it->certain);
        wf_json_object_end(json);
    } else {
        wf_json_null(json);
    }
    wf_json_key(json, "levels");
    wf_json_array(json);
    for (size_t i = 0; i < it->level_count; i++) {
        put_level(json, &it->levels[i]);
        wf_json_put_float(json, "own", it->levels[i].own);
        wf_json_object_end(json);
    }
    wf_json_array_end(json);
    wf_json_put_bool(json, "relatives_cut", it->was_cut);
    wf_json_object_end(json);
}

int weft_m_hierarchy_result_json(const weft_m_results *results, size_t index, weft_text *out)
{
    return wf_m_json_one(write_item, results, index, out);
}

int weft_m_hierarchy_json(weft_matcher *matcher, const weft_str *queries, size_t query_count,
                          const weft_m_hierarchy_options *options, weft_text *out,
                          weft_m_error *error)
{
    weft_m_results *results;
    int rc = weft_m_hierarchy_match(matcher, queries, query_count, options, &results, error);
    return rc < 0 ? rc : wf_m_json_list(write_item, results, query_count, out);
}
