/* SPDX-License-Identifier: MIT */

/* A program of somebody who has the installed files only: one call into each library. */

#include <weft.h>
#include <weft/catalog.h>
#include <weft/http.h>
#include <weft/json.h>
#include <weft/json_writer.h>
#include <weft/match.h>
#include <weft/net.h>

#include <stdio.h>

static int use(void *arg)
{
    weft_addr addr;
    weft_json *json = NULL;
    weft_catalog *catalog = NULL;
    weft_http_server *server = NULL;
    weft_text text = {NULL, 0};
    weft_str name = WEFT_STR("A");
    weft_json_writer *writer = NULL;

    (void)arg;
    WEFT_TRY(weft_sleep(WEFT_MS));
    WEFT_TRY(weft_addr_parse(&addr, "[::1]:80"));
    WEFT_TRY(weft_json_read(&json, "[1]", 3, NULL, NULL));
    weft_json_free(json);
    WEFT_TRY(weft_json_writer_new(&writer, 0));
    weft_json_writer_free(writer);
    WEFT_TRY(weft_catalog_new(&catalog));
    weft_catalog_free(catalog);
    WEFT_TRY(weft_http_server_new(&server, NULL));
    weft_http_server_free(server);
    WEFT_TRY(weft_norm_text(name, NULL, &text, NULL));
    weft_text_free(&text);
    return 0;
}

int main(void)
{
    int rc = weft_run(use, NULL);
    printf("weft %s: %s\n", weft_version(), weft_strerror(rc));
    return rc < 0;
}
