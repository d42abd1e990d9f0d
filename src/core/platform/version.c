/* SPDX-License-Identifier: MIT */

#include <weft/base.h>

#include <string.h>

const char *weft_version(void)
{
    return WEFT_VERSION;
}

static const char *own_text(int code)
{
    switch (code) {
    case WEFT_ESYNTAX:
        return "malformed input";
    case WEFT_ELIMIT:
        return "limit passed";
    case WEFT_ECLOSED:
        return "closed";
    case WEFT_ETRUNCATED:
        return "ended in the middle";
    case WEFT_EEXCEPTION:
        return "exception";
    case WEFT_ENONAME:
        return "no such host";
    case WEFT_EDNS:
        return "no answer from the name servers";
    case WEFT_ETLS:
        return "TLS failed";
    case WEFT_M_EVALID:
        return "invalid argument";
    case WEFT_M_EMODE:
        return "invalid mode";
    case WEFT_M_ETRAIN:
        return "training failed";
    case WEFT_M_ENOTREADY:
        return "matcher not ready";
    case WEFT_M_EMATCH:
        return "matching failed";
    case WEFT_M_EMODEL:
        return "no usable model";
    case WEFT_M_EPERSIST:
        return "not a valid saved matcher";
    case WEFT_M_ECLOSED:
        return "matcher is closed";
    default:
        return "unknown error";
    }
}

const char *weft_strerror(int rc)
{
    if (rc >= 0)
        return "ok";
    if (rc <= -4000)
        return own_text(-rc);
    const char *text = strerrordesc_np(-rc);
    return text != NULL ? text : "unknown error";
}
