/* SPDX-License-Identifier: MIT */

/*
 * Symbols: the name of the function an address is in.  From the full symbol table of the program or
 * library if its file still has one, so that static functions have names too; else from what it
 * exports.  Reads files, so not on a loop's thread.
 */
#ifndef WF_SYMBOL_H
#define WF_SYMBOL_H

#include <weft/base.h>

#define WF_SYMBOL_MODULES 16
#define WF_SYMBOL_TEXT_BYTES 200

struct wf_symbol_module {
    const void *map;             /* the loader's record of it */
    struct wf_symbol *functions; /* in order of address */
    size_t count;
    int fd; /* the file, for the names; -1: none */
    int64_t names_at;
};

/* Zeroed is empty.  Keeps the tables it has read. */
struct wf_symbols {
    struct wf_symbol_module modules[WF_SYMBOL_MODULES];
    size_t count;
};

void wf_symbols_fini(struct wf_symbols *symbols);

/* "function+0x12 in program", or "program+0x1234" where there is no name.  Of the function that
 * contains the byte before `address`, which is where a call returns to. */
void wf_symbols_text(struct wf_symbols *symbols, void *address, char *out, size_t out_bytes);

/* The same of one alone. */
void wf_symbol_text(void *address, char *out, size_t out_bytes);

#endif
