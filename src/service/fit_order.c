/* SPDX-License-Identifier: MIT */

#include "service/fit_order.h"

#include "service/make.h"

#include <weft/exec.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

struct example_asked {
    weft_str text;
    const weft_json *label;
};
struct options_asked {
    double head_c, weight_decay;
    int64_t seed, num_epochs, batch_size, num_iterations;
};
struct fit_asked {
    weft_items training_data; /* of struct example_asked */
    weft_str mode;
    struct options_asked options;
};

/* An id as it stands in the catalogue; null: none of the entities. */
static void check_label(weft_issues *issues, const char *path, const void *member)
{
    enum weft_json_kind kind = weft_json_kind(*(const weft_json *const *)member);
    if (kind != WEFT_JSON_STRING && kind != WEFT_JSON_INTEGER && kind != WEFT_JSON_NULL)
        weft_issue(issues, path, "must be an id or null, is %s", weft_json_kind_name(kind));
}

static const char label_json[] = "{\"description\":\"An entity's id; null: none of them.\","
                                 "\"type\":[\"string\",\"integer\",\"null\"]}";
static const weft_field example_fields[] = {
    {WEFT_FIELD_STRING(struct example_asked, text), .flags = WEFT_REQUIRED},
    {WEFT_FIELD_ANY(struct example_asked, label), .flags = WEFT_REQUIRED, .check = check_label,
     .raw_json = label_json},
};
static const weft_schema example_schema = {.name = "Example",
                                           .bytes = sizeof(struct example_asked),
                                           .fields = example_fields,
                                           .field_count = 2};
static const weft_field example_item = {.type = WEFT_TYPE_OBJECT, .schema = &example_schema};

/* What is not asked for is the library's: see read_options(). */
#define OPTIONS_PRESET                                                                             \
    {                                                                                              \
        .head_c = NAN, .weight_decay = NAN, .seed = 42                                             \
    }

static const struct options_asked option_preset = OPTIONS_PRESET;
static const weft_field option_fields[] = {
    {WEFT_FIELD_DOUBLE(struct options_asked, head_c), .interval = WEFT_INTERVAL(1e-6, 1e6),
     .about = "How closely a trained head follows its examples; 100."},
    {WEFT_FIELD_DOUBLE(struct options_asked, weight_decay), .interval = WEFT_INTERVAL(0, 1),
     .about = "Modes full and bert; 0.01."},
    {WEFT_FIELD_INTEGER(struct options_asked, seed), .range = WEFT_FROM(0),
     .about = "Modes full and bert: the same seed, the same answers; 42."},
    {WEFT_FIELD_INTEGER(struct options_asked, num_epochs), .range = WEFT_RANGE(0, 1000),
     .about = "Modes full and bert; 0: as many as the mode usually has."},
    {WEFT_FIELD_INTEGER(struct options_asked, batch_size), .range = WEFT_RANGE(0, 10000),
     .about = "Likewise."},
    {WEFT_FIELD_INTEGER(struct options_asked, num_iterations), .range = WEFT_RANGE(0, 100),
     .about = "Mode full, likewise."},
};
static const weft_schema option_schema = {
    .name = "FitOptions",
    .bytes = sizeof(struct options_asked),
    .fields = option_fields,
    .field_count = sizeof(option_fields) / sizeof(*option_fields),
    .preset = &option_preset,
};

static const weft_field fit_fields[] = {
    {WEFT_FIELD_ARRAY(struct fit_asked, training_data, &example_item), .flags = WEFT_NULLABLE,
     .range = WEFT_FROM(1), .about = "Texts and what they mean; without, as far as that goes."},
    {WEFT_FIELD_STRING(struct fit_asked, mode), .flags = WEFT_NULLABLE, .about = MAKE_ABOUT_MODE},
    {WEFT_FIELD_OBJECT(struct fit_asked, options, &option_schema)},
};
static const struct fit_asked fit_preset = {.options = OPTIONS_PRESET};
const weft_schema ask_fit = {.preset = &fit_preset,
                             .name = "Fit",
                             .bytes = sizeof(struct fit_asked),
                             .fields = fit_fields,
                             .field_count = sizeof(fit_fields) / sizeof(*fit_fields)};

int fit_order_check(const void *asked, weft_m_error *error)
{
    const struct fit_asked *fit = asked;
    return make_check_mode(fit->mode, "mode", error);
}

/* ---- copying ---- */

struct copying {
    struct job_order *order;
    const struct fit_asked *asked;
};

static bool copy_label(wf_arena *arena, const weft_json *label, weft_m_example *out)
{
    char digits[24];
    out->is_none = weft_json_kind(label) == WEFT_JSON_NULL;
    if (weft_json_kind(label) != WEFT_JSON_INTEGER)
        return wf_arena_copy(arena, weft_json_string(label), &out->label);
    int bytes = snprintf(digits, sizeof(digits), "%" PRId64, weft_json_integer(label));
    return wf_arena_copy(arena, (weft_str){digits, (size_t)bytes}, &out->label);
}

static void read_options(const struct options_asked *asked, weft_m_fit_options *out)
{
    weft_m_fit_options_init(out);
    if (!isnan(asked->head_c))
        out->head_c = asked->head_c;
    if (!isnan(asked->weight_decay))
        out->weight_decay = asked->weight_decay;
    out->seed = (uint64_t)asked->seed;
    out->num_epochs = (uint32_t)asked->num_epochs;
    out->batch_size = (uint32_t)asked->batch_size;
    out->num_iterations = (uint32_t)asked->num_iterations;
}

static int copy_body(void *arg)
{
    const struct copying *copying = arg;
    struct job_order *order = copying->order;
    const struct fit_asked *asked = copying->asked;
    const struct example_asked *from = asked->training_data.ptr;
    size_t count = asked->training_data.count;
    read_options(&asked->options, &order->fit.options);
    if (!wf_arena_copy(&order->arena, asked->mode, &order->fit.options.mode))
        return -ENOMEM;
    if (count == 0)
        return 0;
    weft_m_example *examples = wf_arena_array(&order->arena, count, sizeof(*examples));
    if (examples == NULL)
        return -ENOMEM;
    order->fit.examples = examples;
    for (; order->fit.example_count < count; order->fit.example_count++) {
        weft_m_example *to = &examples[order->fit.example_count];
        const struct example_asked *example = &from[order->fit.example_count];
        if (!wf_arena_copy(&order->arena, example->text, &to->text) ||
            !copy_label(&order->arena, example->label, to))
            return -ENOMEM;
    }
    return 0;
}

static int fit(const struct job_work *work)
{
    const struct job_order *order = work->order;
    weft_m_fit_options options = order->fit.options;
    options.progress = work->progress;
    options.progress_arg = work->progress_arg;
    return weft_m_fit(work->named->matcher, order->fit.examples, order->fit.example_count, &options,
                      work->error);
}

const struct job_kind fit_kind = {.name = "fit", .run = fit};

int fit_order_take(struct job_order *order, const void *asked)
{
    struct copying copying = {order, asked};
    *order = (struct job_order){.kind = &fit_kind};
    int rc = weft_run_cpu(copy_body, &copying);
    if (rc < 0)
        wf_arena_fini(&order->arena);
    return rc;
}
