/* SPDX-License-Identifier: MIT */

/* Sessions that a client can resume: the newest for each name, used once, as TLS 1.3 asks for. */

#include "tls/tls_priv.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>

static struct wf_tls_session *session_find(weft_tls *tls, const char *name)
{
    wf_list_each (pos, &tls->sessions) {
        struct wf_tls_session *entry = wf_container(pos, struct wf_tls_session, link);
        if (strcmp(entry->name, name) == 0)
            return entry;
    }
    return NULL;
}

static void session_drop(weft_tls *tls, struct wf_tls_session *entry)
{
    wf_list_remove(&entry->link);
    tls->session_count--;
    SSL_SESSION_free(entry->session);
    wf_free(entry);
}

static struct wf_tls_session *session_oldest(weft_tls *tls)
{
    return wf_container(tls->sessions.next, struct wf_tls_session, link);
}

void wf_tls_session_forget_all(weft_tls *tls)
{
    while (tls->session_count != 0)
        session_drop(tls, session_oldest(tls));
}

void wf_tls_session_keep(weft_tls *tls, const char *name, SSL_SESSION *session)
{
    struct wf_tls_session *entry = session_find(tls, name);
    if (entry != NULL)
        session_drop(tls, entry);
    entry = wf_alloc(sizeof *entry);
    if (entry == NULL) {
        SSL_SESSION_free(session);
        return;
    }
    if (tls->session_count == WF_TLS_SESSIONS_MAX)
        session_drop(tls, session_oldest(tls));
    entry->session = session;
    snprintf(entry->name, sizeof entry->name, "%s", name);
    wf_list_append(&tls->sessions, &entry->link);
    tls->session_count++;
}

void wf_tls_session_offer(struct wf_tls_conn *conn)
{
    struct wf_tls_session *entry = session_find(conn->tls, conn->name);
    if (entry == NULL)
        return;
    (void)SSL_set_session(conn->ssl, entry->session);
    if (SSL_SESSION_get_protocol_version(entry->session) >= TLS1_3_VERSION)
        session_drop(conn->tls, entry);
}
