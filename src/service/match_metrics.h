/* SPDX-License-Identifier: MIT */

/* Match metrics: what matchers tell of themselves, and their measurements, for Prometheus. */
#ifndef WF_SERVICE_MATCH_METRICS_H
#define WF_SERVICE_MATCH_METRICS_H

#include "service/registry.h"

#include <weft/metrics.h>

/* Measurements of one name, of all matchers. */
struct measured {
    const char *name, *unit;
    uint64_t count;         /* atomic, like all below */
    uint64_t sum, min, max; /* the bits of doubles; min and max are of no meaning at count 0 */
};

#define MEASURED_MAX 16

struct measures {
    struct measured items[MEASURED_MAX];
};

/* Names that are not known here are dropped. */
void measures_init(struct measures *measures);

/* For weft_m_options: `measures` is the argument.  Any thread, without locks. */
void measures_take(const weft_m_metric *metric, void *measures);
void measures_add(struct measures *measures, const char *name, double value);

void measures_put(const struct measures *measures, weft_metrics *metrics);

/* The families of all matchers, each with its name as label.  0 or -ENOMEM. */
WEFT_WAITS int match_metrics_put(struct registry *registry, weft_metrics *metrics);

#endif
