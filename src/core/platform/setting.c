/* SPDX-License-Identifier: MIT */

#include "core/platform/setting.h"

#include "base/names.h"

#include <weft/error.h>

#include <stdlib.h>
#include <string.h>

#define SETTING_TIME_MAX 1000000000 /* ms */

int wf_setting_read(const char *name, const char *const *words, size_t count, int *out)
{
    const char *text = getenv(name);
    char list[96];
    int found = -1;
    bool is_set = text != NULL && text[0] != '\0';
    for (size_t i = 0; i < count && is_set; i++) {
        if (strcmp(text, words[i]) == 0)
            found = (int)i;
    }
    if (is_set && found < 0) {
        wf_names_list(words, count, list, sizeof list);
        return weft_fail(-EINVAL, "%s: %.40s is none of %s", name, text, list);
    }
    *out = found;
    return 0;
}

int wf_setting_read_switch(const char *name, bool *out)
{
    static const char *const words[] = {"0", "1"};
    int word = -1;
    int rc = wf_setting_read(name, words, 2, &word);
    if (rc == 0 && word >= 0)
        *out = word == 1;
    return rc;
}

int wf_setting_read_time(const char *name, weft_time *out)
{
    const char *text = getenv(name);
    char *end;
    if (text == NULL || text[0] == '\0')
        return 0;
    if (strcmp(text, "never") == 0) {
        *out = WEFT_FOREVER;
        return 0;
    }
    long count = strtol(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || count < 1 || count > SETTING_TIME_MAX)
        return weft_fail(-EINVAL, "%s: %.40s is neither 1 to %d milliseconds nor never", name, text,
                         SETTING_TIME_MAX);
    *out = count * WEFT_MS;
    return 0;
}
