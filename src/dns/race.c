/* SPDX-License-Identifier: MIT */

/*
 * Connecting to a host (RFC 8305).  One member of the group looks the name up and adds addresses as
 * they come; the caller starts an attempt after the other, each a member too; whoever connects
 * first leaves its stream in the record.  When the caller has seen it, the group is cancelled, and
 * a second stream that came in the same instant is closed by the member that made it.
 */

#include "dns/resolver_priv.h"

#include <weft/error.h>
#include <weft/event.h>
#include <weft/group.h>
#include <weft/scope.h>
#include <weft/task.h>

#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define HEAD_START (250 * WEFT_MS)
#define FIRST_FAMILY_WAIT (50 * WEFT_MS) /* for IPv6, when IPv4 is there (section 3) */

/* One family's addresses, in the order to be tried. */
struct race_family {
    struct wf_dns_ips ips;
    uint32_t next;
};

struct race {
    weft_resolver *resolver;
    const char *host;
    uint16_t port;
    int family;
    weft_time head_start;
    weft_event changed;
    struct race_family v6, v4;
    bool has_names;     /* the look-up has ended ... */
    int names_rc;       /* ... with this */
    bool was_v6;        /* the last attempt */
    uint32_t started;   /* attempts */
    uint32_t running;   /* of these */
    bool failed;        /* one has, since the last was started */
    weft_time first_at; /* the first address was there */
    weft_time next_at;  /* the head start of the last attempt is over */
    int rc;             /* of the attempt that failed last */
    weft_stream *winner;
    char text[WEFT_ERROR_TEXT_BYTES]; /* all failures */
};

struct attempt {
    struct race *race;
    weft_addr addr;
};

/* ---- the members ---- */

static void race_say(struct race *race, const char *format, ...) WEFT_PRINTF(2, 3);
static void race_say(struct race *race, const char *format, ...)
{
    size_t used = strlen(race->text);
    va_list args;
    va_start(args, format);
    vsnprintf(race->text + used, sizeof race->text - used, format, args);
    va_end(args);
}

static void race_found(const struct wf_dns_ips *ips, void *arg)
{
    struct race *race = arg;
    if (ips->count == 0)
        return;
    struct race_family *family = ips->items[0].family == AF_INET6 ? &race->v6 : &race->v4;
    family->ips = *ips;
    if (race->first_at == 0)
        race->first_at = weft_now();
    weft_event_set(&race->changed);
}

static int race_names(void *arg)
{
    struct race *race = arg;
    race->names_rc = wf_dns_find(race->resolver, race->host, race->family, race_found, race);
    if (race->names_rc < 0 && race->started == 0)
        snprintf(race->text, sizeof race->text, "%s", weft_error_text());
    race->has_names = true;
    weft_event_set(&race->changed);
    return 0;
}

static void attempt_failed(struct race *race, const weft_addr *addr, int rc)
{
    char name[WEFT_ADDR_TEXT_BYTES];
    if (rc == -ECANCELED)
        return;
    if (weft_addr_format(addr, name, sizeof name) < 0)
        name[0] = '\0';
    race_say(race, "%s%s: %s", race->text[0] != '\0' ? "; " : ": ", name, weft_strerror(rc));
    race->rc = rc;
    race->failed = true;
}

static int attempt_run(void *arg)
{
    const struct attempt *attempt = arg;
    struct race *race = attempt->race;
    weft_stream *stream;
    int rc = weft_stream_connect(&stream, &attempt->addr);
    race->running--;
    if (rc < 0)
        attempt_failed(race, &attempt->addr, rc);
    else if (race->winner == NULL)
        race->winner = stream;
    else
        weft_stream_abort(stream);
    weft_event_set(&race->changed);
    wf_free(arg);
    return rc == -ECANCELED ? rc : 0; /* a failure is the race's to judge */
}

/* ---- which address comes next, and when ---- */

static bool family_has_more(const struct race_family *family)
{
    return family->next < family->ips.count;
}

/* IPv6 first, then in turns. */
static struct race_family *race_next_family(struct race *race)
{
    struct race_family *turn = race->started == 0 || !race->was_v6 ? &race->v6 : &race->v4;
    struct race_family *other = turn == &race->v6 ? &race->v4 : &race->v6;
    if (family_has_more(turn))
        return turn;
    return family_has_more(other) ? other : NULL;
}

/* When the next attempt may start; WEFT_FOREVER: not before something changes. */
static weft_time race_next_at(struct race *race)
{
    const struct race_family *family = race_next_family(race);
    if (family == NULL)
        return WEFT_FOREVER;
    if (race->started != 0)
        return race->failed ? 0 : race->next_at;
    bool waits_for_v6 = family == &race->v4 && !race->has_names && race->family == AF_UNSPEC;
    return waits_for_v6 ? race->first_at + FIRST_FAMILY_WAIT : 0;
}

static int race_start(struct race *race, weft_group group)
{
    struct race_family *family = race_next_family(race);
    struct attempt *attempt = wf_alloc(sizeof *attempt);
    if (attempt == NULL)
        return -ENOMEM;
    attempt->race = race;
    wf_dns_ip_addr(&attempt->addr, &family->ips.items[family->next], race->port);
    int rc = weft_group_spawn(group, attempt_run, attempt);
    if (rc < 0) {
        wf_free(attempt);
        return rc;
    }
    family->next++;
    race->was_v6 = family == &race->v6;
    race->started++;
    race->running++;
    race->failed = false;
    race->next_at = weft_after(race->head_start);
    return 0;
}

static int race_wait(struct race *race, weft_time until)
{
    weft_event_clear(&race->changed);
    weft_scope limit;
    (void)weft_scope_open(&limit, until, 0);
    int rc = weft_scope_close(&limit, weft_event_wait(&race->changed));
    return rc == -ETIMEDOUT ? 0 : rc;
}

/* Until somebody has won, or nobody can any more. */
static int race_step(struct race *race, weft_group group)
{
    weft_time next_at = race_next_at(race);
    if (next_at <= weft_now())
        return race_start(race, group);
    if (next_at == WEFT_FOREVER && race->has_names && race->running == 0)
        return race->names_rc < 0 && race->started == 0 ? race->names_rc : race->rc;
    return race_wait(race, next_at);
}

static int race_run(struct race *race)
{
    int rc;
    {
        WEFT_GROUP(group);
        rc = weft_group_spawn(group, race_names, race);
        while (rc == 0 && race->winner == NULL)
            rc = race_step(race, group);
        weft_group_cancel(group, "another address was quicker");
        int ended = weft_group_wait(group);
        if (rc == 0 && ended < 0 && race->winner == NULL)
            rc = ended;
    }
    if (rc < 0 && race->winner != NULL) { /* won and cancelled at once */
        weft_stream_abort(race->winner);
        race->winner = NULL;
    }
    return rc;
}

/* ---- the public call ---- */

static int race_fail(const struct race *race, int rc)
{
    if (rc == -ECANCELED || race->text[0] == '\0')
        return rc;
    if (race->started == 0)
        return weft_fail(rc, "%s", race->text);
    struct wf_dns_ip ip;
    if (wf_dns_ip_read(&ip, race->host)) /* the only address says it all */
        return weft_fail(rc, "connect%s", race->text + 1);
    return weft_fail(rc, "connect %.64s%s", race->host, race->text);
}

int weft_connect_host(weft_stream **out, const char *host, uint16_t port,
                      const weft_connect_options *options)
{
    static const weft_connect_options none;
    options = options != NULL ? options : &none;
    weft_resolver *resolver;
    if (host == NULL)
        return weft_fail(-EINVAL, "connect: there is no host (NULL)");
    int rc = wf_dns_resolver_get(options->resolver, &resolver);
    if (rc < 0)
        return rc;
    struct race *race = wf_alloc(sizeof *race);
    if (race == NULL)
        return -ENOMEM;
    race->resolver = resolver;
    race->host = host;
    race->port = port;
    race->family = options->family;
    race->head_start = options->head_start != 0 ? options->head_start : HEAD_START;
    race->rc = -ECANCELED; /* of attempts that ended without saying why */
    rc = race_run(race);
    if (rc < 0)
        rc = race_fail(race, rc);
    else
        *out = race->winner;
    wf_free(race);
    return rc;
}
