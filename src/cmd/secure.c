/* SPDX-License-Identifier: MIT */

#include "cmd/secure.h"

#include "cmd/join.h"
#include "cmd/say.h"

#include <weft/error.h>
#include <weft/signal.h>

#include <signal.h>
#include <string.h>

bool secure_is_there(void)
{
    return true;
}

int secure_check(struct secure *secure, const char *command)
{
    if (secure->cert == NULL && secure->key != NULL)
        return say_usage(command, "--tls-key without --tls-cert");
    if (secure->cert != NULL && secure->key == NULL)
        secure->key = secure->cert;
    if (secure->cert != NULL && (secure->cert[0] == '\0' || secure->key[0] == '\0'))
        return say_usage(command, "--tls-cert, --tls-key: the name of the file is empty");
    return 0;
}

static const char *why(int rc)
{
    const char *text = weft_error_text();
    return text[0] != '\0' ? text : weft_strerror(rc);
}

static int secure_stream(weft_stream *stream, void *tls)
{
    return weft_tls_start_server(tls, stream);
}

/* Its signal's default would end us, so it is not left alone even if it came ignored (nohup). */
static int watch_body(void *arg)
{
    const struct secure *secure = arg;
    for (;;) {
        int rc = weft_signal_wait(SIGHUP);
        if (rc < 0)
            return rc;
        rc = weft_tls_reload(secure->tls);
        if (rc == -ECANCELED)
            return rc;
        if (rc < 0)
            say("%s; the old certificate stays", why(rc));
        else
            say("the certificate was read again");
    }
}

int secure_open(struct secure *secure, weft_http_options *options)
{
    if (secure->cert == NULL)
        return 0;
    const weft_tls_cert cert = {secure->cert, secure->key};
    const weft_tls_options settings = {.certs = &cert, .cert_count = 1, .alpn = "http/1.1"};
    int rc = weft_tls_server_new(&secure->tls, &settings);
    if (rc < 0)
        return say_failed("%s", why(rc));
    options->secure = secure_stream;
    options->secure_arg = secure->tls;
    secure->watch = weft_spawn(watch_body, secure);
    return weft_yield(); /* it waits before anybody knows whom to signal */
}

void secure_close(struct secure *secure)
{
    if (secure->tls == NULL)
        return;
    weft_cancel(secure->watch, "the service has ended");
    (void)join(secure->watch);
    weft_tls_free(secure->tls);
    secure->tls = NULL;
}
