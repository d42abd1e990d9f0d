/* SPDX-License-Identifier: MIT */

/*
 * A store in a file: the same container as a matcher's (file/image.h), the vectors and the graph as
 * theirs, and for each row the lengths of its id and its tags and their text.
 */
#include "match/vec/vec_priv.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "match/error.h"
#include "match/file/whole.h"

#include <stdio.h>
#include <string.h>
#include <weft/error.h>

#define TAG_HEAD WF_TAG('V', 'E', 'C', 'S')
#define TAG_LENGTHS WF_TAG('V', 'L', 'E', 'N')
#define TAG_TEXT WF_TAG('V', 'T', 'E', 'X')

/* Rows packed or taken between two looks at the job. */
#define ROWS_A_POLL 1024u

struct head {
    uint64_t dim, count, ann_rows_min, seed;
    uint32_t kind, m, ef_construction, ef;
    uint32_t has_graph, zero;
};

/* ---- save ---- */

struct saving {
    weft_vec *store;
    wf_buf lengths, text;
};

static void put_text(struct saving *it, weft_str text)
{
    const uint32_t len = (uint32_t)text.len;
    wf_buf_append(&it->lengths, &len, sizeof(len));
    wf_buf_append(&it->text, text.ptr, text.len);
}

static int put_rows(struct saving *it, const wf_job *job)
{
    const wf_vec_rows *rows = &it->store->it;
    int rc = 0;
    for (size_t row = 0; row < rows->vectors.count && rc == 0; row++) {
        const wf_vec_row *from = rows->rows[row];
        const uint32_t tag_count = (uint32_t)from->tag_count;
        rc = row % ROWS_A_POLL == 0 ? wf_job_poll(job) : 0;
        wf_buf_append(&it->lengths, &tag_count, sizeof(tag_count));
        put_text(it, from->id);
        for (size_t i = 0; i < from->tag_count; i++) {
            put_text(it, from->tags[i].key);
            put_text(it, from->tags[i].value);
        }
    }
    if (rc == 0)
        rc = it->lengths.rc < 0 ? it->lengths.rc : it->text.rc;
    return rc;
}

static void pack_all(const struct saving *it, wf_pack *pack)
{
    const weft_vec *store = it->store;
    const struct head head = {.dim = store->dim,
                              .count = store->it.vectors.count,
                              .ann_rows_min = store->options.ann_rows_min,
                              .seed = store->options.seed,
                              .kind = store->kind,
                              .m = store->options.m,
                              .ef_construction = store->options.ef_construction,
                              .ef = store->options.ef,
                              .has_graph = store->it.has_graph};
    wf_pack_copy(pack, TAG_HEAD, &head, sizeof(head));
    wf_pack_add(pack, TAG_LENGTHS, wf_buf_ptr(&it->lengths), wf_buf_bytes(&it->lengths), 1);
    wf_pack_add(pack, TAG_TEXT, wf_buf_ptr(&it->text), wf_buf_bytes(&it->text), 1);
    wf_vectors_save(&store->it.vectors, pack);
    if (store->it.has_graph)
        wf_hnsw_save(&store->it.graph, pack);
}

/* Rows close up first: a file has no dead ones. */
int wf_vec_bytes(weft_vec *store, const wf_job *job, weft_bytes *out)
{
    struct saving it = {.store = store};
    wf_pack *pack = wf_alloc(sizeof(*pack));
    if (pack == NULL)
        return -ENOMEM;
    pack->job = *job;
    int rc = wf_vec_rows_close_up(store, /* whole= */ true, job);
    if (rc == 0)
        rc = put_rows(&it, job);
    if (rc == 0) {
        pack_all(&it, pack);
        rc = wf_pack_make(pack, out);
    }
    wf_pack_fini(pack);
    wf_free(pack);
    wf_buf_fini(&it.lengths);
    wf_buf_fini(&it.text);
    return rc;
}

struct writing {
    weft_vec *store;
    weft_bytes bytes;
};

static int make_bytes(void *arg)
{
    struct writing *it = arg;
    const wf_job job = {0};
    return wf_vec_bytes(it->store, &job, &it->bytes);
}

int weft_vec_save(weft_vec *store, const char *path, weft_m_error *error)
{
    struct writing it = {.store = store};
    int rc = wf_gate_enter(&store->gate, WF_GATE_EXCLUSIVE);
    if (rc == 0) {
        rc = wf_work_run(make_bytes, &it);
        wf_gate_leave(&store->gate, WF_GATE_EXCLUSIVE);
    }
    rc = rc < 0 ? wf_m_fail_plain(error, rc)
                : wf_whole_save(path, it.bytes.ptr, it.bytes.len, error);
    weft_bytes_free(&it.bytes);
    return rc;
}

/* ---- load ---- */

struct loading {
    const char *path;
    const weft_vec_options *given;
    weft_m_error *error;
    weft_vec *store;
    wf_image *image;
    struct head head;

    /* The rest of what rows are made from. */
    const uint32_t *lengths;
    const char *text;
    size_t length_count, text_count;
    char reason[WF_REASON_BYTES];
};

static bool take_length(struct loading *it, size_t *out)
{
    if (it->length_count == 0)
        return false;
    *out = *it->lengths++;
    it->length_count--;
    return true;
}

static bool take_text(struct loading *it, weft_str *out)
{
    if (!take_length(it, &out->len) || out->len > it->text_count ||
        out->len > it->store->options.id_bytes_max)
        return false;
    out->ptr = it->text;
    it->text += out->len;
    it->text_count -= out->len;
    return true;
}

static int take_tags(struct loading *it, weft_vec_tag *tags, size_t tag_count)
{
    for (size_t i = 0; i < tag_count; i++) {
        if (!take_text(it, &tags[i].key) || !take_text(it, &tags[i].value))
            return -WEFT_M_EPERSIST;
    }
    return 0;
}

/* The next row's id and tags. */
static int take_row(struct loading *it, wf_vec_row **out)
{
    size_t tag_count;
    weft_str id;
    if (!take_length(it, &tag_count) || tag_count > it->length_count || !take_text(it, &id) ||
        id.len == 0)
        return -WEFT_M_EPERSIST;
    weft_vec_tag *tags = wf_array(tag_count + 1, sizeof(*tags));
    if (tags == NULL)
        return -ENOMEM;
    int rc = take_tags(it, tags, tag_count);
    if (rc == 0) {
        *out = wf_vec_row_new(id, tags, tag_count);
        rc = *out != NULL ? 0 : -ENOMEM;
    }
    wf_free(tags);
    return rc;
}

/* Puts each row in as a caller would, but for the graph. */
static int take_rows(struct loading *it, const wf_job *job)
{
    weft_vec *store = it->store;
    wf_vectors vectors;
    int rc = wf_vectors_load(&vectors, it->image, store->dim, it->head.count);
    for (size_t row = 0; row < it->head.count && rc == 0; row++) {
        wf_vec_row *made = NULL;
        rc = row % ROWS_A_POLL == 0 ? wf_job_poll(job) : 0;
        if (rc == 0)
            rc = take_row(it, &made);
        if (rc == 0)
            rc = wf_vec_rows_put(store, &store->it, made, vectors.rows + row * vectors.float_width,
                                 job);
        if (rc < 0)
            wf_vec_row_unref(made);
        else
            wf_vectors_copy(&store->it.vectors, row, &vectors, row);
    }
    bool is_all = it->length_count == 0 && it->text_count == 0 &&
                  store->it.live_count == it->head.count; /* no id twice */
    return rc == 0 && !is_all ? -WEFT_M_EPERSIST : rc;
}

/* A copy of the graph, for one in a file cannot change. */
static int take_graph(struct loading *it, const wf_job *job)
{
    weft_vec *store = it->store;
    size_t count = it->head.count;
    wf_hnsw loaded = {0};
    uint32_t *number = wf_array(count, sizeof(*number));
    int rc = number != NULL ? wf_hnsw_load(&loaded, it->image, count) : -ENOMEM;
    if (rc == 0) {
        for (size_t row = 0; row < count; row++)
            number[row] = (uint32_t)row;
        wf_hnsw_move move = {.from = &loaded, .number = number};
        wf_hnsw_init(&store->it.graph, &loaded.options);
        rc = wf_hnsw_reserve(&store->it.graph, count);
        while (rc == 0 && !wf_hnsw_move_is_done(&move))
            rc = wf_hnsw_move_some(&move, &store->it.graph, &store->it.vectors, &store->desk, job);
    }
    store->it.has_graph = rc == 0;
    wf_hnsw_fini(&loaded);
    wf_free(number);
    return rc;
}

/* An empty store as the file's was. */
static int take_head(struct loading *it)
{
    static const char *const names[] = {"auto", "exact", "hnsw"};
    weft_vec_options options;
    struct head *head = &it->head;
    int rc = wf_image_get_one(it->image, TAG_HEAD, head, sizeof(*head));
    if (rc < 0 || head->kind >= sizeof(names) / sizeof(names[0]) || head->has_graph > 1)
        return -WEFT_M_EPERSIST;
    weft_vec_options_init(&options);
    if (it->given != NULL)
        memcpy(&options, it->given,
               it->given->size < sizeof(options) ? it->given->size : sizeof(options));
    if (head->count > options.count_max)
        return wf_m_fail_limit(it->error, it->path, "vectors", options.count_max, head->count);
    rc = wf_vec_check_quantization(options.quantization, it->error);
    if (rc < 0)
        return rc;
    if (options.quantization == NULL && !wf_vectors_are_quantized(it->image))
        options.quantization = "none";
    options.kind = names[head->kind];
    options.ann_rows_min = head->ann_rows_min;
    options.seed = head->seed;
    options.m = head->m;
    options.ef_construction = head->ef_construction;
    options.ef = head->ef;
    rc = weft_vec_new(&it->store, head->dim, &options, NULL);
    return rc == -WEFT_M_EVALID ? -WEFT_M_EPERSIST : rc;
}

static int load_image(struct loading *it, const wf_job *job)
{
    const void *lengths = NULL, *text = NULL;
    int rc = wf_image_check(it->image, job, it->reason);
    if (rc == 0)
        rc = take_head(it);
    if (rc == 0)
        rc = wf_image_get(it->image, TAG_LENGTHS, sizeof(uint32_t), &lengths, &it->length_count);
    if (rc == 0)
        rc = wf_image_get(it->image, TAG_TEXT, 1, &text, &it->text_count);
    it->lengths = lengths;
    it->text = text;
    if (rc == 0)
        rc = take_rows(it, job);
    if (rc == 0 && it->head.has_graph)
        rc = take_graph(it, job);
    return rc;
}

static int load_body(void *arg)
{
    struct loading *it = arg;
    const wf_job job = {0};
    int rc = it->image == NULL ? wf_image_open(&it->image, it->path) : 0;
    return rc < 0 ? rc : load_image(it, &job);
}

static int fail_load(const struct loading *it, int rc)
{
    if (rc == -WEFT_ELIMIT || rc == -WEFT_M_EVALID)
        return rc; /* the error is there */
    if (rc == -ECANCELED)
        return wf_m_fail_plain(it->error, rc);
    const char *why = it->reason[0] != '\0' ? it->reason : "its parts contradict each other";
    return wf_m_fail(it->error, rc, "%.300s: %s", it->path,
                     rc == -WEFT_M_EPERSIST ? why : weft_strerror(rc));
}

static int load(struct loading *it, weft_vec **out)
{
    int rc = wf_work_run(load_body, it);
    wf_image_unref(it->image);
    if (rc == 0) {
        *out = it->store;
        return 0;
    }
    weft_vec_free(it->store);
    return fail_load(it, rc);
}

int weft_vec_load(weft_vec **out, const char *path, const weft_vec_options *options,
                  weft_m_error *error)
{
    struct loading it = {.path = path, .given = options, .error = error};
    return load(&it, out);
}

int wf_vec_of_bytes(weft_vec **out, const void *bytes, size_t count, weft_m_error *error)
{
    struct loading it = {.path = "image", .error = error};
    int rc = wf_image_of(&it.image, bytes, count);
    return rc < 0 ? wf_m_fail_plain(error, rc) : load(&it, out);
}
