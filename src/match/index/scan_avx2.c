/* SPDX-License-Identifier: MIT */

/* Two registers hold the 16 sums; a tile is four rows of one query, or of three, and then one half
 * of the sums after the other. */
#include "match/index/scan_x86.h"

#include <immintrin.h>
#include <string.h>

#define ROWS_MAX ((size_t)4)
#define QUERIES_MAX ((size_t)3)

/* Rows that stay in the first cache while all queries pass. */
#define HELD_BYTES 16384u

struct sums {
    __m256 low, high;
};

static inline void step(struct sums *sums, __m256 low, __m256 high, const float *b)
{
    sums->low = _mm256_fmadd_ps(low, _mm256_loadu_ps(b), sums->low);
    sums->high = _mm256_fmadd_ps(high, _mm256_loadu_ps(b + 8), sums->high);
}

static inline float fold(const struct sums *sums)
{
    __m256 half = _mm256_add_ps(sums->low, sums->high);
    __m128 quarter = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
    __m128 two = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/* `count` products of one vector with those that stand `stride` apart. */
static inline __attribute__((always_inline)) void
dots(const float *a, const float *b, size_t stride, size_t count, size_t width, float *out)
{
    struct sums sums[4] = {{_mm256_setzero_ps(), _mm256_setzero_ps()},
                           {_mm256_setzero_ps(), _mm256_setzero_ps()},
                           {_mm256_setzero_ps(), _mm256_setzero_ps()},
                           {_mm256_setzero_ps(), _mm256_setzero_ps()}};
    for (size_t i = 0; i < width; i += WF_SCAN_FLOATS) {
        __m256 low = _mm256_loadu_ps(a + i), high = _mm256_loadu_ps(a + i + 8);
        for (size_t k = 0; k < count; k++)
            step(&sums[k], low, high, b + k * stride + i);
    }
    for (size_t k = 0; k < count; k++)
        out[k] = fold(&sums[k]);
}

/* Rows in fours for one query. */
static void one_query(const float *rows, size_t row_count, const float *query, size_t width,
                      float *out)
{
    size_t r = 0;
    for (; r + 4 <= row_count; r += 4)
        dots(query, rows + r * width, width, 4, width, out + r);
    for (; r < row_count; r++)
        dots(query, rows + r * width, width, 1, width, out + r);
}

/* The first or the last eight of the 16 sums of all products of a tile. */
static inline __attribute__((always_inline)) void half_sums(const float *rows, const float *queries,
                                                            size_t width,
                                                            __m256 sums[QUERIES_MAX][ROWS_MAX],
                                                            wf_scan_fetch *fetch)
{
    for (size_t q = 0; q < QUERIES_MAX; q++) {
        for (size_t r = 0; r < ROWS_MAX; r++)
            sums[q][r] = _mm256_setzero_ps();
    }
    for (size_t i = 0; i < width; i += WF_SCAN_FLOATS) {
        __m256 held[QUERIES_MAX];
        if (fetch != NULL && i % 64 == 0)
            wf_scan_fetch_some(fetch);
        for (size_t q = 0; q < QUERIES_MAX; q++)
            held[q] = _mm256_loadu_ps(queries + q * width + i);
        for (size_t r = 0; r < ROWS_MAX; r++) {
            __m256 row = _mm256_loadu_ps(rows + r * width + i);
            for (size_t q = 0; q < QUERIES_MAX; q++)
                sums[q][r] = _mm256_fmadd_ps(row, held[q], sums[q][r]);
        }
    }
}

static inline __m256 quarters(__m256 a, __m256 b)
{
    return _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
}

/* The same as fold() of each of four, both halves of whose sums are added up already. */
static inline __m128 fold_four(const __m256 halves[4])
{
    __m256 left = quarters(halves[0], halves[1]), right = quarters(halves[2], halves[3]);
    __m256 twos =
        _mm256_add_ps(_mm256_shuffle_ps(left, right, 0x44), _mm256_shuffle_ps(left, right, 0xEE));
    __m256 ones =
        _mm256_add_ps(_mm256_shuffle_ps(twos, twos, 0x88), _mm256_shuffle_ps(twos, twos, 0xDD));
    return _mm_unpacklo_ps(_mm256_castps256_ps128(ones), _mm256_extractf128_ps(ones, 1));
}

/* Twelve sums and what is multiplied fill the registers, so the other twelve come later. */
static void tile(const float *rows, const float *queries, size_t width, float *out,
                 size_t out_stride, wf_scan_fetch *fetch)
{
    __m256 low[QUERIES_MAX][ROWS_MAX], high[QUERIES_MAX][ROWS_MAX];
    half_sums(rows, queries, width, low, fetch);
    half_sums(rows + 8, queries + 8, width, high, NULL);
    for (size_t q = 0; q < QUERIES_MAX; q++) {
        for (size_t r = 0; r < ROWS_MAX; r++)
            high[q][r] = _mm256_add_ps(low[q][r], high[q][r]);
        _mm_storeu_ps(out + q * out_stride, fold_four(high[q]));
    }
}

/* At least four rows for three queries; the last tile may have some rows of the one before, again.
 */
static void band(const float *rows, size_t row_count, const float *queries, size_t width,
                 float *out, size_t out_stride, wf_scan_fetch *fetch)
{
    for (size_t r = 0; r + ROWS_MAX <= row_count; r += ROWS_MAX)
        tile(rows + r * width, queries, width, out + r, out_stride, fetch);
    if (row_count % ROWS_MAX != 0)
        tile(rows + (row_count - ROWS_MAX) * width, queries, width, out + row_count - ROWS_MAX,
             out_stride, fetch);
}

static size_t held_rows(size_t width)
{
    size_t rows = HELD_BYTES / (width * sizeof(float)) / ROWS_MAX * ROWS_MAX;
    return rows > ROWS_MAX ? rows : ROWS_MAX;
}

static void floats(const float *rows, size_t row_count, const float *queries, size_t query_count,
                   size_t width, float *out)
{
    size_t held = held_rows(width), lines = ROWS_MAX * QUERIES_MAX * 4 / query_count + 1;
    for (size_t r = 0, count; r < row_count; r += count) {
        size_t q = 0, left = row_count - r;
        count = left < held + ROWS_MAX ? left : held;
        const float *from = rows + r * width;
        /* behind them are the next, or nothing */
        wf_scan_fetch fetch = {(uintptr_t)(from + count * width), lines};
        for (; q + QUERIES_MAX <= query_count && count >= ROWS_MAX; q += QUERIES_MAX)
            band(from, count, queries + q * width, width, out + q * row_count + r, row_count,
                 &fetch);
        for (; q < query_count; q++)
            one_query(from, count, queries + q * width, width, out + q * row_count + r);
    }
}

static int32_t fold_int(__m256i sums)
{
    __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4E));
    return _mm_cvtsi128_si32(_mm_add_epi32(half, _mm_shuffle_epi32(half, 0xB1)));
}

/* Products with a row's own numbers, made of their amounts, which have no sign as the instruction
 * wants one side to be: two of 127 * 127 fit 16 bits. */
static inline __m256i products(const int8_t *row, const int8_t *query)
{
    __m256i numbers = _mm256_loadu_si256((const void *)row);
    __m256i with_sign = _mm256_sign_epi8(_mm256_loadu_si256((const void *)query), numbers);
    __m256i twos = _mm256_maddubs_epi16(_mm256_abs_epi8(numbers), with_sign);
    return _mm256_madd_epi16(twos, _mm256_set1_epi16(1));
}

static inline __m256i one_row(const int8_t *row, const int8_t *query, size_t width)
{
    __m256i a = _mm256_setzero_si256(), b = a;
    for (size_t i = 0; i < width; i += WF_SCAN_BYTES) {
        a = _mm256_add_epi32(a, products(row + i, query + i));
        b = _mm256_add_epi32(b, products(row + i + 32, query + i + 32));
    }
    return _mm256_add_epi32(a, b);
}

static inline __m256i widen(const int8_t *at)
{
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)at));
}

void wf_scan_avx2_bytes(const int8_t *rows, const int32_t *sums, size_t row_count,
                        const int8_t *query, size_t width, int32_t *out)
{
    (void)sums;
    for (size_t r = 0; r < row_count; r++)
        out[r] = fold_int(one_row(rows + r * width, query, width));
}

/* ---- tiles: a lane is a query, so nothing is added up across lanes ---- */

#define BLOCK_ROWS 4u

/* Twos of a query's numbers, each of two bytes: 16 queries are two registers. */
void wf_scan_avx2_pack(const int8_t *query, size_t width, size_t place, void *panel)
{
    int16_t *out = (int16_t *)panel + place * 2;
    for (size_t i = 0; i < width; i++)
        out[i / 2 * 32 + i % 2] = (int16_t)query[i];
}

static inline __m256i load(const void *at)
{
    return _mm256_loadu_si256(at);
}

static inline __m256i two_of(const int16_t *at)
{
    int32_t two;
    memcpy(&two, at, sizeof(two));
    return _mm256_set1_epi32(two);
}

static inline uint32_t mark(__m256i products, const float *scale, const float *levels)
{
    __m256 product = _mm256_mul_ps(_mm256_cvtepi32_ps(products), _mm256_broadcast_ss(scale));
    __m256 marks = _mm256_cmp_ps(product, _mm256_loadu_ps(levels), _CMP_GE_OQ);
    return (uint32_t)_mm256_movemask_ps(marks);
}

/* The products of some rows, a constant where this is called, with panel `p`; their marks are added
 * to those that are there. */
static inline __attribute__((always_inline)) void block(const wf_scan_tile *it, size_t first,
                                                        size_t row_count, size_t p)
{
    size_t width = it->width, places = wf_scan_places(it);
    const int8_t *rows = it->rows + first * width;
    const int16_t *panel = (const int16_t *)it->panels + p * WF_SCAN_PANEL * width;
    int16_t wide[BLOCK_ROWS][WF_SCAN_BYTES];
    __m256i sums[BLOCK_ROWS][2];
    for (size_t r = 0; r < row_count; r++)
        sums[r][0] = sums[r][1] = _mm256_setzero_si256();
    for (size_t i = 0; i < width; i += WF_SCAN_BYTES) {
        for (size_t r = 0; r < row_count; r++) {
            for (size_t k = 0; k < WF_SCAN_BYTES; k += 16)
                _mm256_storeu_si256((void *)(wide[r] + k), widen(rows + r * width + i + k));
        }
        for (size_t k = 0; k < WF_SCAN_BYTES; k += 2) {
            const int16_t *at = panel + (i + k) * WF_SCAN_PANEL;
            __m256i low = load(at), high = load(at + 16);
            for (size_t r = 0; r < row_count; r++) {
                __m256i two = two_of(wide[r] + k);
                sums[r][0] = _mm256_add_epi32(sums[r][0], _mm256_madd_epi16(low, two));
                sums[r][1] = _mm256_add_epi32(sums[r][1], _mm256_madd_epi16(high, two));
            }
        }
    }
    for (size_t r = 0; r < row_count; r++) {
        int32_t *out = it->products + (first + r) * places + p * WF_SCAN_PANEL;
        const float *scale = it->scales + first + r, *levels = it->levels + p * WF_SCAN_PANEL;
        _mm256_storeu_si256((void *)out, sums[r][0]);
        _mm256_storeu_si256((void *)(out + 8), sums[r][1]);
        uint64_t marks = mark(sums[r][0], scale, levels) | mark(sums[r][1], scale, levels + 8) << 8;
        it->marks[first + r] |= marks << p * WF_SCAN_PANEL;
    }
}

void wf_scan_avx2_tile(const wf_scan_tile *it)
{
    const char *ahead = it->ahead;
    size_t panel_count = wf_scan_panels(it), r = 0, fetched = 0;
    memset(it->marks, 0, it->row_count * sizeof(*it->marks));
    for (; r + BLOCK_ROWS <= it->row_count; r += BLOCK_ROWS) {
        size_t until = it->ahead_bytes * (r + BLOCK_ROWS) / it->row_count;
        for (; fetched < until; fetched += 64)
            _mm_prefetch(ahead + fetched, _MM_HINT_T1);
        for (size_t p = 0; p < panel_count; p++)
            block(it, r, BLOCK_ROWS, p);
    }
    for (; r < it->row_count; r++) {
        for (size_t p = 0; p < panel_count; p++)
            block(it, r, 1, p);
    }
}

const wf_scan_kernel wf_scan_avx2 = {"avx2", floats, wf_scan_avx2_bytes, wf_scan_avx2_pack,
                                     wf_scan_avx2_tile};
