/* SPDX-License-Identifier: MIT */

/* modules.json and the configurations it leads to. */
#include "match/transformer/modules.h"

#include "base/str.h"

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
        if (wf_str_is(last_part(name), known[i].name)) {
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
    if (!wf_str_is(type, "Transformer"))
        return wf_reason_set(reason, "its first module, '%.*s', is no Transformer",
                             wf_reason_shown(type), type.ptr != NULL ? type.ptr : "");
    out->listed = wf_tape_count(tape, 0);
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
    return first != WF_NO_VALUE && wf_str_is(type_of(modules, first), "Transformer");
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

/* ---- what follows works on the text's vector ---- */

static int check_name(const wf_tape *tape, const char *key, wf_reason *reason)
{
    uint32_t at = wf_tape_get(tape, 0, key);
    enum wf_value_kind kind = wf_tape_kind(tape, at);
    if (kind == WF_VALUE_NONE || kind == WF_VALUE_NULL ||
        wf_tape_is(tape, at, "sentence_embedding"))
        return 0;
    return wf_reason_set(reason, "its %s is not 'sentence_embedding'", key);
}

static int check_names(const wf_tape *tape, wf_reason *reason)
{
    int rc = check_name(tape, "module_input_name", reason);
    return rc < 0 ? rc : check_name(tape, "module_output_name", reason);
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
    out->has_residual = wf_tape_bool(tape, wf_tape_get(tape, 0, "use_residual"), false);
    it->out->width = width;
    return check_names(tape, reason);
}

static int read_dense(struct reading *it, bool has_bias, size_t in, wf_module *out)
{
    wf_tensors tensors = {0};
    wf_reason *reason = it->folder->reason;
    size_t width = it->out->width;
    int rc = wf_folder_tensors(it->folder, it->inner, &tensors);
    if (rc == 0) {
        rc = wf_trunk_linear(&out->dense, &tensors, "linear", in, width, has_bias, reason);
        if (rc == 0 && out->has_residual && in != width)
            rc = wf_trunk_linear(&out->residual, &tensors, "residual", in, width,
                                 /* has_bias= */ false, reason);
        rc = wf_folder_blame(it->folder, it->inner, "model.safetensors", rc);
    }
    wf_tensors_fini(&tensors);
    return rc;
}

/* Its config.json need not be there: older versions write none. */
static int check_normalize(struct reading *it)
{
    wf_tape tape;
    wf_image *image;
    int rc = wf_folder_json(it->folder, it->inner, "config.json", &tape, &image);
    bool is_none = rc == -ENOENT;
    if (rc == 0)
        rc = check_names(&tape, it->folder->reason);
    wf_tape_fini(&tape);
    wf_image_unref(image);
    return is_none ? 0 : wf_folder_blame(it->folder, it->inner, "config.json", rc);
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
        rc = is_pooling ? wf_pooling_read(it->out, &tape, it->folder->reason)
                        : take_dense(it, &tape, module, &has_bias);
    rc = wf_folder_blame(it->folder, it->inner, "config.json", rc);
    wf_tape_fini(&tape);
    wf_image_unref(image);
    if (rc < 0 || is_pooling)
        return rc;
    it->out->count++; /* to be freed from now on */
    module->kind = WF_MODULE_DENSE;
    return read_dense(it, has_bias, in, module);
}

static int read_module(struct reading *it, const wf_tape *tape, uint32_t module, size_t index)
{
    wf_modules *out = it->out;
    weft_str type = type_of(tape, module);
    if (index == 0 || wf_str_is(type, "Dropout"))
        return 0; /* the body, and what is of training only */
    int rc = take_inner(tape, module, it->inner, it->folder->reason);
    if (rc < 0)
        return rc;
    bool is_pooling = wf_str_is(type, "Pooling"), is_dense = wf_str_is(type, "Dense");
    if (is_pooling == it->has_pooling || out->count == WF_MODULES_MAX)
        return wf_reason_set(it->folder->reason,
                             "its modules are not a Transformer, a Pooling and at most %u others",
                             WF_MODULES_MAX);
    it->has_pooling = true;
    if (is_pooling || is_dense)
        return read_configured(it, is_pooling);
    if (!wf_str_is(type, "Normalize"))
        return wf_reason_set(it->folder->reason, "its module '%.*s' is not known here",
                             wf_reason_shown(type), type.ptr != NULL ? type.ptr : "");
    out->items[out->count++].kind = WF_MODULE_NORMALIZE;
    return check_normalize(it);
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
        modules->pools[modules->pool_count++] = WF_POOL_MEAN;
        rc = 0;
    } else if (rc == 0)
        rc = read_list(&it, &tape);
    wf_tape_fini(&tape);
    wf_image_unref(image);
    return rc;
}

void wf_modules_fini(wf_modules *modules)
{
    for (size_t i = 0; i < modules->count; i++) {
        wf_linear_fini(&modules->items[i].dense);
        wf_linear_fini(&modules->items[i].residual);
    }
    *modules = (wf_modules){0};
}
