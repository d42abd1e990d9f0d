/* SPDX-License-Identifier: MIT */

#include "match/model/folder.h"

#include "base/alloc.h"
#include "match/tokenize/vocab_txt.h"

#include <stdio.h>
#include <string.h>
#include <weft/error.h>

/* Bytes summed between two looks at whether to go on. */
#define SUM_BYTES ((size_t)4 << 20)

wf_folder wf_folder_of(const char *path, wf_reason *reason)
{
    wf_folder folder = {.path = path, .reason = reason};
    wf_sha256_init(&folder.sum);
    return folder;
}

int wf_folder_map(const wf_folder *folder, const char *inner, const char *name, wf_image **out)
{
    char path[WF_FOLDER_PATH_BYTES];
    int len = snprintf(path, sizeof(path), "%s/%s%s", folder->path, inner, name);
    return len < (int)sizeof(path) ? wf_image_open(out, path) : -ENAMETOOLONG;
}

bool wf_folder_has(const wf_folder *folder, const char *inner, const char *name)
{
    wf_image *image;
    int rc = wf_folder_map(folder, inner, name, &image);
    if (rc == 0)
        wf_image_unref(image);
    return rc != -ENOENT && rc != -ENOTDIR && rc != -ENAMETOOLONG;
}

int wf_folder_blame(const wf_folder *folder, const char *inner, const char *name, int rc)
{
    wf_reason why = *folder->reason;
    if (rc == -WEFT_M_EMODEL)
        wf_reason_set(folder->reason, "%s%s: %.150s", inner, name, why.text);
    else if (rc == -ENOENT)
        rc = wf_reason_set(folder->reason, "it has no %s%s", inner, name);
    else if (rc < 0 && rc != -ENOMEM && rc != -ECANCELED)
        (void)wf_reason_set(folder->reason, "%s%s: %s", inner, name, weft_strerror(rc));
    return rc;
}

static int sum_file(wf_folder *folder, const wf_image *image)
{
    const wf_job job = {0};
    for (size_t at = 0; at < image->count; at += SUM_BYTES) {
        size_t left = image->count - at;
        int rc = wf_job_poll(&job);
        if (rc < 0)
            return rc;
        wf_sha256_add(&folder->sum, image->bytes + at, left < SUM_BYTES ? left : SUM_BYTES);
    }
    return 0;
}

int wf_folder_json(wf_folder *folder, const char *inner, const char *name, wf_tape *tape,
                   wf_image **out)
{
    *out = NULL;
    *tape = (wf_tape){0};
    int rc = wf_folder_map(folder, inner, name, out);
    if (rc == 0)
        rc = wf_tape_read(tape, (const char *)(*out)->bytes, (*out)->count, folder->reason);
    return rc < 0 ? rc : sum_file(folder, *out);
}

static int read_tensors(wf_folder *folder, const char *inner, const char *name, wf_tensors *out)
{
    wf_image *image;
    int rc = wf_folder_map(folder, inner, name, &image);
    if (rc == 0) {
        rc = wf_tensors_open(out, image, folder->reason);
        if (rc == 0)
            rc = sum_file(folder, image);
        wf_image_unref(image);
    }
    return wf_folder_blame(folder, inner, name, rc);
}

/* ---- tensors in several files ---- */

#define INDEX_NAME "model.safetensors.index.json"
#define SHARDS_MAX 256u
#define SHARD_NAME_BYTES 128u

struct shards {
    char names[SHARDS_MAX][SHARD_NAME_BYTES];
    size_t count;
};

/* A file of the folder: a plain name, which leads nowhere else. */
static bool is_shard_name(weft_str name)
{
    static const char end[] = ".safetensors";
    const size_t bytes = sizeof(end) - 1;
    return name.ptr != NULL && name.len > bytes && name.len < SHARD_NAME_BYTES &&
           name.ptr[0] != '.' && memchr(name.ptr, '/', name.len) == NULL &&
           memchr(name.ptr, '\0', name.len) == NULL &&
           memcmp(name.ptr + name.len - bytes, end, bytes) == 0;
}

static int take_shard(struct shards *shards, weft_str name, wf_reason *reason)
{
    if (!is_shard_name(name))
        return wf_reason_set(reason, "'%.*s' is no file of the model", wf_reason_shown(name),
                             name.ptr != NULL ? name.ptr : "");
    for (size_t i = 0; i < shards->count; i++) {
        if (strlen(shards->names[i]) == name.len &&
            memcmp(shards->names[i], name.ptr, name.len) == 0)
            return 0;
    }
    if (shards->count == SHARDS_MAX)
        return wf_reason_set(reason, "it names more than %u files", SHARDS_MAX);
    snprintf(shards->names[shards->count++], SHARD_NAME_BYTES, "%.*s", (int)name.len, name.ptr);
    return 0;
}

/* "weight_map": of each tensor the file. */
static int take_index(struct shards *shards, const wf_tape *tape, wf_reason *reason)
{
    uint32_t map = wf_tape_get(tape, 0, "weight_map");
    if (wf_tape_kind(tape, map) != WF_VALUE_OBJECT || wf_tape_count(tape, map) == 0)
        return wf_reason_set(reason, "it has no weight_map");
    int rc = 0;
    for (uint32_t key = wf_tape_first(tape, map); key != WF_NO_VALUE && rc == 0;) {
        uint32_t value = wf_tape_next(tape, map, key);
        rc = take_shard(shards, wf_tape_string(tape, value), reason);
        key = wf_tape_next(tape, map, value);
    }
    return rc;
}

static int read_index(wf_folder *folder, const char *inner, struct shards *shards)
{
    wf_tape tape;
    wf_image *image;
    int rc = wf_folder_json(folder, inner, INDEX_NAME, &tape, &image);
    if (rc == 0)
        rc = take_index(shards, &tape, folder->reason);
    wf_tape_fini(&tape);
    wf_image_unref(image);
    return wf_folder_blame(folder, inner, INDEX_NAME, rc);
}

static int read_shards(wf_folder *folder, const char *inner, wf_tensors *out)
{
    struct shards *shards = wf_alloc(sizeof(*shards));
    if (shards == NULL)
        return -ENOMEM;
    int rc = read_index(folder, inner, shards);
    wf_tensors *at = out;
    for (size_t i = 0; i < shards->count && rc == 0; i++) {
        if (i != 0) {
            at->more = wf_alloc(sizeof(*at));
            at = at->more;
        }
        rc = at != NULL ? read_tensors(folder, inner, shards->names[i], at) : -ENOMEM;
    }
    wf_free(shards);
    return rc;
}

int wf_folder_tensors(wf_folder *folder, const char *inner, wf_tensors *out)
{
    *out = (wf_tensors){0};
    if (wf_folder_has(folder, inner, "model.safetensors"))
        return read_tensors(folder, inner, "model.safetensors", out);
    if (wf_folder_has(folder, inner, INDEX_NAME))
        return read_shards(folder, inner, out);
    if (wf_folder_has(folder, inner, "pytorch_model.bin"))
        return wf_reason_set(folder->reason,
                             "its numbers are in %spytorch_model.bin, a pickle, which is a program "
                             "and is not run: convert it to model.safetensors",
                             inner);
    return wf_folder_blame(folder, inner, "model.safetensors", -ENOENT);
}

/* ---- the tokenizer ---- */

static int read_tokenizer_json(wf_folder *folder, const char *inner, wf_tokenizer *out)
{
    wf_image *image;
    int rc = wf_folder_map(folder, inner, "tokenizer.json", &image);
    if (rc == 0) {
        rc = wf_tokenizer_read(out, (const char *)image->bytes, image->count, folder->reason);
        if (rc == 0)
            rc = sum_file(folder, image);
        wf_image_unref(image);
    }
    return wf_folder_blame(folder, inner, "tokenizer.json", rc);
}

/* vocab.txt, whose settings `config` has. */
static int translate(wf_folder *folder, const char *inner, const wf_tape *config, wf_buf *out)
{
    wf_image *image;
    int rc = wf_folder_map(folder, inner, "vocab.txt", &image);
    if (rc == 0) {
        weft_str vocab = {(const char *)image->bytes, image->count};
        rc = wf_vocab_txt_write(vocab, config, out, folder->reason);
        if (rc == 0)
            rc = sum_file(folder, image);
        wf_image_unref(image);
    }
    return rc;
}

/* As BERT's older directories have it. */
static int read_vocab_txt(wf_folder *folder, const char *inner, wf_tokenizer *out)
{
    wf_tape config;
    wf_image *image;
    wf_buf json = {0};
    if (wf_folder_has(folder, inner, "added_tokens.json"))
        return wf_reason_set(folder->reason, "its %sadded_tokens.json needs a tokenizer.json",
                             inner);
    int rc = wf_folder_json(folder, inner, "tokenizer_config.json", &config, &image);
    bool is_config = rc == 0;
    if (rc == 0)
        rc = translate(folder, inner, &config, &json);
    if (rc == 0)
        rc = wf_tokenizer_read(out, wf_buf_ptr(&json), wf_buf_bytes(&json), folder->reason);
    wf_buf_fini(&json);
    wf_tape_fini(&config);
    wf_image_unref(image);
    return wf_folder_blame(folder, inner, is_config ? "vocab.txt" : "tokenizer_config.json", rc);
}

int wf_folder_tokenizer(wf_folder *folder, const char *inner, wf_tokenizer *out)
{
    bool is_old = !wf_folder_has(folder, inner, "tokenizer.json") &&
                  wf_folder_has(folder, inner, "vocab.txt");
    return is_old ? read_vocab_txt(folder, inner, out) : read_tokenizer_json(folder, inner, out);
}
