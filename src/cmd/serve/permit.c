/* SPDX-License-Identifier: MIT */

#include "cmd/serve/permit.h"

#include "cmd/say.h"

#include <weft/error.h>
#include <weft/file.h>

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

bool permit_is_given(const struct permit *permit)
{
    return permit->is_open || permit->token_path != NULL;
}

/* ---- without a token ---- */

static bool is_of_this_machine(const weft_addr *addr)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&addr->storage;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&addr->storage;
    switch (addr->storage.ss_family) {
    case AF_UNIX:
        return true;
    case AF_INET:
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    case AF_INET6:
        return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
    default:
        return false;
    }
}

int permit_check(const struct permit *permit, const weft_addr *addrs, size_t addr_count,
                 const char *command)
{
    if (permit->is_open && permit->token_path != NULL)
        return say_usage(command, "--token and --allow-changes at once");
    for (size_t i = 0; i < addr_count && permit->is_open; i++) {
        if (!is_of_this_machine(&addrs[i]))
            return say_usage(command, "--allow-changes is for addresses of this machine alone; "
                                      "with others there must be a --token");
    }
    return 0;
}

/* ---- with one ---- */

static int refuse(const char *path, const char *what)
{
    return say_failed("%.256s: %s", path, what);
}

int permit_read(struct permit *permit, struct access *out)
{
    const char *path = permit->token_path;
    struct stat about;
    *out = (struct access){.is_open = permit->is_open};
    if (path == NULL)
        return 0;
    int rc = weft_stat(path, &about);
    if (rc == 0 && (about.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return refuse(path, "others may read or write the token's file; chmod 600 it");
    if (rc == 0)
        rc = weft_file_load(path, ACCESS_TOKEN_MAX + 2, &permit->priv_token);
    if (rc == -ECANCELED)
        return rc;
    if (rc < 0)
        return refuse(path, weft_strerror(rc));
    const char *token = permit->priv_token.ptr;
    size_t bytes = permit->priv_token.len;
    while (bytes != 0 && (token[bytes - 1] == '\n' || token[bytes - 1] == '\r'))
        bytes--;
    if (!access_is_token(token, bytes))
        return refuse(path, "a token is one line of 16 to 1024 visible characters");
    out->token = token;
    out->token_bytes = bytes;
    return 0;
}

void permit_fini(struct permit *permit)
{
    weft_bytes_free(&permit->priv_token);
}
