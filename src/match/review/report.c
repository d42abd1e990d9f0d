/* SPDX-License-Identifier: MIT */

/* A discovery as JSON, and as a report with a summary for people. */
#include "base/calendar.h"
#include "match/error.h"
#include "match/file/whole.h"
#include "match/json.h"

#include <string.h>
#include <weft/discover.h>

#define EXAMPLES 4u
#define DAY_SECONDS 86400

/* ---- as JSON ---- */

static void put_places(wf_json *json, const char *key, const uint32_t *places, size_t count)
{
    wf_json_key(json, key);
    wf_json_array(json);
    for (size_t i = 0; i < count; i++)
        wf_json_uint(json, places[i]);
    wf_json_array_end(json);
}

static void put_cluster(wf_json *json, const weft_m_cluster *cluster, const weft_str *texts)
{
    wf_json_object(json);
    wf_json_key(json, "name");
    wf_json_str(json, cluster->name);
    wf_json_put_strs(json, "keywords", cluster->keywords, cluster->keyword_count);
    wf_json_key(json, "count");
    wf_json_uint(json, cluster->member_count);
    wf_json_key(json, "cohesion");
    wf_json_double(json, cluster->cohesion);
    put_places(json, "members", cluster->members, cluster->member_count);
    wf_json_key(json, "examples");
    wf_json_array(json);
    for (size_t i = 0; i < cluster->member_count && i < EXAMPLES; i++)
        wf_json_str(json, texts[cluster->members[i]]);
    wf_json_array_end(json);
    wf_json_object_end(json);
}

/* The keys that the same texts give each time. */
static void put_body(wf_json *json, const weft_m_discovery *it, const weft_str *texts)
{
    wf_json_put_uint(json, "texts", it->text_count);
    wf_json_put_uint(json, "novel", it->novel_count);
    wf_json_key(json, "clusters");
    wf_json_array(json);
    for (size_t i = 0; i < it->cluster_count; i++)
        put_cluster(json, &it->clusters[i], texts);
    wf_json_array_end(json);
    put_places(json, "noise", it->noise, it->noise_count);
}

int weft_m_discovery_json(const weft_m_discovery *it, const weft_str *texts, weft_text *out)
{
    wf_buf buf = {0};
    wf_json json = {.out = &buf};
    wf_json_object(&json);
    put_body(&json, it, texts);
    wf_json_object_end(&json);
    return wf_m_json_end(&buf, out);
}

/* ---- the report ---- */

static void put_head(wf_json *json, const weft_m_discovery *it)
{
    wf_json_put_text(json, "discovery_id", it->id);
    wf_json_key(json, "timestamp");
    wf_json_int(json, it->time);
    wf_json_put_text(json, "clustering", it->clustering);
    wf_json_key(json, "stages");
    wf_json_array(json);
    for (size_t i = 0; i < sizeof(it->stages) / sizeof(*it->stages); i++) {
        wf_json_object(json);
        wf_json_put_text(json, "stage_name", it->stages[i].name);
        wf_json_put_double(json, "timing_ms", it->stages[i].ms);
        wf_json_object_end(json);
    }
    wf_json_array_end(json);
}

static void write_report(const weft_m_discovery *it, const weft_str *texts, wf_buf *out)
{
    wf_json json = {.out = out};
    wf_json_object(&json);
    put_head(&json, it);
    put_body(&json, it, texts);
    wf_json_object_end(&json);
    wf_buf_putc(out, '\n');
}

/* A text as it is meant: what Markdown would take for marks, and ends of lines, are escaped. */
static void put_plain(wf_buf *out, weft_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        bool is_end = (unsigned char)text.ptr[i] < ' ';
        if (strchr("\\`*_{}[]()#+-.!|<>&~", text.ptr[i]) != NULL && !is_end)
            wf_buf_putc(out, '\\');
        wf_buf_putc(out, is_end ? ' ' : text.ptr[i]);
    }
}

static void write_summary_of(const weft_m_cluster *cluster, const weft_str *texts, wf_buf *out)
{
    wf_buf_puts(out, "\n## ");
    put_plain(out, cluster->name);
    wf_buf_printf(out, "\n\n%zu texts, cohesion %.2f. ", cluster->member_count, cluster->cohesion);
    for (size_t i = 0; i < cluster->keyword_count; i++) {
        wf_buf_puts(out, i == 0 ? "Keywords: " : ", ");
        put_plain(out, cluster->keywords[i]);
    }
    wf_buf_puts(out, "\n\n");
    for (size_t i = 0; i < cluster->member_count && i < EXAMPLES; i++) {
        wf_buf_puts(out, "- ");
        put_plain(out, texts[cluster->members[i]]);
        wf_buf_putc(out, '\n');
    }
}

static void write_summary(const weft_m_discovery *it, const weft_str *texts, wf_buf *out)
{
    wf_buf_printf(out,
                  "# Discovery %s\n\n%zu texts, %zu of them new, %zu clusters by %s, %zu new "
                  "texts in none.\n",
                  it->id, it->text_count, it->novel_count, it->cluster_count, it->clustering,
                  it->noise_count);
    for (size_t i = 0; i < it->cluster_count; i++)
        write_summary_of(&it->clusters[i], texts, out);
}

static int save(const char *directory, const weft_m_discovery *it, const char *end,
                const wf_buf *content, weft_m_error *error)
{
    wf_buf path = {0};
    wf_date date = wf_date_of_days(it->time / DAY_SECONDS);
    int of_day = (int)(it->time % DAY_SECONDS);
    wf_buf_printf(&path, "%s/discovery_%04d%02d%02d-%02d%02d%02d_%s%s", directory, date.year,
                  date.month, date.day, of_day / 3600, of_day / 60 % 60, of_day % 60, it->id, end);
    wf_buf_putc(&path, '\0');
    int rc = content->rc < 0 ? content->rc : path.rc;
    rc = rc < 0
             ? wf_m_fail_plain(error, rc)
             : wf_whole_save(wf_buf_ptr(&path), wf_buf_ptr(content), wf_buf_bytes(content), error);
    if (rc == -ENOENT) /* of a file that is made it says too little */
        rc = wf_m_fail(error, rc, "%.300s: there is no such directory", directory);
    wf_buf_fini(&path);
    return rc;
}

int weft_m_discovery_save(const weft_m_discovery *it, const weft_str *texts, const char *directory,
                          weft_m_error *error)
{
    wf_buf report = {0}, summary = {0};
    write_report(it, texts, &report);
    write_summary(it, texts, &summary);
    int rc = save(directory, it, ".json", &report, error);
    if (rc == 0)
        rc = save(directory, it, "_summary.md", &summary, error);
    wf_buf_fini(&report);
    wf_buf_fini(&summary);
    return rc;
}
