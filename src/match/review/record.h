/* SPDX-License-Identifier: MIT */

/*
 * Record: reviews as JSON and back.  A file may come from anybody: every key has its kind, every
 * list and text its limit, every state and time its form, and no id stands twice; what breaks a
 * rule is refused as a whole, with the number of its record.
 */
#ifndef WF_MATCH_RECORD_H
#define WF_MATCH_RECORD_H

#include "base/arena.h"
#include "base/json_write.h"

#include <weft/review.h>

#define WF_RECORDS_MAX 100000u
#define WF_RECORD_TEXT_MAX ((size_t)64 << 10)
#define WF_RECORD_LIST_MAX 1024u
#define WF_RECORDS_BYTES_MAX ((size_t)64 << 20)

typedef struct wf_records {
    wf_arena arena; /* of all texts; grows until the store is closed */
    weft_m_review *items;
    size_t count, capacity;
} wf_records;

void wf_records_fini(wf_records *records);

/* Room for one more.  0 or -ENOMEM. */
int wf_records_reserve(wf_records *records);

void wf_record_write(const weft_m_review *record, wf_json *json);

/* Reads a list into zeroed records.  0, -ENOMEM, or -WEFT_M_EPERSIST with a sentence without its
 * full stop. */
#define WF_RECORD_REASON_BYTES 320
int wf_records_read(wf_records *records, const char *text, size_t bytes,
                    char reason[WF_RECORD_REASON_BYTES]);

#endif
