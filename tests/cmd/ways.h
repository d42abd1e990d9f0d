/* SPDX-License-Identifier: MIT */

/* Ways: one catalogue, asked through the library, the service and the program, whose answers are to
 * be the same bytes. */
#ifndef WF_TESTS_WAYS_H
#define WF_TESTS_WAYS_H

#include "served.h"

#include "base/json_write.h"

#include <weft/match.h>

#define PRODUCTS test_source("examples/data/products.csv")

struct ways {
    const char *catalogue; /* its path; borrowed */
    weft_matcher *matcher; /* the library's, fitted */
    struct service service;
    struct answer answer;
};

/* The service may be changed. */
void ways_begin(struct ways *ways, const char *catalogue);
void ways_end(struct ways *ways);

/* The service answers this call with 200 and `head`, `json`, which the library said, and `tail`. */
void ways_check_service(struct ways *ways, const char *line, const char *body, const char *head,
                        weft_str json, const char *tail);

/* The same without an end: times stand behind it. */
void ways_check_beginning(struct ways *ways, const char *line, const char *body, const char *head,
                          weft_str json, const char *tail);

/* The program, given these words behind `match` and standard input, writes these bytes. */
void ways_check_program(weft_str input, weft_str expected, const char *const *words);
#define WAYS_PROGRAM(input_, expected_, ...)                                                       \
    ways_check_program((input_), (expected_), (const char *const[]){"match", __VA_ARGS__, NULL})

/* Texts that somebody may think of: blank, with NUL, combining, right to left … */
#define WAYS_TEXT_COUNT 20
extern const weft_str ways_texts[WAYS_TEXT_COUNT];

/* A text each as a line of JSON: what the program reads.  The caller's. */
void ways_put_lines(wf_buf *out, const weft_str *texts, size_t count);

/* {"queries":[…] and `tail`, NUL-terminated: a body of the service. */
void ways_put_body(wf_buf *out, const weft_str *texts, size_t count, const char *tail);

/* What the library has said: the items with commas between them, as the service writes a list, and
 * a line each, as the program writes them.  Zero is empty. */
struct said {
    wf_buf list, lines;
};

/* weft_m_result_json() or a sibling. */
typedef int ways_put(const weft_m_results *results, size_t index, weft_text *out);

void ways_say(struct said *said, const weft_m_results *results, size_t count, ways_put *put);
void said_add(struct said *said, weft_text *json); /* frees it */
void said_fini(struct said *said);

weft_str ways_str(const wf_buf *buf);
weft_str ways_text(const weft_text *text);

#endif
