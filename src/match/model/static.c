/* SPDX-License-Identifier: MIT */

/*
 * Static token embeddings: a text's vector is the mean of its tokens' vectors, which stand in one
 * table.  Two makers' directories are read: model2vec's (tensor "embeddings", perhaps "weights" and
 * "mapping") and StaticEmbedding's of sentence-transformers (tensor "embedding.weight", perhaps in
 * 0_StaticEmbedding/).  They differ in what they do with unknown tokens and long texts.
 */
#include "match/model/static.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/utf8.h"
#include "match/index/vectors.h"
#include "match/model/folder.h"
#include "match/model/prompt.h"
#include "match/model/spares.h"
#include "match/work.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* model2vec: tokens of one text, and what it cuts texts to before. */
#define TOKENS_MAX 512u

/* One thread's memory; spare ones wait in a list. */
struct desk {
    wf_spare kept; /* first: see wf_spares */
    wf_tokens tokens;
    float *row; /* full_dim */
};

struct model {
    wf_tokenizer tokenizer;
    wf_tensors tensors;
    const wf_tensor *table, *weights, *mapping; /* the last two may be NULL */
    const float *in_place;                      /* of the table; NULL: to be converted */
    size_t full_dim, dim, row_count;
    wf_prompt prompt;
    size_t chars_max;   /* of a text; SIZE_MAX: all */
    bool drops_unknown; /* and cuts to TOKENS_MAX */
    bool is_normalised;
    wf_spares desks;
};

/* ---- encoding ---- */

static void desk_free(wf_spare *spare)
{
    struct desk *desk = wf_container(spare, struct desk, kept);
    wf_tokens_fini(&desk->tokens);
    wf_free(desk->row);
    wf_free(desk);
}

static struct desk *desk_take(struct model *model)
{
    struct desk *desk = wf_spares_take(&model->desks);
    if (desk != NULL)
        return desk;
    desk = wf_alloc(sizeof(*desk));
    float *row = desk != NULL ? wf_array(model->full_dim, sizeof(*row)) : NULL;
    if (row == NULL) {
        wf_free(desk);
        return NULL;
    }
    desk->row = row;
    return desk;
}

static weft_str cut_chars(weft_str text, size_t chars_max)
{
    size_t at = 0;
    for (size_t chars = 0; at < text.len && chars < chars_max; chars++)
        wf_utf8_next(text.ptr, &at);
    return (weft_str){text.ptr, at};
}

static void add_token(const struct model *model, struct desk *desk, uint32_t id, float *out)
{
    size_t row = model->mapping != NULL ? (size_t)wf_tensor_integer(model->mapping, id) : id;
    const float *numbers = desk->row;
    float weight = 1;
    if (model->in_place != NULL)
        numbers = model->in_place + row * model->full_dim;
    else
        wf_tensor_floats(model->table, row * model->full_dim, model->dim, desk->row);
    if (model->weights != NULL)
        wf_tensor_floats(model->weights, id, 1, &weight);
    for (size_t i = 0; i < model->dim; i++)
        out[i] += numbers[i] * weight;
}

static void divide(float *out, size_t dim, float by)
{
    for (size_t i = 0; i < dim; i++)
        out[i] /= by;
}

/* The tokens of a text, its prompt before it. */
static int read_text(const struct model *model, weft_str text, wf_tokens *tokens)
{
    int rc = wf_prompt_put(&model->prompt, text, &tokens->prompted, &text);
    return rc < 0 ? rc : wf_tokenize(&model->tokenizer, cut_chars(text, model->chars_max), tokens);
}

static int encode_one(const struct model *model, struct desk *desk, weft_str text, float *out)
{
    size_t used = 0;
    memset(out, 0, model->dim * sizeof(*out));
    int rc = read_text(model, text, &desk->tokens);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < desk->tokens.count; i++) {
        uint32_t id = desk->tokens.ids[i];
        if (model->drops_unknown && (id == model->tokenizer.unknown_id || used == TOKENS_MAX))
            continue;
        add_token(model, desk, id, out);
        used++;
    }
    if (used > 0)
        divide(out, model->dim, (float)used);
    if (!model->is_normalised)
        return 0;
    float squares = 0;
    for (size_t i = 0; i < model->dim; i++)
        squares += out[i] * out[i];
    divide(out, model->dim, sqrtf(squares) + 1e-32f);
    return 0;
}

static int encode(void *self, const weft_str *texts, size_t count, float *out)
{
    struct model *model = self;
    struct desk *desk = desk_take(model);
    if (desk == NULL)
        return -ENOMEM;
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = encode_one(model, desk, texts[i], out + i * model->dim);
    wf_spares_give(&model->desks, &desk->kept);
    return rc;
}

static void model_close(void *self)
{
    struct model *model = self;
    wf_spares_fini(&model->desks, desk_free);
    wf_tokenizer_fini(&model->tokenizer);
    wf_tensors_fini(&model->tensors);
    wf_prompt_fini(&model->prompt);
    wf_free(model);
}

static const weft_encoder_class static_class = {
    .size = sizeof(weft_encoder_class),
    .kind = "static",
    .encode = encode,
    .close = model_close,
};

/* ---- training ---- */

bool wf_encoder_is_static(const weft_encoder *encoder)
{
    return encoder->cls == &static_class;
}

void wf_token_parts_fini(wf_token_parts *parts)
{
    wf_free(parts->ids);
    wf_free(parts->weights);
    *parts = (wf_token_parts){0};
}

static int reserve_parts(wf_token_parts *parts, size_t count)
{
    if (count <= parts->capacity)
        return 0;
    wf_token_parts_fini(parts);
    parts->ids = wf_array(count, sizeof(*parts->ids));
    parts->weights = wf_array(count, sizeof(*parts->weights));
    if (parts->ids == NULL || parts->weights == NULL) {
        wf_token_parts_fini(parts);
        return -ENOMEM;
    }
    parts->capacity = count;
    return 0;
}

/* As encode_one goes over them. */
static int take_parts(const struct model *model, const wf_tokens *tokens, wf_token_parts *out)
{
    int rc = reserve_parts(out, tokens->count + 1);
    out->count = 0;
    for (size_t i = 0; i < tokens->count && rc == 0; i++) {
        uint32_t id = tokens->ids[i];
        bool is_unknown = id == model->tokenizer.unknown_id;
        if (model->drops_unknown && (is_unknown || out->count == TOKENS_MAX))
            continue;
        float weight = 1;
        if (model->weights != NULL)
            wf_tensor_floats(model->weights, id, 1, &weight);
        out->ids[out->count] = id;
        out->weights[out->count++] = weight;
    }
    for (size_t i = 0; i < out->count; i++)
        out->weights[i] /= (float)out->count;
    return rc;
}

int wf_static_parts(const weft_encoder *encoder, weft_str text, wf_token_parts *out)
{
    struct model *model = encoder->self;
    struct desk *desk = desk_take(model);
    if (desk == NULL)
        return -ENOMEM;
    int rc = read_text(model, text, &desk->tokens);
    if (rc == 0)
        rc = take_parts(model, &desk->tokens, out);
    wf_spares_give(&model->desks, &desk->kept);
    return rc;
}

void wf_static_row(const weft_encoder *encoder, uint32_t token, float *out)
{
    const struct model *model = encoder->self;
    size_t row = model->mapping != NULL ? (size_t)wf_tensor_integer(model->mapping, token) : token;
    wf_tensor_floats(model->table, row * model->full_dim, model->dim, out);
}

/* ---- opening ---- */

struct opening {
    wf_folder folder;
    struct model *model;
    size_t dimension; /* asked for; 0: all */
};

/* A JSON file that need not be there. */
static int read_json(struct opening *opening, const char *name,
                     int (*take)(struct opening *opening, const wf_tape *tape))
{
    wf_image *image;
    wf_tape tape;
    int rc = wf_folder_json(&opening->folder, "", name, &tape, &image);
    bool is_none = rc == -ENOENT;
    if (rc == 0)
        rc = take(opening, &tape);
    wf_tape_fini(&tape);
    wf_image_unref(image);
    return is_none ? 0 : wf_folder_blame(&opening->folder, "", name, rc);
}

/* Of model2vec. */
static int take_config(struct opening *opening, const wf_tape *tape)
{
    enum wf_value_kind kind = wf_tape_kind(tape, wf_tape_get(tape, 0, "normalize"));
    if (wf_tape_kind(tape, 0) != WF_VALUE_OBJECT)
        return wf_reason_set(opening->folder.reason, "it is no object");
    if (kind != WF_VALUE_NONE && kind != WF_VALUE_NULL && kind != WF_VALUE_TRUE &&
        kind != WF_VALUE_FALSE)
        return wf_reason_set(opening->folder.reason, "its 'normalize' is neither true nor false");
    opening->model->is_normalised = wf_tape_bool(tape, wf_tape_get(tape, 0, "normalize"), false);
    return 0;
}

static bool ends_with(weft_str text, const char *end)
{
    size_t bytes = strlen(end);
    return text.ptr != NULL && text.len >= bytes &&
           memcmp(text.ptr + text.len - bytes, end, bytes) == 0;
}

/* modules.json of sentence-transformers: what comes behind the embedding. */
static int take_modules(struct opening *opening, const wf_tape *tape)
{
    for (uint32_t at = wf_tape_first(tape, 0); at != WF_NO_VALUE; at = wf_tape_next(tape, 0, at)) {
        weft_str type = wf_tape_string(tape, wf_tape_get(tape, at, "type"));
        if (ends_with(type, ".Normalize"))
            opening->model->is_normalised = true;
        else if (!ends_with(type, ".StaticEmbedding"))
            return wf_reason_set(opening->folder.reason,
                                 "its module '%.*s' is not read behind static embeddings",
                                 wf_reason_shown(type), type.ptr != NULL ? type.ptr : "");
    }
    return 0;
}

/* ---- what must fit ---- */

static int fail(const struct opening *opening, const char *what)
{
    return wf_reason_set(opening->folder.reason, "%s", what);
}

static int check_table(struct opening *opening)
{
    struct model *model = opening->model;
    const wf_tensor *table = model->table;
    if (table->dim_count != 2 || table->dtype == WF_DTYPE_OTHER || table->dims[1] == 0 ||
        table->dims[1] > WF_VECTOR_DIM_MAX)
        return fail(opening, "its table of embeddings is no table of numbers");
    model->row_count = table->dims[0];
    model->full_dim = table->dims[1];
    model->dim = opening->dimension != 0 ? opening->dimension : model->full_dim;
    model->in_place = wf_tensor_in_place(table);
    return model->dim <= model->full_dim
               ? 0
               : wf_reason_set(opening->folder.reason,
                               "its vectors have %zu numbers, fewer than the %zu asked for",
                               model->full_dim, model->dim);
}

/* Numbers looked at together, and between two looks at whether to go on. */
#define NUMBERS_A_TIME 256u
#define NUMBERS_A_PART ((size_t)1 << 18)

/* The file is read for its sum anyway. */
static int check_finite(struct opening *opening, const wf_tensor *tensor)
{
    const wf_job job = {0};
    float numbers[NUMBERS_A_TIME];
    for (size_t at = 0; tensor != NULL && at < tensor->count; at += NUMBERS_A_TIME) {
        size_t left = tensor->count - at, count = left < NUMBERS_A_TIME ? left : NUMBERS_A_TIME;
        int rc = at % NUMBERS_A_PART == 0 ? wf_job_poll(&job) : 0;
        if (rc < 0)
            return rc;
        bool is_finite = true;
        wf_tensor_floats(tensor, at, count, numbers);
        for (size_t i = 0; i < count; i++)
            is_finite &= isfinite(numbers[i]) != 0;
        if (!is_finite)
            return wf_reason_set(opening->folder.reason,
                                 "tensor '%.*s' has a number that is not finite",
                                 (int)tensor->name.len, tensor->name.ptr);
    }
    return 0;
}

/* Every id that the tokenizer can make has a row and a weight. */
static int check_ids(struct opening *opening)
{
    struct model *model = opening->model;
    size_t id_max = wf_tokenizer_id_max(&model->tokenizer);
    const wf_tensor *mapping = model->mapping, *weights = model->weights;
    if (weights != NULL && (weights->count <= id_max || weights->dtype == WF_DTYPE_OTHER))
        return wf_reason_set(opening->folder.reason,
                             "tensor 'weights' has %zu numbers, tokenizer.json ids up to %zu",
                             weights->count, id_max);
    if (mapping == NULL)
        return id_max < model->row_count
                   ? 0
                   : wf_reason_set(opening->folder.reason,
                                   "tensor '%.*s' has %zu rows, tokenizer.json ids up to %zu",
                                   (int)model->table->name.len, model->table->name.ptr,
                                   model->row_count, id_max);
    if (mapping->count <= id_max ||
        (mapping->dtype != WF_DTYPE_I64 && mapping->dtype != WF_DTYPE_I32))
        return fail(opening, "its mapping is no list of a number for each token");
    for (size_t i = 0; i < mapping->count; i++) {
        int64_t row = wf_tensor_integer(mapping, i);
        if (row < 0 || (uint64_t)row >= model->row_count)
            return fail(opening, "its mapping leads outside the embeddings");
    }
    return 0;
}

static int by_size(const void *a, const void *b)
{
    const size_t left = *(const size_t *)a, right = *(const size_t *)b;
    return left < right ? -1 : left > right;
}

static size_t count_chars(weft_str text)
{
    size_t chars = 0;
    for (size_t at = 0; at < text.len; chars++)
        wf_utf8_next(text.ptr, &at);
    return chars;
}

/* model2vec cuts a text to TOKENS_MAX tokens of the median length before it reads it. */
static int set_chars_max(struct model *model)
{
    const wf_vocab *vocab = &model->tokenizer.vocab;
    size_t count = 0, *lengths;
    lengths = wf_array(vocab->count + model->tokenizer.added_count + 1, sizeof(*lengths));
    if (lengths == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < vocab->count; i++)
        lengths[count++] = count_chars(wf_vocab_text(vocab, &vocab->tokens[i]));
    for (size_t i = 0; i < model->tokenizer.added_count; i++) {
        if (model->tokenizer.added[i].id > vocab->id_max)
            lengths[count++] = model->tokenizer.added[i].text.count;
    }
    qsort(lengths, count, sizeof(*lengths), by_size);
    size_t median = (lengths[(count - 1) / 2] + lengths[count / 2]) / 2;
    model->chars_max = TOKENS_MAX * median;
    wf_free(lengths);
    return 0;
}

/* Which of the two makers it is, and what that means. */
static int take_table(struct opening *opening)
{
    struct model *model = opening->model;
    model->chars_max = SIZE_MAX;
    model->table = wf_tensors_find(&model->tensors, "embeddings");
    model->drops_unknown = model->table != NULL;
    if (model->table == NULL)
        model->table = wf_tensors_find(&model->tensors, "embedding.weight");
    if (model->table == NULL)
        return fail(opening, "it has no static embeddings: no tensor 'embeddings' or "
                             "'embedding.weight'");
    int rc = check_table(opening);
    if (rc == 0 && !model->drops_unknown) {
        rc = read_json(opening, "modules.json", take_modules);
        return rc < 0 ? rc : wf_prompt_read(&model->prompt, &opening->folder);
    }
    if (rc < 0)
        return rc;
    model->weights = wf_tensors_find(&model->tensors, "weights");
    model->mapping = wf_tensors_find(&model->tensors, "mapping");
    rc = read_json(opening, "config.json", take_config);
    return rc < 0 ? rc : set_chars_max(model);
}

static int read_all(struct opening *opening)
{
    static const char below[] = "0_StaticEmbedding/";
    wf_folder *folder = &opening->folder;
    bool is_below = !wf_folder_has(folder, "", "model.safetensors") &&
                    wf_folder_has(folder, below, "model.safetensors");
    const char *inner = is_below ? below : "";
    int rc = wf_folder_tensors(folder, inner, &opening->model->tensors);
    if (rc == 0)
        rc = wf_folder_tokenizer(folder, inner, &opening->model->tokenizer);
    if (rc == 0)
        rc = take_table(opening);
    if (rc == 0)
        rc = check_ids(opening);
    if (rc == 0)
        rc = check_finite(opening, opening->model->table);
    return rc < 0 ? rc : check_finite(opening, opening->model->weights);
}

int wf_static_open(weft_encoder **out, const char *path, size_t dimension, wf_reason *reason)
{
    struct opening opening = {.folder = wf_folder_of(path, reason), .dimension = dimension};
    struct model *model = wf_alloc(sizeof(*model));
    if (model == NULL)
        return -ENOMEM;
    wf_spares_init(&model->desks);
    opening.model = model;
    int rc = read_all(&opening);
    if (rc < 0) {
        model_close(model);
        return rc;
    }
    rc = weft_encoder_new(out, &static_class, path, model->dim, model);
    if (rc == 0)
        wf_sha256_end(&opening.folder.sum, (*out)->sum);
    return rc;
}
