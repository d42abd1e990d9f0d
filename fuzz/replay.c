/* SPDX-License-Identifier: MIT */

/*
 * Runs a fuzz target as an ordinary test:  <target>-replay CORPUS_DIR
 * or prints how its cost grows with the input:  <target>-replay CORPUS_DIR --grow
 *
 * First every file of the corpus, then the same number of changed inputs at every run: bytes
 * flipped, cut, doubled, spliced, numbers at their edges, from a fixed seed.  An input that crashes
 * or takes longer than ten seconds is written to standard error in hexadecimal.
 * $WEFT_FUZZ_RUNS sets the number of changed inputs (20,000), $WEFT_FUZZ_SEED the seed.
 */

#include "replay.h"

#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INPUT_BYTES_MAX = 4096, CORPUS_FILE_BYTES_MAX = 1 << 20, INPUT_SECONDS_MAX = 10 };

static struct {
    struct input *inputs;
    size_t count;
} corpus;

static struct input current; /* for the signal handler */
static uint64_t random_state;

static uint64_t random_next(void)
{
    random_state += 0x9E3779B97F4A7C15u;
    uint64_t z = random_state;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

size_t random_below(size_t bound)
{
    return bound == 0 ? 0 : (size_t)(random_next() % bound);
}

/* Only async-signal-safe calls. */
static void tell_input(int signo)
{
    static const char digits[] = "0123456789abcdef";
    char line[3 * 32 + 1];
    const char head[] = "\nthe input that did it:\n";
    (void)!write(STDERR_FILENO, head, sizeof head - 1);
    for (size_t at = 0; at < current.size;) {
        size_t used = 0;
        for (; used < 3 * 32 && at < current.size; at++) {
            line[used++] = digits[current.data[at] >> 4];
            line[used++] = digits[current.data[at] & 15];
            line[used++] = ' ';
        }
        line[used++] = '\n';
        (void)!write(STDERR_FILENO, line, used);
    }
    signal(signo, SIG_DFL);
    raise(signo);
}

/* The target gets a copy of exactly its size, so that a sanitizer sees one byte too far. */
static void run_input(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size != 0 ? size : 1);
    if (copy == NULL)
        abort();
    if (size != 0)
        memcpy(copy, data, size);
    current = (struct input){copy, size};
    alarm(INPUT_SECONDS_MAX);
    (void)LLVMFuzzerTestOneInput(copy, size);
    alarm(0);
    current = (struct input){0};
    free(copy);
}

static void corpus_add_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(CORPUS_FILE_BYTES_MAX);
    struct input *inputs = realloc(corpus.inputs, (corpus.count + 1) * sizeof *inputs);
    if (file == NULL || data == NULL || inputs == NULL) {
        perror(path);
        exit(1);
    }
    corpus.inputs = inputs;
    size_t size = fread(data, 1, CORPUS_FILE_BYTES_MAX, file);
    corpus.inputs[corpus.count++] = (struct input){data, size};
    fclose(file);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* In order of name, so that a seed always means the same inputs. */
static void corpus_read(const char *dir)
{
    struct dirent **entries;
    int count = scandir(dir, &entries, is_visible, alphasort);
    if (count <= 0) {
        fprintf(stderr, "%s: no corpus\n", dir);
        exit(1);
    }
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", dir, entries[i]->d_name);
        corpus_add_file(path);
        free(entries[i]);
    }
    free(entries);
}

/* ---- changes; each keeps *size within INPUT_BYTES_MAX ---- */

static void change_byte(uint8_t *data, size_t *size)
{
    static const uint8_t edges[] = {0,  1,  9,   10,  13,  31,  32,  34,  44,
                                    58, 92, 126, 127, 128, 191, 192, 254, 255};
    if (*size == 0)
        return;
    uint8_t *at = &data[random_below(*size)];
    switch (random_below(3)) {
    case 0:
        *at ^= (uint8_t)(1u << random_below(8));
        break;
    case 1:
        *at = edges[random_below(sizeof edges)];
        break;
    default:
        *at = (uint8_t)random_next();
    }
}

static void remove_run(uint8_t *data, size_t *size)
{
    size_t from = random_below(*size), count = 1 + random_below(16);
    if (count > *size - from)
        count = *size - from;
    memmove(data + from, data + from + count, *size - from - count);
    *size -= count;
}

static void insert_run(uint8_t *data, size_t *size, const uint8_t *run, size_t count)
{
    if (count > INPUT_BYTES_MAX - *size)
        count = INPUT_BYTES_MAX - *size;
    size_t at = random_below(*size + 1);
    memmove(data + at + count, data + at, *size - at);
    memcpy(data + at, run, count);
    *size += count;
}

static void repeat_own_run(uint8_t *data, size_t *size)
{
    uint8_t run[64];
    size_t from = random_below(*size);
    size_t count = random_below(*size - from < sizeof run ? *size - from : sizeof run);
    memcpy(run, data + from, count);
    insert_run(data, size, run, count);
}

static void splice_other(uint8_t *data, size_t *size)
{
    const struct input *other = &corpus.inputs[random_below(corpus.count)];
    size_t from = random_below(other->size);
    insert_run(data, size, other->data + from, random_below(other->size - from + 1));
}

static void cut_end(uint8_t *data, size_t *size)
{
    (void)data;
    *size = random_below(*size + 1);
}

static void run_changed(void)
{
    static void (*const changes[])(uint8_t * data, size_t * size) = {
        change_byte, change_byte, change_byte, remove_run, repeat_own_run, splice_other, cut_end};
    uint8_t data[INPUT_BYTES_MAX];
    const struct input *seed = &corpus.inputs[random_below(corpus.count)];
    size_t size = seed->size < sizeof data ? seed->size : sizeof data;
    memcpy(data, seed->data, size);
    for (size_t i = 1 + random_below(6); i > 0; i--)
        changes[random_below(sizeof changes / sizeof changes[0])](data, &size);
    run_input(data, size);
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 0) : otherwise;
}

static void corpus_free(void)
{
    for (size_t i = 0; i < corpus.count; i++)
        free(corpus.inputs[i].data);
    free(corpus.inputs);
}

static void replay(void)
{
    printf("TAP version 13\n1..2\n");
    fflush(stdout);
    for (size_t i = 0; i < corpus.count; i++)
        run_input(corpus.inputs[i].data, corpus.inputs[i].size);
    printf("ok 1 corpus of %zu inputs\n", corpus.count);
    fflush(stdout);

    uint64_t runs = setting("WEFT_FUZZ_RUNS", 20000);
    for (uint64_t i = 0; i < runs; i++)
        run_changed();
    printf("ok 2 changed inputs\n");
}

int main(int argc, char **argv)
{
    bool grows = argc == 3 && strcmp(argv[2], "--grow") == 0;
    if (argc != 2 && !grows) {
        fprintf(stderr, "usage: %s CORPUS_DIR [--grow]\n", argv[0]);
        return 2;
    }
    signal(SIGABRT, tell_input);
    signal(SIGALRM, tell_input);
    corpus_read(argv[1]);
    random_state = setting("WEFT_FUZZ_SEED", 1);
    if (grows)
        grow(strrchr(argv[1], '/') != NULL ? strrchr(argv[1], '/') + 1 : argv[1], corpus.inputs,
             corpus.count);
    else
        replay();
    corpus_free();
    return 0;
}
