/* SPDX-License-Identifier: MIT */

#include "cmd/say.h"

#include "base/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Of a help: the names of options, and how far in it is said what they mean. */
#define NAME_COLUMNS 26
#define HELP_INDENT "                             "

void say_escaped(wf_buf *out, weft_str text)
{
    for (size_t at = 0; at < text.len;) {
        uint32_t c;
        size_t bytes = wf_utf8_read(text.ptr + at, text.len - at, &c);
        if (bytes == 0)
            wf_buf_printf(out, "\\x%02x", (unsigned char)text.ptr[at]);
        else if (wf_utf8_is_hidden(c))
            wf_buf_printf(out, c < 0x80 ? "\\x%02x" : "\\u%04x", (unsigned)c);
        else
            wf_buf_append(out, text.ptr + at, bytes);
        at += bytes != 0 ? bytes : 1;
    }
}

static void say_line(const char *format, va_list args)
{
    char text[1024];
    vsnprintf(text, sizeof(text), format, args);
    wf_buf line = {0};
    wf_buf_puts(&line, "weft: ");
    for (char *at = text; *at != '\0';) { /* our own line ends stay */
        size_t bytes = strcspn(at, "\n");
        say_escaped(&line, (weft_str){at, bytes});
        at += bytes;
        if (*at == '\n') {
            wf_buf_putc(&line, '\n');
            at++;
        }
    }
    wf_buf_putc(&line, '\n');
    fwrite(wf_buf_ptr(&line), 1, wf_buf_bytes(&line), stderr);
    wf_buf_fini(&line);
}

void say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say_line(format, args);
    va_end(args);
}

int say_failed(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say_line(format, args);
    va_end(args);
    return EXIT_FAILED;
}

int say_usage(const char *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say_line(format, args);
    va_end(args);
    fprintf(stderr, "Try 'weft %s%s--help'.\n", command, command[0] != '\0' ? " " : "");
    return EXIT_USAGE;
}

int say_help(const char *text, const struct args_option *options, size_t option_count,
             const char *examples)
{
    fputs(text, stdout);
    fputs("\nOptions:\n", stdout);
    for (size_t i = 0; i < option_count; i++) {
        const struct args_option *option = &options[i];
        char name[96], letter[8] = "    ";
        if (option->letter != '\0')
            snprintf(letter, sizeof(letter), "-%c, ", option->letter);
        snprintf(name, sizeof(name), "%s--%s%s%s", letter, option->name,
                 option->value != NULL ? " " : "", option->value != NULL ? option->value : "");
        bool is_long = strlen(name) > NAME_COLUMNS; /* what it means stands below */
        fprintf(stdout, "  %-*s%s%s\n", NAME_COLUMNS + 1, name, is_long ? "\n" HELP_INDENT : "",
                option->help);
    }
    fprintf(stdout, "\nExamples:\n%s", examples);
    return say_printed();
}

int say_printed(void)
{
    /* stdio keeps the error of an earlier flush, but not its reason. */
    bool was_fine = !ferror(stdout);
    int rc = fflush(stdout) == 0 ? 0 : -errno;
    if (rc == 0 && was_fine)
        return EXIT_OK;
    return rc < 0 ? say_written(rc) : say_failed("standard output: cannot be written");
}

int say_written(int rc)
{
    if (rc == -EPIPE)
        return EXIT_FAILED; /* nobody reads any more: no reason to complain */
    return rc < 0 && rc != -ECANCELED ? say_failed("standard output: %s", weft_strerror(rc)) : rc;
}
