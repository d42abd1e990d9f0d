/* SPDX-License-Identifier: MIT */

/* Folder: the directory of a model, whose files are mapped, summed and blamed here. */
#ifndef WF_MATCH_FOLDER_H
#define WF_MATCH_FOLDER_H

#include "match/file/image.h"
#include "match/file/sha256.h"
#include "match/model/safetensors.h"
#include "match/tokenize/tokenizer.h"

#define WF_FOLDER_PATH_BYTES 1024u

typedef struct wf_folder {
    const char *path;
    wf_sha256 sum; /* of each file that was read, in the order in which they were read */
    wf_reason *reason;
} wf_folder;

/* `path` and `reason` are borrowed. */
wf_folder wf_folder_of(const char *path, wf_reason *reason);

/* Maps a file; `inner` is "" or a folder within with a '/' at its end.  0, -ENOENT: it has none,
 * -errno, -ENOMEM. */
int wf_folder_map(const wf_folder *folder, const char *inner, const char *name, wf_image **out);

/* Something of that name is there, be it readable or not. */
bool wf_folder_has(const wf_folder *folder, const char *inner, const char *name);

/* Makes a failure name the file: returns rc, or -WEFT_M_EMODEL in place of -ENOENT. */
int wf_folder_blame(const wf_folder *folder, const char *inner, const char *name, int rc);

/* The JSON of a file, summed.  The tape borrows the image; both are the caller's also on failure,
 * which is not blamed yet. */
int wf_folder_json(wf_folder *folder, const char *inner, const char *name, wf_tape *tape,
                   wf_image **out);

/* The two that every model has; blamed, summed. */
int wf_folder_tensors(wf_folder *folder, const char *inner, wf_tensors *out);
int wf_folder_tokenizer(wf_folder *folder, const char *inner, wf_tokenizer *out);

#endif
