/* SPDX-License-Identifier: MIT */

/* A safetensors file out of any bytes: refused with a reason in UTF-8, or every number of every
 * tensor can be read. */

#include "match/model/safetensors.h"

#include "base/utf8.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const wf_tensor *tensor)
{
    float number;
    for (size_t i = 0; i < tensor->count && tensor->dtype != WF_DTYPE_OTHER; i++)
        wf_tensor_floats(tensor, i, 1, &number);
    for (size_t i = 0; i < tensor->count; i++)
        (void)wf_tensor_integer(tensor, i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    wf_reason reason = {""};
    wf_tensors tensors;
    wf_image *image;
    if (wf_image_of(&image, data, size) < 0)
        return 0;
    int rc = wf_tensors_open(&tensors, image, &reason);
    assert(rc != -WEFT_M_EMODEL || reason.text[0] != '\0');
    assert(wf_utf8_is_valid(reason.text, strlen(reason.text)));
    for (size_t i = 0; i < tensors.count && rc == 0; i++) {
        assert(tensors.items[i].at + tensors.items[i].bytes <= image->bytes + image->count);
        read_all(&tensors.items[i]);
    }
    wf_tensors_fini(&tensors);
    wf_image_unref(image);
    return 0;
}
