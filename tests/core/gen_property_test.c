/* SPDX-License-Identifier: MIT */

/* Generators: the values in order, the end for ever, and the clean-up exactly once. */

#include "property.h"

#include <weft/gen.h>

enum { BOOKS_MAX = PROPERTY_ACTORS * PROPERTY_STEPS, SHELF = 2 };

/* A generator of 0, 1, 2 …, perhaps by way of another that makes them. */
struct book {
    uint64_t random;
    int pages;  /* values */
    int fails;  /* what the body returns after the last */
    int layers; /* generators below it */
    bool is_slow;
    /* the model */
    weft_gen *gen;
    int read;
    bool was_opened, has_begun, has_returned, is_closed;
    int returned;
    int cleaned;
};

static struct {
    struct book books[BOOKS_MAX];
    int count;
    struct book *shelves[PROPERTY_ACTORS][SHELF];
    int layers;
} library;

static void library_begin(int layers)
{
    memset(&library, 0, sizeof library);
    library.layers = layers;
}

static int copy_pages(weft_gen *self, void *arg);

static int write_pages(weft_gen *self, struct book *book)
{
    for (int page = 0; page < book->pages; page++) {
        if (book->is_slow)
            WEFT_TRY(weft_sleep((weft_time)random_below(&book->random, 20) * WEFT_US));
        WEFT_TRY(weft_gen_yield(self, &page));
    }
    return book->fails;
}

/* The innermost, which makes the values, and cleans up however it ends. */
static int pages(weft_gen *self, void *arg)
{
    struct book *book = arg;
    book->has_begun = true;
    int rc = write_pages(self, book);
    if (rc == -ECANCELED && book->is_slow)
        (void)weft_sleep(WEFT_US); /* rule A06: as far as the caller's scopes allow */
    book->cleaned++;
    return rc;
}

static int copy_pages(weft_gen *self, void *arg)
{
    struct book *book = arg;
    int page, rc;
    weft_foreach(rc, page, weft_gen_open(pages, book)) WEFT_TRY(weft_gen_yield(self, &page));
    return rc;
}

/* What the consumer talks to; it notes its end. */
static int cover(weft_gen *self, void *arg)
{
    struct book *book = arg;
    book->returned = book->layers > 0 ? copy_pages(self, book) : pages(self, book);
    book->has_returned = true;
    return book->returned;
}

static struct book *book_open(struct actor *self)
{
    struct book *book = &library.books[library.count++];
    book->random = next_random(&self->random);
    book->pages = actor_random(self, 4);
    book->fails = actor_random(self, 3) == 0 ? -EIO : 0;
    book->layers = library.layers;
    book->is_slow = actor_random(self, 2) == 0;
    book->gen = weft_gen_open(cover, book);
    book->was_opened = book->gen != NULL;
    return book;
}

static int book_next(struct book *book, const struct actor *self)
{
    bool had_returned = book->has_returned;
    bool was_cancelled = weft_check() < 0;
    int page = -1;
    int rc = weft_gen_next(book->gen, &page);
    if (was_cancelled) {
        CHECK_EQ(rc, -ECANCELED);
        CHECK_EQ(book->has_returned, had_returned);
        return rc;
    }
    if (!book->was_opened) {
        CHECK(rc == -ENOMEM || rc == -ECANCELED);
    } else if (rc == 1) {
        CHECK(!had_returned);
        CHECK_EQ(page, book->read++);
    } else if (rc == -ECANCELED && !had_returned && !book->has_returned) {
        CHECK(actor_is_cancelled(self)); /* on entry: it can be asked again */
    } else if (rc != -ECANCELED || !actor_is_cancelled(self)) {
        CHECK(book->has_returned);
        CHECK_EQ(rc, book->returned);
        if (rc == 0)
            CHECK_EQ(book->read, book->pages);
    }
    return rc;
}

static void book_close(struct book *book)
{
    int rc = weft_gen_close(book->gen);
    book->is_closed = true;
    CHECK_EQ(book->has_returned, book->has_begun || book->returned != 0);
    CHECK_EQ(rc, book->returned == -ECANCELED ? 0 : book->returned);
    CHECK_EQ(book->cleaned, book->has_begun);
}

static int library_step(struct actor *self)
{
    struct book **book = &library.shelves[self->id][actor_random(self, SHELF)];
    if (*book == NULL)
        *book = book_open(self);
    int rc = 0;
    for (int wanted = actor_random(self, 4); wanted > 0 && rc >= 0; wanted--)
        rc = book_next(*book, self);
    if (actor_random(self, 4) == 0) {
        book_close(*book);
        *book = NULL;
    }
    return rc;
}

/* Those left open were closed by the end of their actors. */
static void library_end(void)
{
    for (int i = 0; i < library.count; i++) {
        const struct book *book = &library.books[i];
        CHECK_EQ(book->cleaned, book->has_begun);
        CHECK_LE(book->read, book->pages);
    }
}

#define LIBRARY_PROPERTY(name_, layers_)                                                           \
    PROPERTY(name_, .begin = library_begin, .step = library_step, .end = library_end,              \
             .shape = (layers_))

LIBRARY_PROPERTY(test_A03_values_come_in_order_and_the_end_is_for_ever, 0)
LIBRARY_PROPERTY(test_A09_a_generator_of_a_generator_cleans_up_both_once, 1)
