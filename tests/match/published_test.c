/* SPDX-License-Identifier: MIT */

/* A published model against the public implementation, where somebody has both: the directory in
 * $WEFT_MODEL_GOLDEN, as tools/golden-vectors writes it. */
#include "make.h"

#include <math.h>
#include <stdio.h>
#include <weft/encoder.h>

#define TEXT_BYTES 65536

static FILE *open_golden(const char *name)
{
    char path[1024];
    const char *folder = getenv("WEFT_MODEL_GOLDEN");
    if (folder == NULL)
        SKIP("no WEFT_MODEL_GOLDEN");
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    note("%s", path);
    CHECK(file != NULL);
    return file;
}

static weft_str read_line(FILE *file, char line[TEXT_BYTES])
{
    if (fgets(line, TEXT_BYTES, file) == NULL)
        return (weft_str){NULL, 0};
    line[strcspn(line, "\n")] = '\0';
    return str_of(line);
}

static double cosine(const float *a, const float *b, size_t dim)
{
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < dim; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return ab / sqrt(aa * bb);
}

TEST(published_model_has_the_vectors_of_the_public_implementation)
{
    static char line[TEXT_BYTES];
    FILE *model = open_golden("model.txt"), *texts = open_golden("texts.txt");
    FILE *vectors = open_golden("vectors.f32");
    weft_encoder *encoder;
    weft_m_error error = {0};
    double worst = 1;
    size_t count = 0;
    CHECK(read_line(model, line).ptr != NULL);
    int rc = weft_encoder_open(&encoder, line, NULL, &error);
    note("%s", error.message);
    CHECK_OK(rc);
    size_t dim = weft_encoder_dimension(encoder);
    float *ours = calloc(dim, sizeof(*ours)), *theirs = calloc(dim, sizeof(*theirs));
    for (weft_str text; (text = read_line(texts, line)).ptr != NULL; count++) {
        CHECK_EQ(fread(theirs, sizeof(*theirs), dim, vectors), dim);
        CHECK_OK(weft_encoder_encode(encoder, &text, 1, ours));
        double near = cosine(ours, theirs, dim);
        worst = near < worst ? near : worst;
    }
    note("%zu texts, the least cosine is 1 - %.3g", count, 1 - worst);
    CHECK(count > 0);
    CHECK(worst >= 0.9999);
    free(ours);
    free(theirs);
    weft_encoder_unref(encoder);
    fclose(model);
    fclose(texts);
    fclose(vectors);
}
