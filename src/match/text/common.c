/* SPDX-License-Identifier: MIT */

#include "match/text/common.h"

/* By their first letters. */
static const char *const lists['z' - 'a' + 1] = {
    "a ab ag agency alliance an and as asa associates association at authority",
    "bhd board bros brothers bureau bv by",
    "center central centre co commission committee companies company corp corporation council cv",
    "das de del della department der des di die division do dos du",
    "e eg el enterprise enterprises et ev",
    "federal federation firm for foundation from fund funds",
    "general global gmbh group groupe gruppe grupo",
    "holding holdings",
    "in inc incorporated industries industry institute institution international",
    "joint",
    "kg kgaa",
    "la las le les limited llc llp lo los lp ltd ltda",
    "management mbh ministry",
    "national nv",
    "of office on or organisation organization oy oyj",
    "partner partners plc private pte pty public pvt",
    "",
    "royal",
    "sa sab sarl sas se section service services society solutions son sons spa srl system systems",
    "team the to trust",
    "und united universal",
    "van venture ventures von",
    "with world worldwide",
    "",
    "y",
    "",
};

/* The word at the beginning of `list`, behind which a space or the end is. */
static bool is_first(const char *list, wf_points word)
{
    size_t i = 0;
    while (i < word.count && word.at[i] == (unsigned char)list[i])
        i++; /* the list ends with a zero, which no word has */
    return i == word.count && (list[i] == ' ' || list[i] == '\0');
}

bool wf_is_common(wf_points word)
{
    if (word.count == 0 || word.at[0] < 'a' || word.at[0] > 'z')
        return false;
    for (const char *at = lists[word.at[0] - 'a']; *at != '\0'; at += *at == ' ') {
        if (is_first(at, word))
            return true;
        while (*at != ' ' && *at != '\0')
            at++;
    }
    return false;
}
