/* SPDX-License-Identifier: MIT */

/* modules.json and the configurations it leads to. */
#include "match/transformer/modules.h"

#include <stdio.h>
#include <string.h>

#define DENSE_WIDTH_MAX 16384u

struct reading {
    wf_modules *out;
    wf_folder *folder;
    char inner[WF_INNER_BYTES]; /* of the module at hand */
    bool has_pooling;
};

/* ---- names ---- */

/* Behind the last '.'. */
static weft_str last_part(weft_str name)
{
    size_t at = name.len;
    while (at > 0 && name.ptr[at - 1] != '.')
        at--;
    return name.ptr != NULL ? (weft_str){name.ptr + at, name.len - at} : name;
}

static bool is_text(weft_str text, const char *word)
{
    return text.ptr != NULL && text.len == strlen(word) && memcmp(text.ptr, word, text.len) == 0;
}

bool wf_activation_of_class(weft_str name, enum wf_activation *out)
{
    static const struct {
        const char *name;
        enum wf_activation activation;
    } known[] = {
        {"Identity", WF_ACT_IDENTITY}, {"Tanh", WF_ACT_TANH},       {"ReLU", WF_ACT_RELU},
        {"GELU", WF_ACT_GELU},         {"Sigmoid", WF_ACT_SIGMOID},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (is_text(last_part(name), known[i].name)) {
            *out = known[i].activation;
            return true;
        }
    }
    return false;
}

/* A folder of the model: a plain name, which leads nowhere else. */
static int take_inner(const wf_tape *tape, uint32_t module, char out[WF_INNER_BYTES],
                      wf_reason *reason)
{
    weft_str path = wf_tape_string(tape, wf_tape_get(tape, module, "path"));
    bool is_good = path.ptr != NULL && path.len < WF_INNER_BYTES - 1;
    for (size_t i = 0; is_good && i < path.len; i++)
        is_good = path.ptr[i] != '/' && path.ptr[i] != '\0' && !(i == 0 && path.ptr[0] == '.');
    if (!is_good)
        return wf_reason_set(reason, "a module's path '%.*s' is no folder of the model",
                             wf_reason_shown(path), path.ptr != NULL ? path.ptr : "");
    snprintf(out, WF_INNER_BYTES, "%.*s%s", (int)path.len, path.ptr, path.len != 0 ? "/" : "");
    return 0;
}

static weft_str type_of(const wf_tape *tape, uint32_t module)
{
    return last_part(wf_tape_string(tape, wf_tape_get(tape, module, "type")));
}

/* ---- where the body is ---- */

static int find_in(const wf_tape *tape, wf_modules *out, wf_reason *reason)
{
    uint32_t first = wf_tape_first(tape, 0);
    weft_str type = first != WF_NO_VALUE ? type_of(tape, first) : (weft_str){NULL, 0};
    if (!is_text(type, "Transformer"))
        return wf_reason_set(reason, "its first module, '%.*s', is no Transformer",
                             wf_reason_shown(type), type.ptr != NULL ? type.ptr : "");
    return take_inner(tape, first, out->inner, reason);
}

int wf_modules_find_body(wf_modules *modules, wf_folder *folder)
{
    wf_tape tape;
    wf_image *image;
    *modules = (wf_modules){0};
    int rc = wf_folder_json(folder, "", "modules.json", &tape, &image);
    bool has_none = rc == -ENOENT;
    if (rc == 0)
        rc = find_in(&tape, modules, folder->reason);
    wf_tape_fini(&tape);
    wf_image_unref(image);
    return has_none ? 0 : wf_folder_blame(folder, "", "modules.json", rc);
}

static bool begins_with_body(const wf_tape *modules)
{
    uint32_t first = wf_tape_first(modules, 0);
    return first != WF_NO_VALUE && is_text(type_of(modules, first), "Transformer");
}

/* model2vec's have a model_type too, of its own. */
static bool is_of_transformer(const wf_tape *config)
{
    uint32_t type = wf_tape_get(config, 0, "model_type");
    return type != WF_NO_VALUE && !wf_tape_is(config, type, "model2vec");
}

/* What a file says, if it can be read; -ENOENT: it is not there. */
static int ask_file(wf_folder *folder, const char *name, bool (*ask)(const wf_tape *tape))
{
    wf_tape tape;
    wf_image *image;
    int rc = wf_folder_json(folder, "", name, &tape, &image);
    if (rc == 0)
        rc = ask(&tape);
    wf_tape_fini(&tape);
    wf_image_unref(image);
    return rc == -ENOENT ? rc : wf_folder_blame(folder, "", name, rc);
}

int wf_modules_are_there(wf_folder *folder)
{
    int rc = ask_file(folder, "modules.json", begins_with_body);
    if (rc == -ENOENT)
        rc = ask_file(folder, "config.json", is_of_transformer);
    return rc == -ENOENT ? false : rc;
}

/* ---- Pooling ---- */

static const struct {
    const char *key, *name;
    enum wf_pool pool;
} pools[] = {
    {"pooling_mode_cls_token", "cls", WF_POOL_CLS},
    {"pooling_mode_max_tokens", "max", WF_POOL_MAX},
    {"pooling_mode_mean_tokens", "mean", WF_POOL_MEAN},
    {"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", WF_POOL_MEAN_SQRT},
    {"pooling_mode_weightedmean_tokens", "weightedmean", WF_POOL_WEIGHTED},
    {"pooling_mode_lasttoken", "lasttoken", WF_POOL_LAST},
};

#define POOLS (sizeof(pools) / sizeof(pools[0]))

/* Every key of a way to pool is known, or the vectors would be others. */
static int check_pool_keys(const wf_tape *tape, wf_reason *reason)
{
    static const char start[] = "pooling_mode_";
    for (uint32_t key = wf_tape_first(tape, 0); key != WF_NO_VALUE;) {
        uint32_t value = wf_tape_next(tape, 0, key);
        weft_str text = wf_tape_string(tape, key);
        bool is_pool =
            text.len >= sizeof(start) - 1 && memcmp(text.ptr, start, sizeof(start) - 1) == 0;
        for (size_t i = 0; i < POOLS; i++)
            is_pool &= !is_text(text, pools[i].key);
        if (is_pool && wf_tape_bool(tape, value, false))
            return wf_reason_set(reason, "its '%.*s' is not known here", wf_reason_shown(text),
                                 text.ptr);
        key = wf_tape_next(tape, 0, value);
    }
    return 0;
}

/* "pooling_mode": "mean", as newer versions write it; several are "cls+mean". */
static unsigned named_pool(const wf_tape *tape)
{
    for (size_t i = 0; i < POOLS; i++) {
        if (wf_tape_is(tape, wf_tape_get(tape, 0, "pooling_mode"), pools[i].name))
            return pools[i].pool;
    }
    return 0;
}

static int take_pooling(struct reading *it, const wf_tape *tape)
{
    wf_modules *out = it->out;
    size_t width, count = 0;
    out->pools = named_pool(tape);
    for (size_t i = 0; i < POOLS; i++) {
        if (wf_tape_bool(tape, wf_tape_get(tape, 0, pools[i].key), false))
            out->pools |= pools[i].pool;
    }
    int rc = check_pool_keys(tape, it->folder->reason);
    if (rc < 0)
        return rc;
    out->leaves_out_prompt =
        !wf_tape_bool(tape, wf_tape_get(tape, 0, "include_prompt"), /* otherwise= */ true);
    if (out->pools == 0)
        return wf_reason_set(it->folder->reason, "no pooling_mode is set");
    uint32_t at = wf_tape_get(tape, 0, "word_embedding_dimension");
    if (at == WF_NO_VALUE)
        at = wf_tape_get(tape, 0, "embedding_dimension");
    if (!wf_tape_size(tape, at, &width) || width != out->hidden)
        return wf_reason_set(it->folder->reason,
                             "its word_embedding_dimension is not that of the model, %zu",
                             out->hidden);
    for (size_t i = 0; i < POOLS; i++)
        count += (out->pools & pools[i].pool) != 0;
    out->width = count * out->hidden;
    return 0;
}

/* ---- Dense ---- */

static int take_dense(struct reading *it, const wf_tape *tape, wf_module *out, bool *out_has_bias)
{
    size_t in, width;
    wf_reason *reason = it->folder->reason;
    if (!wf_tape_size(tape, wf_tape_get(tape, 0, "in_features"), &in) || in != it->out->width)
        return wf_reason_set(reason, "its in_features is not what comes in, %zu", it->out->width);
    if (!wf_tape_size(tape, wf_tape_get(tape, 0, "out_features"), &width) || width < 1 ||
        width > DENSE_WIDTH_MAX)
        return wf_reason_set(reason, "its out_features is no number from 1 to %u", DENSE_WIDTH_MAX);
    weft_str name = wf_tape_string(tape, wf_tape_get(tape, 0, "activation_function"));
    out->activation = WF_ACT_TANH; /* as the public implementation has it */
    if (name.ptr != NULL && !wf_activation_of_class(name, &out->activation))
        return wf_reason_set(reason, "its activation_function '%.*s' is not known here",
                             wf_reason_shown(name), name.ptr);
    *out_has_bias = wf_tape_bool(tape, wf_tape_get(tape, 0, "bias"), true);
    it->out->width = width;
    return 0;
}

static int read_dense(struct reading *it, bool has_bias, size_t in, wf_linear *out)
{
    wf_tensors tensors = {0};
    int rc = wf_folder_tensors(it->folder, it->inner, &tensors);
    if (rc == 0)
        rc = wf_folder_blame(it->folder, it->inner, "model.safetensors",
                             wf_trunk_linear(out, &tensors, "linear", in, it->out->width, has_bias,
                                             it->folder->reason));
    wf_tensors_fini(&tensors);
    return rc;
}

/* ---- all of them ---- */

/* Modules with a config.json of their own. */
static int read_configured(struct reading *it, bool is_pooling)
{
    wf_tape tape;
    wf_image *image;
    wf_module *module = &it->out->items[it->out->count];
    size_t in = it->out->width;
    bool has_bias = true;
    int rc = wf_folder_json(it->folder, it->inner, "config.json", &tape, &image);
    if (rc == 0)
        rc = is_pooling ? take_pooling(it, &tape) : take_dense(it, &tape, module, &has_bias);
    rc = wf_folder_blame(it->folder, it->inner, "config.json", rc);
    wf_tape_fini(&tape);
    wf_image_unref(image);
    if (rc < 0 || is_pooling)
        return rc;
    it->out->count++; /* to be freed from now on */
    module->kind = WF_MODULE_DENSE;
    return read_dense(it, has_bias, in, &module->dense);
}

static int read_module(struct reading *it, const wf_tape *tape, uint32_t module, size_t index)
{
    wf_modules *out = it->out;
    weft_str type = type_of(tape, module);
    if (index == 0 || is_text(type, "Dropout"))
        return 0; /* the body, and what is of training only */
    int rc = take_inner(tape, module, it->inner, it->folder->reason);
    if (rc < 0)
        return rc;
    bool is_pooling = is_text(type, "Pooling"), is_dense = is_text(type, "Dense");
    if (is_pooling == it->has_pooling || out->count == WF_MODULES_MAX)
        return wf_reason_set(it->folder->reason,
                             "its modules are not a Transformer, a Pooling and at most %u others",
                             WF_MODULES_MAX);
    it->has_pooling = true;
    if (is_pooling || is_dense)
        return read_configured(it, is_pooling);
    if (!is_text(type, "Normalize"))
        return wf_reason_set(it->folder->reason, "its module '%.*s' is not known here",
                             wf_reason_shown(type), type.ptr != NULL ? type.ptr : "");
    out->items[out->count++].kind = WF_MODULE_NORMALIZE;
    return 0;
}

static int read_list(struct reading *it, const wf_tape *tape)
{
    size_t index = 0;
    int rc = 0;
    for (uint32_t at = wf_tape_first(tape, 0); at != WF_NO_VALUE && rc == 0;
         at = wf_tape_next(tape, 0, at)) {
        rc = read_module(it, tape, at, index++);
        it->out->width_max =
            it->out->width > it->out->width_max ? it->out->width : it->out->width_max;
    }
    if (rc == 0 && !it->has_pooling)
        rc = wf_reason_set(it->folder->reason, "its modules have no Pooling");
    return rc;
}

int wf_modules_read(wf_modules *modules, wf_folder *folder, size_t hidden)
{
    struct reading it = {.out = modules, .folder = folder};
    wf_tape tape;
    wf_image *image;
    modules->hidden = modules->width = modules->width_max = hidden;
    int rc = wf_folder_json(folder, "", "modules.json", &tape, &image);
    if (rc == -ENOENT) {
        modules->pools = WF_POOL_MEAN;
        rc = 0;
    } else if (rc == 0)
        rc = read_list(&it, &tape);
    wf_tape_fini(&tape);
    wf_image_unref(image);
    return rc;
}

void wf_modules_fini(wf_modules *modules)
{
    for (size_t i = 0; i < modules->count; i++)
        wf_linear_fini(&modules->items[i].dense);
    *modules = (wf_modules){0};
}
