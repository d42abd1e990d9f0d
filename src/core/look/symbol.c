/* SPDX-License-Identifier: MIT */

#include "core/look/symbol.h"

#include <weft/sys/platform.h>

#include "base/alloc.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYMBOL_COUNT_MAX ((size_t)4 << 20)
#define SYMBOL_SECTIONS_MAX 256
#define SYMBOL_NAME_BYTES 96

struct wf_symbol {
    uint64_t start, end;
    uint32_t name; /* in the file's table of names */
};

/* ---- reading a file: a real one, also in simulation ---- */

static bool read_at(int fd, void *out, size_t bytes, uint64_t at)
{
    char *to = out;
    while (bytes > 0) {
        ssize_t count =
            at <= INT64_MAX ? weft_platform_host.pread(fd, to, bytes, (int64_t)at) : -EINVAL;
        if (count <= 0)
            return false;
        to += count;
        at += (uint64_t)count;
        bytes -= (size_t)count;
    }
    return true;
}

/* Those of `*table`, and in it the section with their names. */
static bool find_sections(int fd, Elf64_Shdr *table, Elf64_Shdr *names)
{
    Elf64_Ehdr head;
    if (!read_at(fd, &head, sizeof head, 0) || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
        head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_shentsize != sizeof *table)
        return false;
    for (unsigned i = 0; i < head.e_shnum && i < SYMBOL_SECTIONS_MAX; i++) {
        if (!read_at(fd, table, sizeof *table, head.e_shoff + i * sizeof *table))
            return false;
        if (table->sh_type == SHT_SYMTAB && table->sh_link < head.e_shnum)
            return read_at(fd, names, sizeof *names, head.e_shoff + table->sh_link * sizeof *names);
    }
    return false;
}

static int by_start(const void *a, const void *b)
{
    const struct wf_symbol *left = a, *right = b;
    return left->start < right->start ? -1 : left->start > right->start;
}

static bool is_function(const Elf64_Sym *entry)
{
    return ELF64_ST_TYPE(entry->st_info) == STT_FUNC && entry->st_shndx != SHN_UNDEF &&
           entry->st_name != 0;
}

static void read_functions(struct wf_symbol_module *module, const Elf64_Shdr *table)
{
    Elf64_Sym entries[64];
    size_t left = table->sh_size / sizeof entries[0];
    uint64_t at = table->sh_offset;
    if (left > SYMBOL_COUNT_MAX)
        return;
    module->functions = wf_array(left, sizeof *module->functions);
    while (module->functions != NULL && left > 0) {
        size_t count = left < 64 ? left : 64;
        if (!read_at(module->fd, entries, count * sizeof entries[0], at))
            break;
        for (size_t i = 0; i < count; i++) {
            if (!is_function(&entries[i]))
                continue;
            module->functions[module->count++] = (struct wf_symbol){
                .start = entries[i].st_value,
                .end = entries[i].st_value + (entries[i].st_size != 0 ? entries[i].st_size : 1),
                .name = entries[i].st_name,
            };
        }
        at += count * sizeof entries[0];
        left -= count;
    }
    if (module->count > 0)
        qsort(module->functions, module->count, sizeof *module->functions, by_start);
}

/* The loader has no name for the program itself. */
static void module_open(struct wf_symbol_module *module, const struct link_map *map)
{
    const char *path = map->l_name[0] != '\0' ? map->l_name : "/proc/self/exe";
    Elf64_Shdr table, names;
    *module = (struct wf_symbol_module){.map = map};
    module->fd = weft_platform_host.open(path, O_RDONLY, 0);
    if (module->fd < 0 || !find_sections(module->fd, &table, &names))
        return;
    module->names_at = (int64_t)names.sh_offset;
    read_functions(module, &table);
}

static struct wf_symbol_module *module_of(struct wf_symbols *symbols, const struct link_map *map)
{
    for (size_t i = 0; i < symbols->count; i++) {
        if (symbols->modules[i].map == map)
            return &symbols->modules[i];
    }
    if (symbols->count == WF_SYMBOL_MODULES)
        return NULL;
    struct wf_symbol_module *module = &symbols->modules[symbols->count++];
    module_open(module, map);
    return module;
}

void wf_symbols_fini(struct wf_symbols *symbols)
{
    for (size_t i = 0; i < symbols->count; i++) {
        if (symbols->modules[i].fd >= 0)
            (void)weft_platform_host.close(symbols->modules[i].fd);
        wf_free(symbols->modules[i].functions);
    }
    *symbols = (struct wf_symbols){0};
}

/* ---- finding a name ---- */

/* The last that begins at or before `at`, if it reaches so far. */
static const struct wf_symbol *function_at(const struct wf_symbol_module *module, uint64_t at)
{
    size_t low = 0, high = module->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (module->functions[middle].start <= at)
            low = middle + 1;
        else
            high = middle;
    }
    const struct wf_symbol *found = low > 0 ? &module->functions[low - 1] : NULL;
    return found != NULL && at < found->end ? found : NULL;
}

/* True with its name in `out` and how far behind its start the address lies. */
static bool name_in_file(struct wf_symbols *symbols, const struct link_map *map, uint64_t address,
                         char out[SYMBOL_NAME_BYTES], size_t *out_offset)
{
    struct wf_symbol_module *module = module_of(symbols, map);
    uint64_t at = address - map->l_addr;
    const struct wf_symbol *found = module != NULL ? function_at(module, at - 1) : NULL;
    if (found == NULL)
        return false;
    ssize_t len = weft_platform_host.pread(module->fd, out, SYMBOL_NAME_BYTES - 1,
                                           module->names_at + found->name);
    if (len <= 0)
        return false;
    out[len] = '\0';
    *out_offset = (size_t)(at - found->start);
    return out[0] != '\0';
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

void wf_symbols_text(struct wf_symbols *symbols, void *address, char *out, size_t out_bytes)
{
    Dl_info info;
    struct link_map *map = NULL;
    char name[SYMBOL_NAME_BYTES];
    size_t offset;
    if (dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP) == 0 || info.dli_fname == NULL)
        snprintf(out, out_bytes, "%p", address);
    else if (map != NULL && name_in_file(symbols, map, (uintptr_t)address, name, &offset))
        snprintf(out, out_bytes, "%s+0x%zx in %s", name, offset, last_part(info.dli_fname));
    else if (info.dli_sname != NULL)
        snprintf(out, out_bytes, "%s+0x%zx in %s", info.dli_sname,
                 (size_t)((char *)address - (char *)info.dli_saddr), last_part(info.dli_fname));
    else
        snprintf(out, out_bytes, "%s+0x%zx", last_part(info.dli_fname),
                 (size_t)((char *)address - (char *)info.dli_fbase));
}

void wf_symbol_text(void *address, char *out, size_t out_bytes)
{
    struct wf_symbols symbols = {0};
    wf_symbols_text(&symbols, address, out, out_bytes);
    wf_symbols_fini(&symbols);
}
