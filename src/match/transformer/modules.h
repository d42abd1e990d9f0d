/* SPDX-License-Identifier: MIT */

/*
 * Modules: what a directory of sentence-transformers has its body followed by, from modules.json:
 * Pooling makes one vector of a text's rows, Dense is a linear with an activation, Normalize makes
 * the length 1.  A directory without modules.json has the body and the mean, as the public
 * implementation takes it.
 */
#ifndef WF_MATCH_MODULES_H
#define WF_MATCH_MODULES_H

#include "match/transformer/trunk.h"

#define WF_MODULES_MAX 8u
#define WF_POOLS_MAX 8u
#define WF_INNER_BYTES 64u

enum wf_pool {
    WF_POOL_CLS,
    WF_POOL_MAX,
    WF_POOL_MEAN,
    WF_POOL_MEAN_SQRT,
    WF_POOL_WEIGHTED, /* the i-th token i times */
    WF_POOL_LAST,
};

typedef struct wf_module {
    enum { WF_MODULE_DENSE, WF_MODULE_NORMALIZE } kind;
    wf_linear dense;
    enum wf_activation activation;
    bool has_residual;  /* what came in is added to what the activation makes ... */
    wf_linear residual; /* ... through this one if the widths differ; else it is zeroed */
} wf_module;

typedef struct wf_modules {
    char inner[WF_INNER_BYTES];       /* where the body is: "", or a folder with '/' */
    size_t listed;                    /* modules in modules.json; 0: there is none */
    enum wf_pool pools[WF_POOLS_MAX]; /* their vectors stand one behind the other */
    size_t pool_count;
    bool leaves_out_prompt; /* of the rows that are pooled, but for CLS and LAST */
    size_t prompt_tokens;   /* set by who knows the prompt, if it is left out */
    wf_module items[WF_MODULES_MAX];
    size_t count;
    size_t hidden, width, width_max; /* of the body; of the vectors at the end; of any between */
} wf_modules;

/* True if modules.json begins with a Transformer, or there is none and config.json is of a family
 * that is read here.  Or a failure. */
int wf_modules_are_there(wf_folder *folder);

/* First where the body is, then the rest, for a body with rows of `hidden`.  0, -ENOMEM, -errno,
 * -WEFT_M_EMODEL.  To be freed also on failure. */
int wf_modules_find_body(wf_modules *modules, wf_folder *folder);
int wf_modules_read(wf_modules *modules, wf_folder *folder, size_t hidden);
void wf_modules_fini(wf_modules *modules);

/* The config.json of a Pooling: the pools, and the width behind them.  0 or -WEFT_M_EMODEL. */
int wf_pooling_read(wf_modules *modules, const wf_tape *config, wf_reason *reason);

/* Memory of one thread.  Zeroed is ready. */
typedef struct wf_modules_memory {
    wf_floats vectors, spare, residual;
    size_t text_capacity;
} wf_modules_memory;

void wf_modules_memory_fini(wf_modules_memory *memory);

/* The first `dim` numbers of each text's vector, one text behind the other.  0, -ENOMEM, or what
 * the job is halted with. */
int wf_modules_run(const wf_modules *modules, const wf_kernel *kernel, const wf_pile *pile,
                   const wf_sheet *sheet, wf_modules_memory *memory, size_t dim, float *out,
                   const wf_job *job);

/* An activation by the name of its class in PyTorch, "torch.nn.modules.activation.Tanh"; false: not
 * known. */
bool wf_activation_of_class(weft_str name, enum wf_activation *out);

#endif
