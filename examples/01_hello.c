/* SPDX-License-Identifier: MIT */

/* Lesson: a task runs beside the one that started it, and await fetches its result. */

#include <weft.h>

#include <stdio.h>
#include <string.h>

static int greet(void *arg)
{
    const char *name = arg;
    WEFT_TRY(weft_sleep(WEFT_SEC)); /* other tasks run meanwhile; cancelled, we return at once */
    printf("hello, %s\n", name);
    return (int)strlen(name);
}

static int hello(void *arg)
{
    (void)arg;
    weft_task task = weft_spawn(greet, "world");
    puts("the task is made and will run as soon as we wait");

    int letters = weft_await(task);
    if (letters < 0)
        return letters;
    printf("it greeted somebody of %d letters\n", letters);
    return 0;
}

int main(void)
{
    return weft_main(hello, NULL);
}
