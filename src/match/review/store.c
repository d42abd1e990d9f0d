/* SPDX-License-Identifier: MIT */

/* The list of reviews, its changes and its file. */
#include "match/review/record.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/sys.h"
#include "match/error.h"
#include "match/file/whole.h"
#include "match/json.h"
#include "match/matcher_priv.h"
#include "match/review/lock.h"
#include "match/work.h"

#include <stdio.h>
#include <string.h>
#include <weft/error.h>
#include <weft/file.h>
#include <weft/run.h>

#define EXAMPLES_MAX 4u
#define EXAMPLE_BYTES_MAX 1000u

struct weft_m_reviews {
    wf_records records;
    char *path;
};

/* ---- life ---- */

void weft_m_reviews_close(weft_m_reviews *it)
{
    if (it == NULL)
        return;
    wf_records_fini(&it->records);
    wf_free(it->path);
    wf_free(it);
}

struct reading {
    weft_bytes bytes;
    wf_records *out;
    char reason[WF_RECORD_REASON_BYTES];
};

static int read_body(void *arg)
{
    struct reading *it = arg;
    return wf_records_read(it->out, (const char *)it->bytes.ptr, it->bytes.len, it->reason);
}

/* Tens of thousands of records take a second: no loop stands still for them. */
static int load(const char *path, wf_records *out, weft_m_error *error)
{
    struct reading it = {.out = out};
    int rc = wf_whole_load(path, WF_RECORDS_BYTES_MAX, &it.bytes, error);
    if (rc < 0)
        return rc == -ENOENT ? 0 : rc;
    rc = wf_work_run(read_body, &it);
    weft_bytes_free(&it.bytes);
    if (rc == -WEFT_M_EPERSIST)
        return wf_m_fail(error, rc, "%.300s: no list of reviews: %s", path, it.reason);
    return rc < 0 ? wf_m_fail_plain(error, rc) : 0;
}

int weft_m_reviews_open(weft_m_reviews **out, const char *path, weft_m_error *error)
{
    weft_m_reviews *it = wf_alloc(sizeof(*it));
    size_t bytes = strlen(path) + 1;
    if (it != NULL)
        it->path = wf_array(bytes, 1);
    if (it == NULL || it->path == NULL) {
        weft_m_reviews_close(it);
        return wf_m_fail_plain(error, -ENOMEM);
    }
    memcpy(it->path, path, bytes);
    int rc = load(path, &it->records, error);
    if (rc < 0)
        weft_m_reviews_close(it);
    else
        *out = it;
    return rc;
}

const weft_m_review *weft_m_reviews_list(const weft_m_reviews *it, size_t *out_count)
{
    *out_count = it->records.count;
    return it->records.items;
}

const weft_m_review *weft_m_reviews_find(const weft_m_reviews *it, weft_str review_id)
{
    for (size_t i = 0; i < it->records.count; i++) {
        if (wf_str_equals(it->records.items[i].review_id, review_id))
            return &it->records.items[i];
    }
    return NULL;
}

struct writing {
    const wf_records *records;
    wf_buf buf;
};

/* One record a line: a change is one line for those who keep the file in a repository. */
static int write_body(void *arg)
{
    struct writing *it = arg;
    wf_buf *buf = &it->buf;
    wf_buf_puts(buf, "[");
    for (size_t i = 0; i < it->records->count; i++) {
        wf_json json = {.out = buf};
        wf_buf_puts(buf, i != 0 ? ",\n" : "\n");
        wf_record_write(&it->records->items[i], &json);
    }
    wf_buf_puts(buf, "\n]\n");
    return buf->rc;
}

static int save(const weft_m_reviews *it, weft_m_error *error)
{
    struct writing writing = {.records = &it->records};
    int rc = wf_work_run(write_body, &writing);
    const wf_buf *buf = &writing.buf;
    rc = rc < 0 ? wf_m_fail_plain(error, rc)
                : wf_whole_save(it->path, wf_buf_ptr(buf), wf_buf_bytes(buf), error);
    wf_buf_fini(&writing.buf);
    return rc;
}

/* A change is made to what the file has at that moment, and nobody else's comes between.  What was
 * read before lives on meanwhile: an id that was given may be of it. */
struct change {
    int lock;
    wf_records before;
};

static int change_begin(weft_m_reviews *it, struct change *out, weft_m_error *error)
{
    wf_records fresh = {0};
    int lock = wf_review_lock(it->path, error);
    if (lock < 0)
        return lock;
    int rc = load(it->path, &fresh, error);
    if (rc < 0) {
        wf_records_fini(&fresh);
        wf_review_unlock(lock);
        return rc;
    }
    *out = (struct change){lock, it->records};
    it->records = fresh;
    return 0;
}

static int change_end(struct change *change, int rc)
{
    wf_review_unlock(change->lock);
    wf_records_fini(&change->before);
    return rc;
}

static int64_t now(void)
{
    return wf_sys_wall() / WEFT_SEC;
}

/* ---- proposals ---- */

/* Cut between characters. */
static weft_str shortened(weft_str text)
{
    if (text.len <= EXAMPLE_BYTES_MAX)
        return text;
    text.len = EXAMPLE_BYTES_MAX;
    while (text.len > 0 && ((unsigned char)text.ptr[text.len] & 0xc0) == 0x80)
        text.len--;
    return text;
}

static bool copy_list(wf_arena *arena, const weft_str *texts, size_t count, const weft_str **out)
{
    weft_str *copies = wf_arena_array(arena, count, sizeof(*copies));
    bool has_all = copies != NULL;
    for (size_t i = 0; i < count && has_all; i++)
        has_all = wf_arena_copy(arena, texts[i], &copies[i]);
    *out = copies;
    return has_all;
}

static bool describe(wf_arena *arena, const weft_m_cluster *cluster, weft_m_review *out)
{
    wf_buf buf = {0};
    wf_buf_printf(&buf, "%zu texts", cluster->member_count);
    for (size_t i = 0; i < cluster->keyword_count; i++) {
        wf_buf_puts(&buf, i == 0 ? " about " : ", ");
        wf_buf_append(&buf, cluster->keywords[i].ptr, cluster->keywords[i].len);
    }
    weft_str text = {wf_buf_ptr(&buf), wf_buf_bytes(&buf)};
    bool is_copied = buf.rc == 0 && wf_arena_copy(arena, text, &out->description);
    wf_buf_fini(&buf);
    return is_copied;
}

static bool fill(wf_arena *arena, const weft_m_discovery *discovery, size_t index,
                 const weft_str *texts, weft_m_review *out)
{
    const weft_m_cluster *cluster = &discovery->clusters[index];
    weft_str examples[EXAMPLES_MAX] = {{0}}, id = weft_str_of(discovery->id);
    char name[64];
    size_t len = (size_t)snprintf(name, sizeof(name), "%s-%zu", discovery->id, index);
    *out = (weft_m_review){.proposal_index = index,
                           .confidence = cluster->cohesion < 0   ? 0
                                         : cluster->cohesion > 1 ? 1
                                                                 : cluster->cohesion,
                           .sample_count = cluster->member_count,
                           .keyword_count = cluster->keyword_count,
                           .created_at = now(),
                           .notes = {"", 0},
                           .provenance = WEFT_STR("weft: words of the cluster")};
    out->updated_at = out->created_at;
    for (; out->example_count < EXAMPLES_MAX && out->example_count < cluster->member_count;
         out->example_count++)
        examples[out->example_count] = shortened(texts[cluster->members[out->example_count]]);
    return wf_arena_copy(arena, (weft_str){name, len}, &out->review_id) &&
           wf_arena_copy(arena, id, &out->discovery_id) &&
           wf_arena_copy(arena, cluster->name, &out->name) && describe(arena, cluster, out) &&
           copy_list(arena, cluster->keywords, cluster->keyword_count, &out->keywords) &&
           copy_list(arena, examples, out->example_count, &out->examples);
}

static bool has_discovery(const weft_m_reviews *it, const weft_m_discovery *discovery)
{
    weft_str id = weft_str_of(discovery->id);
    for (size_t i = 0; i < it->records.count; i++) {
        if (wf_str_equals(it->records.items[i].discovery_id, id))
            return true;
    }
    return false;
}

static int add(weft_m_reviews *it, const weft_m_discovery *discovery, const weft_str *texts,
               weft_m_error *error)
{
    size_t before = it->records.count;
    int rc = 0;
    if (has_discovery(it, discovery))
        return 0;
    if (discovery->cluster_count > WF_RECORDS_MAX - before)
        return wf_m_fail_limit(error, "reviews", "records", WF_RECORDS_MAX,
                               before + discovery->cluster_count);
    for (size_t i = 0; i < discovery->cluster_count && rc == 0; i++) {
        rc = wf_records_reserve(&it->records);
        if (rc == 0 &&
            !fill(&it->records.arena, discovery, i, texts, &it->records.items[it->records.count]))
            rc = -ENOMEM;
        it->records.count += rc == 0;
    }
    rc = rc < 0 ? wf_m_fail_plain(error, rc) : save(it, error);
    if (rc < 0)
        it->records.count = before;
    return rc;
}

int weft_m_reviews_add(weft_m_reviews *it, const weft_m_discovery *discovery, const weft_str *texts,
                       weft_m_error *error)
{
    struct change change;
    int rc = change_begin(it, &change, error);
    return rc < 0 ? rc : change_end(&change, add(it, discovery, texts, error));
}

/* ---- decisions ---- */

static weft_m_review *find(weft_m_reviews *it, weft_str review_id, weft_m_error *error)
{
    weft_m_review *record = (weft_m_review *)weft_m_reviews_find(it, review_id);
    if (record == NULL) {
        wf_m_fail(error, -ENOENT, "no review %.*s", (int)(review_id.len < 80 ? review_id.len : 80),
                  review_id.ptr);
        wf_m_error_field(error, "review_id");
    }
    return record;
}

static int fail_transition(const weft_m_review *record, enum weft_m_review_state state,
                           weft_m_error *error)
{
    wf_m_fail(error, -WEFT_M_EVALID, "Invalid review state transition: %s -> %s",
              weft_m_review_state_name(record->state), weft_m_review_state_name(state));
    wf_m_error_field(error, "state");
    return -WEFT_M_EVALID;
}

static int keep(weft_m_reviews *it, weft_m_review *record, const weft_m_review *changed,
                weft_m_error *error)
{
    weft_m_review before = *record;
    *record = *changed;
    record->updated_at = now();
    int rc = save(it, error);
    if (rc < 0)
        *record = before;
    return rc;
}

static int take_notes(weft_m_reviews *it, weft_m_review *record, const char *notes,
                      weft_m_error *error)
{
    if (notes != NULL && strlen(notes) > WF_RECORD_TEXT_MAX)
        return wf_m_fail_limit(error, "notes", "bytes", WF_RECORD_TEXT_MAX, strlen(notes));
    if (notes != NULL && !wf_arena_copy(&it->records.arena, weft_str_of(notes), &record->notes))
        return wf_m_fail_plain(error, -ENOMEM);
    return 0;
}

static int decide(weft_m_reviews *it, weft_str review_id, enum weft_m_review_state state,
                  const char *notes, weft_m_error *error)
{
    weft_m_review *record = find(it, review_id, error);
    if (record == NULL)
        return -ENOENT;
    bool is_decision = state == WEFT_M_REVIEW_APPROVED || state == WEFT_M_REVIEW_REJECTED;
    if (record->state != WEFT_M_REVIEW_PENDING || !is_decision)
        return fail_transition(record, state, error);
    weft_m_review changed = *record;
    changed.state = state;
    changed.reviewed_at = now();
    int rc = take_notes(it, &changed, notes, error);
    return rc < 0 ? rc : keep(it, record, &changed, error);
}

int weft_m_reviews_decide(weft_m_reviews *it, weft_str review_id, enum weft_m_review_state state,
                          const char *notes, weft_m_error *error)
{
    struct change change;
    int rc = change_begin(it, &change, error);
    return rc < 0 ? rc : change_end(&change, decide(it, review_id, state, notes, error));
}

/* ---- promotion ---- */

static int add_entity(const weft_m_review *record, weft_matcher *matcher, weft_m_error *error)
{
    wf_buf extra = {0};
    wf_json json = {.out = &extra};
    wf_json_object(&json);
    wf_json_put_str(&json, "description", record->description);
    wf_json_put_strs(&json, "examples", record->examples, record->example_count);
    wf_json_object_end(&json);
    const weft_m_entity entity = {.id = record->name,
                                  .name = record->name,
                                  .extra = {wf_buf_ptr(&extra), wf_buf_bytes(&extra)}};
    int rc =
        extra.rc < 0 ? wf_m_fail_plain(error, extra.rc) : weft_m_add(matcher, &entity, 1, error);
    wf_buf_fini(&extra);
    return rc;
}

/* Two clusters may have one name; only one of them can be that entity. */
static int check_name(const weft_m_reviews *it, const weft_m_review *record, weft_m_error *error)
{
    for (size_t i = 0; i < it->records.count; i++) {
        const weft_m_review *other = &it->records.items[i];
        if (other->state != WEFT_M_REVIEW_PROMOTED || !wf_str_equals(other->name, record->name))
            continue;
        wf_m_fail(error, -WEFT_M_EVALID, "review %.*s has become this entity already",
                  (int)(other->review_id.len < 80 ? other->review_id.len : 80),
                  other->review_id.ptr);
        wf_m_error_field(error, "name");
        wf_m_error_suggest(error, "Reject it");
        return -WEFT_M_EVALID;
    }
    return 0;
}

/* Is the entity there already?  One of this id with another name was not made of this record, and
 * what the record is about would be found by nothing. */
static int find_entity(const weft_m_review *record, weft_matcher *matcher, bool *out_has,
                       weft_m_error *error)
{
    wf_catalogue *catalogue = wf_matcher_catalogue(matcher);
    uint32_t at = catalogue != NULL ? wf_catalogue_find(catalogue, record->name) : UINT32_MAX;
    bool has_other = at != UINT32_MAX && !wf_str_equals(catalogue->entities[at].name, record->name);
    int rc = has_other ? -WEFT_M_EVALID : 0;
    *out_has = at != UINT32_MAX;
    if (has_other) {
        wf_m_fail(error, rc, "the matcher's entity of this id has another name");
        wf_m_error_field(error, "name");
        wf_m_error_suggest(error, "Reject it, or give that entity another id");
    }
    wf_catalogue_unref(catalogue);
    return rc;
}

static int promote(weft_m_reviews *it, weft_str review_id, const char *notes, weft_matcher *matcher,
                   const char *save_path, weft_m_promotion *out, weft_m_error *error)
{
    weft_m_review *record = find(it, review_id, error);
    weft_m_info info = {.size = sizeof(info)};
    if (record == NULL)
        return -ENOENT;
    if (record->state != WEFT_M_REVIEW_PENDING && record->state != WEFT_M_REVIEW_APPROVED)
        return fail_transition(record, WEFT_M_REVIEW_PROMOTED, error);
    weft_m_review changed = *record;
    bool has_entity = false;
    int rc = check_name(it, record, error);
    if (rc == 0)
        rc = take_notes(it, &changed, notes, error);
    if (rc == 0)
        rc = find_entity(record, matcher, &has_entity, error);
    if (rc < 0)
        return rc;
    weft_m_promotion promotion = {.entities_added = !has_entity};
    rc = promotion.entities_added != 0 ? add_entity(record, matcher, error) : 0;
    if (rc == 0 && save_path != NULL)
        rc = weft_m_save(matcher, save_path, error);
    if (rc < 0)
        return rc;
    if (weft_m_info_get(matcher, &info) == 0) {
        promotion.index_updated = promotion.entities_added != 0 && info.active_mode != NULL;
        promotion.retrain_required = promotion.entities_added != 0 && info.example_count != 0;
    }
    changed.state = WEFT_M_REVIEW_PROMOTED;
    changed.promoted_at = now();
    if (changed.reviewed_at == 0)
        changed.reviewed_at = changed.promoted_at;
    rc = keep(it, record, &changed, error);
    if (rc == 0)
        *out = promotion;
    return rc;
}

int weft_m_reviews_promote(weft_m_reviews *it, weft_str review_id, const char *notes,
                           weft_matcher *matcher, const char *save_path, weft_m_promotion *out,
                           weft_m_error *error)
{
    struct change change;
    int rc = change_begin(it, &change, error);
    if (rc < 0)
        return rc;
    return change_end(&change, promote(it, review_id, notes, matcher, save_path, out, error));
}

/* ---- the end ---- */

static int drop(const char *path, weft_m_error *error)
{
    int rc = path != NULL ? weft_unlink(path) : 0;
    if (rc == 0 || rc == -ENOENT)
        return 0;
    return wf_m_fail(error, rc, "%.300s: %s", path, weft_strerror(rc));
}

struct removal {
    const char *path, *lock_name, *matcher_path;
    weft_m_error *error;
};

static int remove_body(void *arg)
{
    const struct removal *it = arg;
    struct stat info;
    int lock = -1, rc = 0;
    if (weft_stat(it->path, &info) == 0 || weft_stat(it->lock_name, &info) == 0)
        rc = lock = wf_review_lock(it->path, it->error);
    if (rc >= 0)
        rc = drop(it->path, it->error);
    if (rc == 0)
        rc = drop(it->matcher_path, it->error);
    if (rc == 0)
        rc = drop(it->lock_name, it->error); /* while it is held: who waits for it looks again */
    wf_review_unlock(lock);
    return rc;
}

int weft_m_reviews_remove(const char *path, const char *matcher_path, weft_m_error *error)
{
    const weft_config config = {.flags = WEFT_RUN_KEEP_SIGNALS};
    wf_buf name = {0};
    wf_buf_printf(&name, "%s.lock%c", path, '\0');
    struct removal it = {path, wf_buf_ptr(&name), matcher_path, error};
    int rc = name.rc < 0         ? wf_m_fail_plain(error, name.rc)
             : wf_work_is_task() ? remove_body(&it)
                                 : weft_run_with(&config, remove_body, &it);
    wf_buf_fini(&name);
    return rc;
}

int weft_m_review_json(const weft_m_review *review, weft_text *out)
{
    wf_buf buf = {0};
    wf_json json = {.out = &buf};
    wf_record_write(review, &json);
    return wf_m_json_end(&buf, out);
}

int weft_m_promotion_json(const weft_m_review *review, const weft_m_promotion *promotion,
                          weft_text *out)
{
    wf_buf buf = {0};
    wf_json json = {.out = &buf};
    wf_json_object(&json);
    wf_json_key(&json, "review_record");
    wf_record_write(review, &json);
    wf_json_put_uint(&json, "entities_added", promotion->entities_added);
    wf_json_put_bool(&json, "index_updated", promotion->index_updated);
    wf_json_put_bool(&json, "retrain_required", promotion->retrain_required);
    wf_json_object_end(&json);
    return wf_m_json_end(&buf, out);
}
