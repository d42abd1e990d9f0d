/* SPDX-License-Identifier: MIT */

#include "match/model/folder.h"

#include "match/file/crc.h"

#include <stdio.h>

/* Bytes summed between two looks at whether to go on. */
#define SUM_BYTES ((size_t)4 << 20)

int wf_folder_map(const wf_folder *folder, const char *inner, const char *name, wf_image **out)
{
    char path[WF_FOLDER_PATH_BYTES];
    int len = snprintf(path, sizeof(path), "%s/%s%s", folder->path, inner, name);
    return len < (int)sizeof(path) ? wf_image_open(out, path) : -ENAMETOOLONG;
}

bool wf_folder_has(const wf_folder *folder, const char *inner, const char *name)
{
    wf_image *image;
    if (wf_folder_map(folder, inner, name, &image) < 0)
        return false;
    wf_image_unref(image);
    return true;
}

int wf_folder_blame(const wf_folder *folder, const char *inner, const char *name, int rc)
{
    wf_reason why = *folder->reason;
    if (rc == -WEFT_M_EMODEL)
        wf_reason_set(folder->reason, "%s%s: %.150s", inner, name, why.text);
    if (rc == -ENOENT)
        rc = wf_reason_set(folder->reason, "it has no %s%s", inner, name);
    return rc;
}

int wf_folder_json(const wf_folder *folder, const char *inner, const char *name, wf_tape *tape,
                   wf_image **out)
{
    *out = NULL;
    *tape = (wf_tape){0};
    int rc = wf_folder_map(folder, inner, name, out);
    if (rc < 0)
        return rc;
    return wf_tape_read(tape, (const char *)(*out)->bytes, (*out)->count, folder->reason);
}

static int sum_file(wf_folder *folder, const wf_image *image)
{
    const wf_job job = {0};
    for (size_t at = 0; at < image->count; at += SUM_BYTES) {
        size_t left = image->count - at;
        int rc = wf_job_poll(&job);
        if (rc < 0)
            return rc;
        folder->sum =
            wf_crc32c(folder->sum, image->bytes + at, left < SUM_BYTES ? left : SUM_BYTES);
    }
    return 0;
}

/* What other programs keep in the place of model.safetensors. */
static int no_tensors(const wf_folder *folder, const char *inner)
{
    if (wf_folder_has(folder, inner, "pytorch_model.bin"))
        return wf_reason_set(folder->reason,
                             "its numbers are in %spytorch_model.bin, a pickle, which is a program "
                             "and is not run: convert it to model.safetensors",
                             inner);
    if (wf_folder_has(folder, inner, "model.safetensors.index.json"))
        return wf_reason_set(folder->reason,
                             "its numbers are in several files "
                             "(%smodel.safetensors.index.json), which is not supported",
                             inner);
    return wf_folder_blame(folder, inner, "model.safetensors", -ENOENT);
}

int wf_folder_tensors(wf_folder *folder, const char *inner, wf_tensors *out)
{
    wf_image *image;
    int rc = wf_folder_map(folder, inner, "model.safetensors", &image);
    if (rc < 0)
        return rc == -ENOENT ? no_tensors(folder, inner) : rc;
    rc = wf_tensors_open(out, image, folder->reason);
    if (rc == 0)
        rc = sum_file(folder, image);
    wf_image_unref(image);
    return wf_folder_blame(folder, inner, "model.safetensors", rc);
}

int wf_folder_tokenizer(wf_folder *folder, const char *inner, wf_tokenizer *out)
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
