/* SPDX-License-Identifier: MIT */

#include "http/server/limits.h"

#include "base/sys.h"
#include "http/server/server.h"

#include <string.h>

#define KIB ((uint64_t)1024)
#define MIB (1024 * KIB)

static const struct {
    const char *name;
    const char *unit;
    uint16_t at, bytes; /* of weft_http_limits */
    uint64_t value;     /* the default; 0: found at run time */
} limit_table[] = {
#define LIMIT(name_, value_, unit_)                                                                \
    {                                                                                              \
#name_, (unit_), offsetof(weft_http_limits, name_),                                        \
            sizeof(((weft_http_limits *)0)->name_), (value_)                                       \
    }
    LIMIT(head_bytes_max, 64 * KIB, "bytes"),
    LIMIT(line_bytes_max, 8 * KIB, "bytes"),
    LIMIT(field_bytes_max, 16 * KIB, "bytes"),
    LIMIT(field_count_max, 100, ""),
    LIMIT(empty_line_count_max, 4, ""),
    LIMIT(query_count_max, 1000, ""),
    LIMIT(cookie_count_max, 100, ""),
    LIMIT(body_bytes_max, 8 * MIB, "bytes"),
    LIMIT(bodies_bytes_max, 256 * MIB, "bytes"),
    LIMIT(decoded_ratio_max, 200, ""),
    LIMIT(chunk_line_bytes_max, 256, "bytes"),
    LIMIT(extension_bytes_max, 16 * KIB, "bytes"),
    LIMIT(trailer_bytes_max, 8 * KIB, "bytes"),
    LIMIT(trailer_count_max, 32, ""),
    LIMIT(head_time_max, 10 * WEFT_SEC, "ns"),
    LIMIT(body_idle_max, 20 * WEFT_SEC, "ns"),
    LIMIT(body_grace, 10 * WEFT_SEC, "ns"),
    LIMIT(body_rate_min, KIB, "bytes/s"),
    LIMIT(keep_alive_max, 60 * WEFT_SEC, "ns"),
    LIMIT(write_idle_max, 30 * WEFT_SEC, "ns"),
    LIMIT(write_rate_min, KIB, "bytes/s"),
    LIMIT(handler_time_max, 60 * WEFT_SEC, "ns"),
    LIMIT(connection_age_max, 3600 * WEFT_SEC, "ns"),
    LIMIT(half_close_grace, 100 * WEFT_MS, "ns"),
    LIMIT(requests_per_connection_max, 10000, ""),
    LIMIT(connection_count_max, 0, ""),
    LIMIT(address_connections_max, 0, ""),
    LIMIT(in_hand_max, 64, ""),
    LIMIT(waiting_max, 1024, ""),
    LIMIT(queue_max, 256, ""),
    LIMIT(queue_time_max, 500 * WEFT_MS, "ns"),
    LIMIT(reserve, 8, ""),
    LIMIT(deferred_max, 1024, ""),
    LIMIT(h2_stream_count_max, 100, ""),
    LIMIT(h2_table_bytes_max, 4 * KIB, "bytes"),
    LIMIT(h2_stream_window, 64 * KIB, "bytes"),
    LIMIT(h2_window, MIB, "bytes"),
    LIMIT(h2_continuation_count_max, 8, ""),
    LIMIT(h2_reset_burst, 1000, ""),
    LIMIT(h2_reset_rate, 33, "/s"),
    LIMIT(h2_odd_burst, 1000, ""),
    LIMIT(h2_odd_rate, 100, "/s"),
    LIMIT(h2_control_count_max, 1000, ""),
#undef LIMIT
};
#define LIMIT_COUNT (sizeof limit_table / sizeof limit_table[0])

/* Fields are 4 or 8 bytes; no limit is negative. */
static uint64_t limit_get(const weft_http_limits *limits, size_t index)
{
    uint64_t wide;
    uint32_t narrow;
    const char *at = (const char *)limits + limit_table[index].at;
    if (limit_table[index].bytes == sizeof wide) {
        memcpy(&wide, at, sizeof wide);
        return wide;
    }
    memcpy(&narrow, at, sizeof narrow);
    return narrow;
}

static void limit_set(weft_http_limits *limits, size_t index, uint64_t value)
{
    char *at = (char *)limits + limit_table[index].at;
    uint32_t narrow = (uint32_t)value;
    if (limit_table[index].bytes == sizeof value)
        memcpy(at, &value, sizeof value);
    else
        memcpy(at, &narrow, sizeof narrow);
}

void wf_http_limits_fill(weft_http_limits *limits)
{
    for (size_t i = 0; i < LIMIT_COUNT; i++) {
        if (limit_get(limits, i) == 0)
            limit_set(limits, i, limit_table[i].value);
    }
    if (limits->connection_count_max == 0) {
        uint32_t descriptors = (uint32_t)wf_sys_fd_limit();
        limits->connection_count_max = descriptors - descriptors / 10;
    }
}

const char *weft_http_limit_at(const weft_http_server *server, size_t index, uint64_t *out_value,
                               const char **out_unit)
{
    if (index >= LIMIT_COUNT)
        return NULL;
    *out_value = limit_get(&server->limits, index);
    *out_unit = limit_table[index].unit;
    return limit_table[index].name;
}
