/* SPDX-License-Identifier: MIT */

/*
 * Metrics: numbers as text for Prometheus and whatever reads its format (text exposition format
 * 0.0.4).
 *
 *     weft_metrics *metrics;
 *     WEFT_TRY(weft_metrics_new(&metrics));
 *     weft_metrics_family(metrics, WEFT_COUNTER, "mail_sent_total", "Mails that were delivered.");
 *     weft_metrics_value(metrics, WEFT_LABELS("list", name), (double)sent);
 *     weft_metrics_loop(metrics);
 *     rc = weft_metrics_get_text(metrics, &text);
 *
 * Errors are kept until the text is asked for, so no call before that needs a check.
 */
#ifndef WEFT_METRICS_H
#define WEFT_METRICS_H

#include <weft/stats.h>

WEFT_BEGIN_DECLS

typedef struct weft_metrics weft_metrics;

#define WEFT_METRICS_MEDIA_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum weft_metric_kind {
    WEFT_COUNTER, /* only rises; its name ends in _total */
    WEFT_GAUGE,
    WEFT_HISTOGRAM, /* of seconds; its name ends in _seconds */
};

/* Names and values of labels in turn, valid until the end of the call.  Values may hold anything.
 */
#ifndef __cplusplus
#define WEFT_LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})
#else /* which has no compound literals */
#define WEFT_LABELS(...) weft_labels_make_(__VA_ARGS__)
#endif

/* Makes an empty text in *out.  0, -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_metrics_new(weft_metrics **out);

/* Frees it, and the text it gave out.  NULL is fine. */
WEFT_API void weft_metrics_free(weft_metrics *metrics);

/* Begins a family, to which all values belong that are added from now on.  Each name once only. */
WEFT_API void weft_metrics_family(weft_metrics *metrics, enum weft_metric_kind kind,
                                  const char *name, const char *help);

/* Adds a value to a family of counters or gauges; `labels` may be NULL. */
WEFT_API void weft_metrics_value(weft_metrics *metrics, const char *const labels[], double value);

/* Adds a histogram, with buckets from 1.024 us to 17 s, each four times the one before. */
WEFT_API void weft_metrics_times(weft_metrics *metrics, const char *const labels[],
                                 const weft_histogram *histogram);

/* Add everything that is known of the calling thread's loop, or of several loops, by the snapshots
 * they have made (weft_run_snapshot_get). */
WEFT_API void weft_metrics_loop(weft_metrics *metrics);
WEFT_API void weft_metrics_loops(weft_metrics *metrics, const weft_run_snapshot *const loops[],
                                 size_t count);

/* Gives the text in *out, borrowed until the next call on `metrics`.  0; -ENOMEM if it is not
 * complete. */
WEFT_API WEFT_MUST_USE int weft_metrics_get_text(const weft_metrics *metrics, weft_str *out);

WEFT_END_DECLS

#ifdef __cplusplus
template <size_t Count> struct weft_labels_ {
    const char *texts[Count + 1];
    operator const char * const *() const
    {
        return texts;
    }
};
template <typename... Texts> weft_labels_<sizeof...(Texts)> weft_labels_make_(Texts... text)
{
    return {{text..., nullptr}};
}
#endif

#endif
