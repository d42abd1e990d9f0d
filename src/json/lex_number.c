/* SPDX-License-Identifier: MIT */

#include "json/lex.h"

#include <langinfo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of one number, zeros and all, a digit of the limit: 0.000…1 may be long, not endless. */
#define BYTES_A_DIGIT 4
#define DIGIT_COUNT_CEILING 200

static bool is_digit(const wf_json_text *text, size_t at)
{
    return at < text->count && text->bytes[at] >= '0' && text->bytes[at] <= '9';
}

/* Digits from `at` on; counts those behind the number's leading zeros. */
static size_t skip_digits(const wf_json_text *text, size_t at, size_t *count)
{
    for (; is_digit(text, at); at++) {
        if (text->bytes[at] != '0' || *count != 0)
            *count += 1;
    }
    return at;
}

/* Checks the form; `at` goes behind the number. */
static int lex_form(wf_json_text *text, size_t *count, bool *is_integer)
{
    size_t at = text->at + (text->bytes[text->at] == '-');

    if (!is_digit(text, at))
        return wf_json_fail(text, -WEFT_ESYNTAX, at, "a digit is missing");
    if (text->bytes[at] == '0' && is_digit(text, at + 1))
        return wf_json_fail(text, -WEFT_ESYNTAX, at, "a number with a zero in front");
    at = skip_digits(text, at, count);
    *is_integer = true;
    if (at < text->count && text->bytes[at] == '.') {
        *is_integer = false;
        at++;
        if (!is_digit(text, at))
            return wf_json_fail(text, -WEFT_ESYNTAX, at, "a digit is missing behind the point");
        at = skip_digits(text, at, count);
    }
    if (at < text->count && (text->bytes[at] == 'e' || text->bytes[at] == 'E')) {
        *is_integer = false;
        at++;
        if (at < text->count && (text->bytes[at] == '+' || text->bytes[at] == '-'))
            at++;
        if (!is_digit(text, at))
            return wf_json_fail(text, -WEFT_ESYNTAX, at, "a digit is missing in the exponent");
        at = skip_digits(text, at, count);
    }
    text->at = at;
    return 0;
}

static bool read_integer(const char *digits, size_t count, int64_t *out)
{
    bool is_negative = digits[0] == '-';
    int64_t value = 0; /* kept negative: the range reaches one further down there */
    for (size_t i = is_negative; i < count; i++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, digits[i] - '0', &value))
            return false;
    }
    if (!is_negative && value == INT64_MIN)
        return false;
    *out = is_negative ? value : -value;
    return true;
}

/* strtod() is exact, but wants the point of the program's locale. */
static double read_double(const char *digits, size_t count)
{
    char text[BYTES_A_DIGIT * DIGIT_COUNT_CEILING + 16];
    const char *radix = nl_langinfo(RADIXCHAR), *point = memchr(digits, '.', count);
    size_t head = point == NULL ? count : (size_t)(point - digits), used = head;

    memcpy(text, digits, head);
    if (point != NULL) {
        size_t radix_bytes = strnlen(radix, 8);
        memcpy(text + used, radix, radix_bytes);
        used += radix_bytes;
        memcpy(text + used, point + 1, count - head - 1);
        used += count - head - 1;
    }
    text[used] = '\0';
    return strtod(text, NULL);
}

int wf_json_lex_number(wf_json_text *text, uint32_t digit_count_max, wf_json_number *out)
{
    size_t start = text->at, digit_count = 0;
    size_t limit = digit_count_max < DIGIT_COUNT_CEILING ? digit_count_max : DIGIT_COUNT_CEILING;

    int rc = lex_form(text, &digit_count, &out->is_integer);
    if (rc < 0)
        return rc;
    size_t bytes = text->at - start;
    if (digit_count > limit || bytes > BYTES_A_DIGIT * limit) {
        text->limit = limit;
        return wf_json_fail(text, -WEFT_ELIMIT, start, "a number with too many digits");
    }
    if (out->is_integer) {
        if (!read_integer(text->bytes + start, bytes, &out->integer))
            return wf_json_fail(text, -WEFT_ESYNTAX, start, "an integer beyond 64 bits");
        return 0;
    }
    out->real = read_double(text->bytes + start, bytes);
    if (!isfinite(out->real))
        return wf_json_fail(text, -WEFT_ESYNTAX, start, "a number beyond the range of a double");
    return 0;
}
