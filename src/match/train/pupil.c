/* SPDX-License-Identifier: MIT */

#include "match/train/pupil.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdbool.h>

void wf_pupil_fini(wf_pupil *pupil)
{
    wf_free(pupil->indexes);
    wf_free(pupil->values);
    wf_free(pupil->at);
    wf_free(pupil->texts);
    wf_free(pupil->met);
    wf_free(pupil->shares);
    wf_free(pupil->labels);
    wf_free(pupil->point);
    wf_free(pupil->row);
    wf_token_parts_fini(&pupil->parts);
    *pupil = (wf_pupil){0};
}

/* What was in it is gone. */
static void *renew(void *old, size_t count, size_t item_bytes)
{
    wf_free(old);
    return wf_array(count, item_bytes);
}

static bool renew_texts(wf_pupil *pupil, size_t count)
{
    pupil->texts = renew(pupil->texts, count, sizeof(*pupil->texts));
    pupil->met = renew(pupil->met, count, sizeof(*pupil->met));
    pupil->text_capacity = count;
    return pupil->texts != NULL && pupil->met != NULL;
}

static bool renew_labels(wf_pupil *pupil, size_t count)
{
    pupil->shares = renew(pupil->shares, count, sizeof(*pupil->shares));
    pupil->labels = renew(pupil->labels, count, sizeof(*pupil->labels));
    pupil->label_capacity = count;
    return pupil->shares != NULL && pupil->labels != NULL;
}

static bool renew_features(wf_pupil *pupil, size_t count)
{
    pupil->at = renew(pupil->at, count, sizeof(*pupil->at));
    pupil->feature_capacity = count;
    return pupil->at != NULL;
}

static bool renew_query(wf_pupil *pupil, size_t count)
{
    pupil->indexes = renew(pupil->indexes, count, sizeof(*pupil->indexes));
    pupil->values = renew(pupil->values, count, sizeof(*pupil->values));
    pupil->capacity = count;
    return pupil->indexes != NULL && pupil->values != NULL;
}

int wf_pupil_reserve(wf_pupil *pupil, size_t count, size_t features, size_t texts, size_t labels)
{
    bool has_all = true;
    if (count > pupil->capacity)
        has_all = renew_query(pupil, count + count / 2);
    if (has_all && features > pupil->feature_capacity)
        has_all = renew_features(pupil, features);
    if (has_all && texts > pupil->text_capacity)
        has_all = renew_texts(pupil, texts);
    if (has_all && labels > pupil->label_capacity)
        has_all = renew_labels(pupil, labels);
    if (has_all)
        return 0;
    wf_pupil_fini(pupil);
    return -ENOMEM;
}

int wf_pupil_reserve_point(wf_pupil *pupil, size_t dim)
{
    if (dim <= pupil->point_capacity)
        return 0;
    pupil->point = renew(pupil->point, dim, sizeof(*pupil->point));
    pupil->row = renew(pupil->row, dim, sizeof(*pupil->row));
    pupil->point_capacity = pupil->point != NULL && pupil->row != NULL ? dim : 0;
    return pupil->point_capacity != 0 ? 0 : -ENOMEM;
}
