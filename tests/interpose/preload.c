/* SPDX-License-Identifier: MIT */

/* Knows nothing of weft-interpose: under LD_PRELOAD its tasks sleep at the same time all the same.
 */

#include <weft.h>

#include <stdio.h>
#include <unistd.h>

static int nap(void *arg)
{
    printf("%s lies down\n", (const char *)arg);
    if (usleep(1000) != 0)
        return -errno;
    printf("%s gets up\n", (const char *)arg);
    return 0;
}

static int two_naps(void *arg)
{
    char one[] = "Anna", two[] = "Otto";
    (void)arg;
    return weft_gather(weft_spawn(nap, one), weft_spawn(nap, two));
}

int main(void)
{
    return weft_main(two_naps, NULL);
}
