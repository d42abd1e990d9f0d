/* SPDX-License-Identifier: MIT */

/* Fault plans as text: clauses with commas between, each a few words. */

#include "core/sim/sim_plan.h"

#include "base/names.h"
#include "core/sim/sim_name.h"

#include <weft/error.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLAN_WORD_BYTES 48

struct plan {
    weft_sim_options options;
    const char *at;             /* the rest of the text */
    char word[PLAN_WORD_BYTES]; /* the next word, "" at the end of a clause */
    char *why;
    size_t why_bytes;
};

static int plan_fail(struct plan *plan, const char *format, ...) WEFT_PRINTF(2, 3);

static int plan_fail(struct plan *plan, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(plan->why, plan->why_bytes, format, args);
    va_end(args);
    return -WEFT_ESYNTAX;
}

/* ---- words ---- */

static int plan_next(struct plan *plan)
{
    plan->at += strspn(plan->at, " \t\n");
    size_t bytes = strcspn(plan->at, " \t\n,");
    if (bytes >= sizeof plan->word)
        return plan_fail(plan, "a word of %zu bytes, the limit is %zu: %.20s…", bytes,
                         sizeof plan->word - 1, plan->at);
    memcpy(plan->word, plan->at, bytes);
    plan->word[bytes] = '\0';
    plan->at += bytes;
    return 0;
}

static bool plan_is(const struct plan *plan, const char *word)
{
    return strcmp(plan->word, word) == 0;
}

static int plan_value(struct plan *plan)
{
    char name[PLAN_WORD_BYTES];
    memcpy(name, plan->word, sizeof name);
    int rc = plan_next(plan);
    if (rc == 0 && plan->word[0] == '\0')
        rc = plan_fail(plan, "\"%s\" needs a value", name);
    return rc;
}

struct unit {
    const char *name;
    double factor;
};

static int plan_fail_unit(struct plan *plan, const struct unit *units)
{
    const char *names[8];
    char list[64];
    size_t count = 0;
    for (; units[count].name != NULL; count++)
        names[count] = units[count].name;
    wf_names_list(names, count, list, sizeof list);
    return plan_fail(plan, "\"%s\" needs a unit: one of %s", plan->word, list);
}

/* "20ms", "0.1%": a number and its unit. */
static int plan_number(struct plan *plan, const struct unit *units, double max, double *out)
{
    const struct unit *all = units;
    int rc = plan_value(plan);
    if (rc < 0)
        return rc;
    char *end = plan->word;
    double number = plan->word[0] >= '0' && plan->word[0] <= '9' ? strtod(plan->word, &end) : -1;
    for (; number >= 0 && units->name != NULL; units++) {
        if (strcmp(end, units->name) != 0)
            continue;
        *out = number * units->factor;
        return *out <= max ? 0 : plan_fail(plan, "\"%s\" is too much", plan->word);
    }
    if (number >= 0 && *end == '\0')
        return plan_fail_unit(plan, all);
    return plan_fail(plan, "\"%s\" is no such value", plan->word);
}

static int plan_time(struct plan *plan, weft_time *out)
{
    static const struct unit units[] = {{"us", 1e3},  {"ms", 1e6},   {"s", 1e9}, {"min", 60e9},
                                        {"h", 36e11}, {"d", 864e11}, {NULL, 0}};
    double number = 0;
    int rc = plan_number(plan, units, 9e18, &number);
    if (rc == 0)
        *out = (weft_time)number;
    return rc;
}

static int plan_bytes(struct plan *plan, double max, double *out)
{
    static const struct unit units[] = {
        {"", 1},       {"B", 1},         {"KB", 1e3},         {"MB", 1e6}, {"GB", 1e9},
        {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}, {NULL, 0}};
    return plan_number(plan, units, max, out);
}

/* ---- settings ---- */

enum setting_kind { SETTING_PPM, SETTING_TIME, SETTING_BYTES32, SETTING_BYTES64, SETTING_COUNT };

static const struct setting {
    const char *name;
    uint8_t kind; /* enum setting_kind */
    uint16_t offset;
} settings[] = {
    {"delay", SETTING_TIME, offsetof(weft_sim_options, delay_max)},
    {"blocking", SETTING_TIME, offsetof(weft_sim_options, blocking_max)},
    {"short", SETTING_PPM, offsetof(weft_sim_options, short_ppm)},
    {"wait", SETTING_PPM, offsetof(weft_sim_options, wait_ppm)},
    {"slow", SETTING_PPM, offsetof(weft_sim_options, slow_ppm)},
    {"reset", SETTING_PPM, offsetof(weft_sim_options, reset_ppm)},
    {"lost", SETTING_PPM, offsetof(weft_sim_options, lost_ppm)},
    {"doubled", SETTING_PPM, offsetof(weft_sim_options, double_ppm)},
    {"memory-errors", SETTING_PPM, offsetof(weft_sim_options, memory_error_ppm)},
    {"disk-errors", SETTING_PPM, offsetof(weft_sim_options, disk_error_ppm)},
    {"buffer", SETTING_BYTES32, offsetof(weft_sim_options, buffer_bytes)},
    {"disk", SETTING_BYTES64, offsetof(weft_sim_options, disk_bytes)},
    {"chances", SETTING_COUNT, offsetof(weft_sim_options, chance_max)},
};

/* "0.1%", or "none". */
static int plan_ppm(struct plan *plan, uint32_t *out)
{
    static const struct unit units[] = {{"%", 10000}, {"ppm", 1}, {NULL, 0}};
    double number = 0;
    int rc = plan_number(plan, units, 1e6, &number);
    if (rc == 0)
        *out = number < 1 ? WEFT_SIM_NEVER : (uint32_t)number;
    return rc;
}

static int setting_read(struct plan *plan, const struct setting *setting)
{
    void *field = (char *)&plan->options + setting->offset;
    double bytes = 0;
    int rc;
    switch (setting->kind) {
    case SETTING_PPM:
        return plan_ppm(plan, field);
    case SETTING_TIME:
        rc = plan_time(plan, field);
        if (rc == 0 && *(weft_time *)field == 0)
            *(weft_time *)field = -1;
        return rc;
    case SETTING_BYTES32:
        rc = plan_bytes(plan, 1 << 30, &bytes);
        *(uint32_t *)field = (uint32_t)bytes;
        return rc;
    default:
        rc = plan_bytes(plan, 1e15, &bytes);
        *(uint64_t *)field = (uint64_t)bytes;
        return rc;
    }
}

/* "NAME none" is as "NAME 0" with its unit. */
static bool setting_is_none(struct plan *plan, const struct setting *setting)
{
    struct plan ahead = *plan;
    if (setting->kind > SETTING_TIME || plan_next(&ahead) < 0 || !plan_is(&ahead, "none"))
        return false;
    plan->at = ahead.at;
    void *field = (char *)&plan->options + setting->offset;
    if (setting->kind == SETTING_PPM)
        *(uint32_t *)field = WEFT_SIM_NEVER;
    else
        *(weft_time *)field = -1;
    return true;
}

/* ---- faults ---- */

static int fault_add(struct plan *plan, int kind, weft_sim_fault **out)
{
    for (size_t i = 0; i < WEFT_SIM_FAULTS_MAX; i++) {
        if (plan->options.faults[i].kind != WEFT_SIM_NOTHING)
            continue;
        *out = &plan->options.faults[i];
        **out = (weft_sim_fault){.kind = kind};
        return 0;
    }
    return plan_fail(plan, "more than %d faults", WEFT_SIM_FAULTS_MAX);
}

static int fault_host(struct plan *plan, char out[WEFT_SIM_HOST_BYTES])
{
    struct sim_addr addr;
    if (strlen(plan->word) >= WEFT_SIM_HOST_BYTES || wf_sim_addr_parse_host(plan->word, &addr) < 0)
        return plan_fail(plan, "\"%s\" is no address of a host", plan->word);
    memcpy(out, plan->word, strlen(plan->word) + 1);
    return 0;
}

/* "after 2s", "from 10.0.0.2" … up to the end of the clause. */
static int fault_clause(struct plan *plan, weft_sim_fault *fault)
{
    double rate = 0;
    int rc = 0;
    while (rc == 0 && plan->word[0] != '\0') {
        if (plan_is(plan, "after"))
            rc = plan_time(plan, &fault->after);
        else if (plan_is(plan, "within"))
            rc = plan_time(plan, &fault->within);
        else if (plan_is(plan, "for"))
            rc = plan_time(plan, &fault->lasts);
        else if (plan_is(plan, "every"))
            rc = plan_time(plan, &fault->every);
        else if (plan_is(plan, "at"))
            rc = plan_bytes(plan, 1e15, &rate);
        else if (plan_is(plan, "from"))
            rc = (rc = plan_value(plan)) < 0 ? rc : fault_host(plan, fault->b);
        else
            rc = fault_host(plan, fault->a);
        if (rc == 0)
            rc = plan_next(plan);
    }
    if (rate >= 1)
        fault->bytes_per_second = (uint64_t)rate;
    return rc;
}

static int plan_fault(struct plan *plan, int kind)
{
    weft_sim_fault *fault = NULL;
    int rc = plan_next(plan);
    if (rc == 0 && (plan_is(plan, "disk") || plan_is(plan, "memory"))) {
        kind = kind == WEFT_SIM_RESET ? WEFT_SIM_DISK_BROKEN : kind;
        rc = plan_next(plan);
    }
    if (rc == 0)
        rc = fault_add(plan, kind, &fault);
    return rc == 0 ? fault_clause(plan, fault) : rc;
}

static int plan_without(struct plan *plan)
{
    int rc = plan_value(plan);
    if (rc < 0)
        return rc;
    char *end;
    long number = strtol(plan->word, &end, 10);
    if (*end != '\0' || number < 1 || number > WEFT_SIM_FAULTS_MAX)
        return plan_fail(plan, "without \"%s\": a number of a fault, from 1", plan->word);
    plan->options.faults[number - 1].kind = WEFT_SIM_NOTHING;
    return plan_next(plan);
}

/* "slow 5%" is how many are, "slow 10.0.0.1 at 1KB" who is. */
static bool plan_is_share(const struct plan *plan)
{
    struct plan ahead = *plan;
    size_t bytes = plan_next(&ahead) == 0 ? strlen(ahead.word) : 0;
    return plan_is(&ahead, "none") || (bytes != 0 && ahead.word[bytes - 1] == '%') ||
           (bytes > 3 && strcmp(ahead.word + bytes - 3, "ppm") == 0);
}

static int plan_setting(struct plan *plan)
{
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        if (!plan_is(plan, settings[i].name))
            continue;
        int rc = setting_is_none(plan, &settings[i]) ? 0 : setting_read(plan, &settings[i]);
        return rc == 0 ? plan_next(plan) : rc;
    }
    return plan_fail(plan, "\"%s\" is no word of a plan", plan->word);
}

static int plan_clause(struct plan *plan)
{
    static const struct {
        const char *verb;
        int kind;
    } verbs[] = {
        {"cut", WEFT_SIM_CUT},        {"slow", WEFT_SIM_SLOW},         {"break", WEFT_SIM_RESET},
        {"fill", WEFT_SIM_DISK_FULL}, {"exhaust", WEFT_SIM_NO_MEMORY},
    };
    if (plan_is(plan, "without"))
        return plan_without(plan);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (plan_is(plan, verbs[i].verb) && !plan_is_share(plan))
            return plan_fault(plan, verbs[i].kind);
    return plan_setting(plan);
}

/* ---- whole ---- */

int wf_sim_plan_parse(weft_sim_options *options, const char *text, char *why, size_t why_bytes)
{
    struct plan plan = {.options = *options, .at = text, .why = why, .why_bytes = why_bytes};
    for (;;) {
        int rc = plan_next(&plan);
        if (rc == 0 && plan.word[0] != '\0')
            rc = plan_clause(&plan);
        if (rc < 0)
            return rc;
        if (plan.word[0] != '\0')
            return plan_fail(&plan, "\"%s\" is too many", plan.word);
        plan.at += strspn(plan.at, " \t\n");
        if (*plan.at == '\0')
            break;
        plan.at++; /* the comma */
    }
    *options = plan.options;
    return 0;
}

int weft_sim_plan(weft_sim_options *plan, const char *text)
{
    char why[120];
    int rc = wf_sim_plan_parse(plan, text, why, sizeof why);
    return rc < 0 ? weft_fail(rc, "plan: %s", why) : 0;
}
