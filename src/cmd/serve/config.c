/* SPDX-License-Identifier: MIT */

/* weft config: the limits that `weft serve` has in force. */
#include "base/json_write.h"
#include "cmd/args.h"
#include "cmd/command.h"
#include "cmd/io/output.h"
#include "cmd/io/table.h"
#include "cmd/say.h"
#include "cmd/serve/limits.h"
#include "service/service.h"

#include <weft/error.h>
#include <weft/http.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char config_about[] =
    "Usage: weft config [OPTIONS]\n\n"
    "Shows each limit of `weft serve` with the value it has here: of one request, of time, of\n"
    "connections, of HTTP/2, of matchers and jobs.  Who passes one is refused with its name.\n"
    "address_connections_max 0: 256 of one address of the internet, any number of others.\n"
    "Options are those of serve that change one.  Writes one JSON object, with times in seconds,\n"
    "or a table on a terminal.\n";

static const char config_examples[] = "  weft config\n"
                                      "  weft config --body-max 1000000 --json\n";

#define NAME_COLUMNS 28

/* Where each limit is shown: one of the two. */
struct shown {
    wf_buf lines;
    wf_json json; /* into `lines` */
    bool is_json;
};

/* 65536: "64 KiB". */
static void put_bytes(wf_buf *out, uint64_t value)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB"};
    size_t i = 0;
    while (i < 3 && value >= 1024 && value % 1024 == 0) {
        value /= 1024;
        i++;
    }
    wf_buf_printf(out, "%" PRIu64 " %s", value, units[i]);
}

static void put_for_people(wf_buf *out, uint64_t value, const char *unit)
{
    if (strcmp(unit, "ns") == 0)
        wf_buf_printf(out, "%.9g s", (double)value / WEFT_SEC);
    else if (strncmp(unit, "bytes", 5) == 0)
        put_bytes(out, value);
    else
        wf_buf_printf(out, "%" PRIu64, value);
    const char *per = strchr(unit, '/');
    wf_buf_puts(out, per == NULL ? "" : per[1] == 's' ? " a second" : per);
}

static void show(struct shown *shown, const char *name, uint64_t value, const char *unit)
{
    if (!shown->is_json) {
        table_text(&shown->lines, name, NAME_COLUMNS);
        put_for_people(&shown->lines, value, unit);
        wf_buf_putc(&shown->lines, '\n');
    } else if (strcmp(unit, "ns") == 0) {
        wf_json_put_double(&shown->json, name, (double)value / WEFT_SEC);
    } else {
        wf_json_put_uint(&shown->json, name, value);
    }
}

static int show_server(struct shown *shown, uint64_t body_bytes_max)
{
    weft_http_server *server;
    const weft_http_options options = {.limits.body_bytes_max = body_bytes_max};
    const char *name, *unit;
    uint64_t value;
    WEFT_TRY(weft_http_server_new(&server, &options));
    for (size_t i = 0; (name = weft_http_limit_at(server, i, &value, &unit)) != NULL; i++)
        show(shown, name, value, unit);
    weft_http_server_free(server);
    return 0;
}

static void show_service(struct shown *shown, uint64_t matcher_count_max)
{
    show(shown, "matchers_max", matcher_count_max, "");
    show(shown, "matcher_entities_max", SERVICE_ENTITIES_MAX, "");
    show(shown, "jobs_running_max", JOBS_WORKERS, "");
    show(shown, "jobs_queue_max", JOBS_QUEUE_MAX, "");
    show(shown, "jobs_kept_max", JOBS_KEPT_MAX, "");
    show(shown, "jobs_age_max", JOBS_AGE_MAX, "ns");
}

static int show_all(bool is_json, uint64_t body_bytes_max, uint64_t matcher_count_max)
{
    struct shown shown = {.is_json = is_json};
    shown.json.out = &shown.lines;
    if (is_json)
        wf_json_object(&shown.json);
    int rc = show_server(&shown, body_bytes_max);
    show_service(&shown, matcher_count_max);
    if (is_json) {
        wf_json_object_end(&shown.json);
        wf_buf_putc(&shown.lines, '\n');
    }
    rc = rc < 0 ? rc : shown.lines.rc;
    if (rc == 0)
        fwrite(wf_buf_ptr(&shown.lines), 1, wf_buf_bytes(&shown.lines), stdout);
    wf_buf_fini(&shown.lines);
    return rc < 0 ? say_failed("%s", weft_explain(rc)) : say_printed();
}

int cmd_config(int argc, char **argv)
{
    int64_t body_bytes_max = SERVE_BODY_BYTES_MAX, matcher_count_max = SERVICE_MATCHERS_MAX;
    bool is_json = false, is_help = false;
    const struct args_option options[] = {
        SERVE_LIMITS(&body_bytes_max, &matcher_count_max),
        {"json", 0, NULL, "JSON on a terminal too", ARGS_FLAG, &is_json, 0, 0},
        {"help", 'h', NULL, "this text", ARGS_FLAG, &is_help, 0, 0},
    };
    const size_t count = sizeof(options) / sizeof(*options);
    char error[ARGS_ERROR_BYTES];
    if (args_parse(options, count, &argc, argv, error) < 0)
        return say_usage("config", "%s", error);
    if (is_help)
        return say_help(config_about, options, count, config_examples);
    if (argc != 0)
        return say_usage("config", "unexpected word %.64s", argv[0]);
    return show_all(is_json || !output_is_terminal(), (uint64_t)body_bytes_max,
                    (uint64_t)matcher_count_max);
}
