/* SPDX-License-Identifier: MIT */

#include "child.h"

#include <errno.h>
#include <poll.h>

static void start(struct child *child, const char *program, char **argv)
{
    int in[2], out[2], err[2];
    CHECK_OK(pipe2(in, O_CLOEXEC));
    CHECK_OK(pipe2(out, O_CLOEXEC));
    CHECK_OK(pipe2(err, O_CLOEXEC));
    child->pid = fork();
    CHECK_GE(child->pid, 0);
    if (child->pid == 0) {
        setenv("WEFT_HOG", "never", 0); /* on a slow machine each of them may be one */
        dup2(in[0], 0);
        dup2(out[1], 1);
        dup2(err[1], 2);
        execv(program, argv);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    close(err[1]);
    child->in = in[1];
    child->out = out[0];
    child->err = err[0];
}

void child_start(struct child *child, const char *const *words)
{
    char *argv[CHILD_WORDS_MAX + 2] = {(char *)(uintptr_t)WEFT_PROGRAM};
    for (int i = 0; words[i] != NULL; i++)
        argv[i + 1] = (char *)(uintptr_t)words[i];
    start(child, WEFT_PROGRAM, argv);
}

void child_start_shell(struct child *child, const char *command, const char *arg)
{
    char sh[] = "sh", c[] = "-c";
    setenv("weft", WEFT_PROGRAM, 1);
    start(child, "/bin/sh",
          (char *[]){sh, c, (char *)(uintptr_t)command, sh, (char *)(uintptr_t)arg, NULL});
}

bool child_read(int *fd, wf_buf *buf)
{
    char bytes[4096];
    ssize_t count = read(*fd, bytes, sizeof(bytes));
    if (count > 0)
        return wf_buf_append(buf, bytes, (size_t)count) == 0;
    close(*fd);
    *fd = -1;
    return false;
}

bool child_turn(struct child *child, weft_str *input, wf_buf *out, wf_buf *err)
{
    struct pollfd fds[] = {
        {.fd = child->in, .events = POLLOUT},
        {.fd = child->out, .events = POLLIN},
        {.fd = child->err, .events = POLLIN},
    };
    if (child->out < 0 && child->err < 0)
        return false;
    CHECK_GT(poll(fds, 3, -1), 0); /* the test has a limit, longer where all is slow */
    if (fds[0].revents != 0) {
        ssize_t count = input->len != 0 ? write(child->in, input->ptr, input->len) : 0;
        input->ptr += count > 0 ? count : 0;
        input->len -= count > 0 ? (size_t)count : input->len;
        if (input->len == 0) {
            close(child->in);
            child->in = -1;
        }
    }
    if (fds[1].revents != 0)
        child_read(&child->out, out);
    if (fds[2].revents != 0)
        child_read(&child->err, err);
    return true;
}

int child_wait(struct child *child)
{
    int status;
    if (child->in >= 0)
        close(child->in);
    if (child->out >= 0)
        close(child->out);
    if (child->err >= 0)
        close(child->err);
    CHECK_EQ(waitpid(child->pid, &status, 0), child->pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

void run_fini(struct run *run)
{
    wf_buf_fini(&run->out_buf);
    wf_buf_fini(&run->err_buf);
}

static void run_child(struct run *run, struct child *child, weft_str input)
{
    *run = (struct run){0};
    signal(SIGPIPE, SIG_IGN); /* a child that does not read its input */
    while (child_turn(child, &input, &run->out_buf, &run->err_buf))
        ;
    run->code = child_wait(child);
    wf_buf_putc(&run->out_buf, '\0');
    wf_buf_putc(&run->err_buf, '\0');
    run->out = wf_buf_ptr(&run->out_buf);
    run->err = wf_buf_ptr(&run->err_buf);
}

void run_words(struct run *run, weft_str input, const char *const *words)
{
    struct child child;
    child_start(&child, words);
    run_child(run, &child, input);
}

void run_shell(struct run *run, const char *command, const char *arg)
{
    struct child child;
    child_start_shell(&child, command, arg);
    run_child(run, &child, (weft_str){"", 0});
}

const char *make_file(const char *name, const char *text)
{
    static char paths[4][96];
    static int turn;
    char directory[] = "/tmp/weft-cmd-XXXXXX";
    CHECK(mkdtemp(directory) != NULL);
    char *path = paths[turn++ & 3];
    snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK_OK(fd);
    size_t bytes = strlen(text), done = 0;
    while (done < bytes) {
        ssize_t count = write(fd, text + done, bytes - done);
        CHECK_GT(count, 0);
        done += (size_t)count;
    }
    close(fd);
    return path;
}

void drop_file(const char *path)
{
    char directory[96];
    snprintf(directory, sizeof(directory), "%s", path);
    *strrchr(directory, '/') = '\0';
    unlink(path);
    rmdir(directory);
}

bool text_begins(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

const char *answer_ids(const char *out)
{
    static char ids[256];
    size_t used = 0;
    ids[0] = '\0';
    while (*out != '\0') {
        if (text_begins(out, "{\"id\":\""))
            used += (size_t)snprintf(ids + used, sizeof(ids) - used, "%.2s\n", out + 7);
        else
            used += (size_t)snprintf(ids + used, sizeof(ids) - used, "-\n");
        out += strcspn(out, "\n") + 1;
    }
    return ids;
}
