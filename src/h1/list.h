/* SPDX-License-Identifier: MIT */

/* Lists in the values of fields (RFC 9110 5.6.1). */
#ifndef WF_H1_LIST_H
#define WF_H1_LIST_H

#include <weft/base.h>

/* True if one of the pieces between commas is `token`; the case of letters does not count. */
bool wf_http_list_has(weft_str list, weft_str token);

/* True if they are alike but for the case of ASCII letters. */
bool wf_http_same(weft_str a, weft_str b);

#endif
