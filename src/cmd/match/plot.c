/* SPDX-License-Identifier: MIT */

#include "cmd/match/plot.h"

#include <math.h>
#include <stdio.h>

#define BINS 20
#define STEPS 50   /* of thresholds */
#define SIDE 300.0 /* of each of the three squares */
#define MARGIN 50.0

struct bins {
    double known[BINS], novel[BINS]; /* texts */
    double scores[BINS], rights[BINS];
};

static void fill(const struct measure *measure, struct bins *bins)
{
    for (size_t i = 0; i < measure->count; i++) {
        const struct measured *item = &measure->items[i];
        int bin = (int)(item->score * BINS);
        bin = bin < 0 ? 0 : bin < BINS ? bin : BINS - 1;
        bins->known[bin] += item->is_known;
        bins->novel[bin] += !item->is_known;
        bins->scores[bin] += (double)item->score;
        bins->rights[bin] += item->is_known && item->rank == 0;
    }
}

static void put_text(wf_buf *out, double x, double y, const char *anchor, const char *text)
{
    wf_buf_printf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor,
                  text);
}

static void put_frame(wf_buf *out, double left, const char *title, const char *below)
{
    wf_buf_printf(out,
                  "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"none\" "
                  "stroke=\"#888\"/>\n",
                  left, MARGIN, SIDE, SIDE);
    put_text(out, left + SIDE / 2, MARGIN - 12, "middle", title);
    put_text(out, left + SIDE / 2, MARGIN + SIDE + 34, "middle", below);
    for (int i = 0; i <= 4; i++) {
        char label[8];
        snprintf(label, sizeof(label), "%.2f", i / 4.0);
        put_text(out, left + SIDE * i / 4, MARGIN + SIDE + 16, "middle", label);
    }
}

/* What stands beside a frame. */
static void put_shares(wf_buf *out, double left)
{
    for (int i = 0; i <= 4; i++) {
        char label[8];
        snprintf(label, sizeof(label), "%.2f", i / 4.0);
        put_text(out, left - 6, MARGIN + SIDE - SIDE * i / 4 + 4, "end", label);
    }
}

/* A dot for each bin with texts, as large as they are many; on the diagonal all is well. */
static void put_calibration(wf_buf *out, const struct bins *bins, const struct measure *measure)
{
    const double left = MARGIN, bottom = MARGIN + SIDE;
    put_frame(out, left, "Share of right answers by score", "score");
    put_shares(out, left);
    wf_buf_printf(out,
                  "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#888\" "
                  "stroke-dasharray=\"4\"/>\n",
                  left, bottom, left + SIDE, MARGIN);
    for (int i = 0; i < BINS; i++) {
        double count = bins->known[i] + bins->novel[i];
        if (count == 0)
            continue;
        wf_buf_printf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"#2a6f97\"/>\n",
                      left + SIDE * bins->scores[i] / count,
                      bottom - SIDE * bins->rights[i] / count,
                      2 + 10 * sqrt(count / (double)measure->count));
    }
}

static void put_bar(wf_buf *out, double left, int bin, double from, double height,
                    const char *colour)
{
    wf_buf_printf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n",
                  left + SIDE * bin / BINS + 1, from, SIDE / BINS - 2, height, colour);
}

static double greatest_share(const struct bins *bins, double known, double novel)
{
    double most = 0;
    for (int i = 0; i < BINS; i++) {
        most = known > 0 ? fmax(most, bins->known[i] / known) : most;
        most = novel > 0 ? fmax(most, bins->novel[i] / novel) : most;
    }
    return most > 0 ? most : 1;
}

static void put_distribution(wf_buf *out, const struct bins *bins, const struct figures *figures)
{
    const double left = 2 * MARGIN + SIDE + 20, middle = MARGIN + SIDE / 2, half = SIDE / 2 - 8;
    double known = (double)figures->known_count, novel = (double)figures->count - known;
    double most = greatest_share(bins, known, novel);
    put_frame(out, left, "Scores of known (above) and novel texts (below)", "score");
    for (int i = 0; i < BINS; i++) {
        double up = known > 0 ? half * bins->known[i] / known / most : 0;
        double down = novel > 0 ? half * bins->novel[i] / novel / most : 0;
        put_bar(out, left, i, middle - up, up, "#2a6f97");
        put_bar(out, left, i, middle, down, "#c1440e");
    }
    wf_buf_printf(out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#888\"/>\n",
                  left, middle, left + SIDE, middle);
}

/* What a threshold leaves of the answers, and how right that is, in a line each. */
static void put_line(wf_buf *out, double left, const struct measure *measure, bool is_right,
                     const char *colour)
{
    wf_buf_printf(out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"",
                  colour);
    for (int i = 1; i <= STEPS; i++) {
        double threshold = (double)i / STEPS;
        struct coverage it = measure_coverage(measure, threshold);
        double value = is_right ? it.right : it.answered;
        if (!isnan(value))
            wf_buf_printf(out, "%.1f,%.1f ", left + SIDE * threshold, MARGIN + SIDE - SIDE * value);
    }
    wf_buf_puts(out, "\"/>\n");
}

static void put_coverage(wf_buf *out, const struct measure *measure)
{
    const double left = 3 * MARGIN + 2 * SIDE + 20;
    put_frame(out, left, "Texts answered (red), right of these (blue)", "threshold");
    put_shares(out, left);
    put_line(out, left, measure, /* is_right= */ false, "#c1440e");
    put_line(out, left, measure, /* is_right= */ true, "#2a6f97");
}

int plot_write(const struct measure *measure, const struct figures *figures, wf_buf *out)
{
    struct bins bins = {0};
    double width = 4 * MARGIN + 3 * SIDE + 20, height = 2 * MARGIN + SIDE + 20;
    char line[160];
    fill(measure, &bins);
    wf_buf_printf(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
                  "viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\" font-size=\"12\" "
                  "fill=\"#333\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
                  width, height, width, height);
    put_calibration(out, &bins, measure);
    put_distribution(out, &bins, figures);
    put_coverage(out, measure);
    snprintf(line, sizeof(line), "%zu texts, %zu novel; calibration error %.3f, AUROC %.3f",
             figures->count, figures->count - figures->known_count, figures->calibration,
             isnan(figures->auroc) ? 0 : figures->auroc);
    put_text(out, MARGIN, height - 16, "start", line);
    wf_buf_puts(out, "</svg>\n");
    return out->rc;
}
