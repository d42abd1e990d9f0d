/* SPDX-License-Identifier: MIT */

#include "match/model/place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Short names; that without the maker is one too.  What `why` says keeps a model from being read.
 */
static const struct alias {
    const char *alias, *name;
    enum wf_place_use use;
    const char *why;
} aliases[] = {
    {"potion-8m", "minishlab/potion-base-8M", WF_PLACE_ENCODER, NULL},
    {"potion-32m", "minishlab/potion-base-32M", WF_PLACE_ENCODER, NULL},
    {"mrl-multi", "sentence-transformers/static-similarity-mrl-multilingual-v1", WF_PLACE_ENCODER,
     NULL},
    {"minilm", "sentence-transformers/all-MiniLM-L6-v2", WF_PLACE_ENCODER, NULL},
    {"mpnet", "sentence-transformers/all-mpnet-base-v2", WF_PLACE_ENCODER, NULL},
    {"bge-base", "BAAI/bge-base-en-v1.5", WF_PLACE_ENCODER, NULL},
    {"bge-m3", "BAAI/bge-m3", WF_PLACE_ENCODER, NULL},
    {"mrl-en", "RikkaBotan/stable-static-embedding-fast-retrieval-mrl-en", WF_PLACE_ENCODER,
     "it needs a program of its makers, and none is run"},
    {"nomic", "nomic-ai/nomic-embed-text-v1", WF_PLACE_ENCODER,
     "it needs a program of its makers, and none is run"},
    {"deberta-v3", "microsoft/deberta-v3-base", WF_PLACE_ENCODER,
     "its architecture, deberta-v2, is not read here"},
    {"bge-m3", "BAAI/bge-reranker-v2-m3", WF_PLACE_RERANKER, NULL},
    {"bge-large", "BAAI/bge-reranker-large", WF_PLACE_RERANKER, NULL},
    {"ms-marco", "cross-encoder/ms-marco-MiniLM-L-6-v2", WF_PLACE_RERANKER, NULL},
};

static const struct alias *alias_of(const char *model, enum wf_place_use use)
{
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
        const char *name = aliases[i].name, *bare = strchr(name, '/') + 1;
        bool is_named = strcmp(aliases[i].alias, model) == 0 || strcmp(name, model) == 0 ||
                        strcmp(bare, model) == 0;
        if (is_named && aliases[i].use == use)
            return &aliases[i];
    }
    return NULL;
}

static bool is_model(const char *path)
{
    static const char *const names[] = {"model.safetensors", "config.json", "modules.json",
                                        "0_StaticEmbedding/model.safetensors"};
    const wf_folder folder = {.path = path};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (wf_folder_has(&folder, "", names[i]))
            return true;
    }
    return false;
}

struct search {
    const char *name;
    char *out;
    char places[160]; /* that were looked at, for people */
};

static bool try_place(struct search *it, const char *dir, size_t dir_bytes, const char *name)
{
    int len = snprintf(it->out, WF_FOLDER_PATH_BYTES, "%.*s/%s", (int)dir_bytes, dir, name);
    if (len >= (int)WF_FOLDER_PATH_BYTES)
        return false;
    size_t used = strlen(it->places);
    snprintf(it->places + used, sizeof(it->places) - used, "%s%s", used != 0 ? ", " : "", it->out);
    return is_model(it->out);
}

/* With the maker's name and without, in each directory. */
static bool search_path(struct search *it, const char *path)
{
    const char *slash = strrchr(it->name, '/');
    while (path != NULL && *path != '\0') {
        size_t bytes = strcspn(path, ":");
        if (bytes > 0 && (try_place(it, path, bytes, it->name) ||
                          (slash != NULL && try_place(it, path, bytes, slash + 1))))
            return true;
        path += bytes + (path[bytes] == ':');
    }
    return false;
}

static int take_as_is(const char *model, char out[WF_FOLDER_PATH_BYTES])
{
    return snprintf(out, WF_FOLDER_PATH_BYTES, "%s", model) < (int)WF_FOLDER_PATH_BYTES
               ? 0
               : -ENAMETOOLONG;
}

int wf_place_find(const char *model, enum wf_place_use use, const char *path,
                  char out[WF_FOLDER_PATH_BYTES], wf_reason *reason)
{
    const struct alias *alias = alias_of(model, use);
    struct search search = {.name = alias != NULL ? alias->name : model, .out = out};
    if (model[0] == '/' || model[0] == '.' || is_model(model))
        return take_as_is(model, out);
    if (alias != NULL && alias->why != NULL)
        return wf_reason_set(reason, "%s", alias->why);
    if (strstr(model, "..") == NULL && search_path(&search, path))
        return 0;
    if (search.places[0] == '\0')
        wf_reason_set(reason, "there is no such directory with a model, and WEFT_MODEL_PATH names "
                              "none to look in");
    else
        wf_reason_set(reason, "there is no such directory with a model, nor %s", search.places);
    return -ENOENT;
}

bool wf_place_is_empty(const char *model, enum wf_place_use use, const char *path)
{
    char out[WF_FOLDER_PATH_BYTES];
    wf_reason reason;
    int rc = wf_place_find(model, use, path, out, &reason);
    return rc == -ENOENT || (rc == 0 && !is_model(out));
}

const char *wf_place_path(void)
{
    return getenv("WEFT_MODEL_PATH");
}
