/* SPDX-License-Identifier: MIT */

/* Opening beneath a directory: nothing outside is ever reached. */

#include "core/platform/beneath.h"

#include "core/scratch.h"
#include "harness/harness.h"

#include <weft.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool has_links(void)
{
    return !test_is_simulated();
}

/* Without openat2 (before Linux 5.6, under an emulator) every link is refused. */
static bool follows_links(void)
{
    return has_links() && (syscall(SYS_openat2, -1, NULL, NULL, (size_t)0) >= 0 || errno != ENOSYS);
}

/* a, dir/b, and where there are links: in -> dir, out -> .., abs -> /, loop -> loop. */
static int make_tree(void)
{
    scratch_make();
    CHECK_OK(weft_mkdir(scratch("root"), 0700));
    CHECK_OK(weft_mkdir(scratch("root/dir"), 0700));
    CHECK_OK(weft_file_save(scratch("root/a"), "a", 1, 0600));
    CHECK_OK(weft_file_save(scratch("root/dir/b"), "b", 1, 0600));
    CHECK_OK(weft_file_save(scratch("secret"), "s", 1, 0600));
    if (has_links()) {
        CHECK_OK(symlink("dir", scratch("root/in")));
        CHECK_OK(symlink("..", scratch("root/out")));
        CHECK_OK(symlink("/", scratch("root/abs")));
        CHECK_OK(symlink("loop", scratch("root/loop")));
    }
    int dir = weft_open(scratch("root"), O_RDONLY | O_DIRECTORY, 0);
    CHECK_OK(dir);
    return dir;
}

struct row {
    const char *path;
    int expected; /* 0: opened */
    int without;  /* with links refused */
};

static const struct row rows[] = {
    {"a", 0, 0},
    {"dir/b", 0, 0},
    {"dir//b", 0, 0},
    {"./dir/./b", 0, 0},
    {"dir", 0, 0},
    {"", -ENOENT, -ENOENT},
    {"none", -ENOENT, -ENOENT},
    {"dir/none", -ENOENT, -ENOENT},
    {"a/b", -ENOTDIR, -ENOTDIR},
    {"../secret", -EXDEV, -EXDEV},
    {"..", -EXDEV, -EXDEV},
    {"dir/../../secret", -EXDEV, -EXDEV},
    {"/etc/passwd", -EXDEV, -EXDEV},
};

static const struct row link_rows[] = {
    {"in/b", 0, -ELOOP},
    {"in", 0, -ELOOP},
    {"out", -EXDEV, -ELOOP},
    {"out/secret", -EXDEV, -ELOOP},
    {"abs/etc/passwd", -EXDEV, -ELOOP},
    {"loop", -ELOOP, -ELOOP},
};

static void check_row(int dir, const struct row *row, bool refuses)
{
    note("%s", row->path);
    int fd = weft_open_beneath(dir, row->path, O_RDONLY, refuses ? WEFT_BENEATH_NO_LINKS : 0);
    CHECK_EQ(fd < 0 ? fd : 0, refuses ? row->without : row->expected);
    if (fd >= 0)
        CHECK_OK(weft_close(fd));
}

TASK_TEST(class_23_nothing_outside_of_the_directory_is_opened)
{
    int dir = make_tree();
    for (int refuses = 0; refuses < 2; refuses++) {
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
            check_row(dir, &rows[i], refuses);
        for (size_t i = 0; follows_links() && i < sizeof link_rows / sizeof link_rows[0]; i++)
            check_row(dir, &link_rows[i], refuses);
    }
    CHECK_EQ(weft_open_beneath(dir, "a", O_RDWR, 0), -EINVAL);
    CHECK_EQ(weft_open_beneath(dir, "new", O_RDONLY | O_CREAT, 0), -EINVAL);
    CHECK_OK(weft_close(dir));
    scratch_clean(0);
}

/* What a kernel without openat2 gets: every link is refused. */
TASK_TEST(class_23_the_walk_by_hand_opens_nothing_outside_either)
{
    if (!has_links())
        return;
    int dir = make_tree();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        note("%s", rows[i].path);
        int fd = wf_host_walk_beneath(dir, rows[i].path, O_RDONLY);
        bool goes_up = strstr(rows[i].path, "..") != NULL;
        CHECK_EQ(fd < 0 ? fd : 0, goes_up ? -EXDEV : rows[i].without);
        if (fd >= 0)
            close(fd);
    }
    for (size_t i = 0; i < sizeof link_rows / sizeof link_rows[0]; i++) {
        int fd = wf_host_walk_beneath(dir, link_rows[i].path, O_RDONLY);
        note("%s", link_rows[i].path);
        CHECK(fd == -ELOOP || fd == -ENOTDIR); /* O_DIRECTORY tells it so */
    }
    CHECK_OK(weft_close(dir));
    scratch_clean(0);
}

/* A link swapped in behind our back is what a race does; the kernel judges each step. */
TASK_TEST(class_23_a_directory_that_becomes_a_link_leads_nowhere)
{
    if (!follows_links())
        return;
    int dir = make_tree();
    CHECK_OK(weft_rename(scratch("root/dir"), scratch("root/old")));
    CHECK_OK(symlink("../..", scratch("root/dir")));
    CHECK_EQ(weft_open_beneath(dir, "dir/secret", O_RDONLY, 0), -EXDEV);
    CHECK_EQ(weft_open_beneath(dir, "dir", O_RDONLY, 0), -EXDEV);
    CHECK_OK(weft_close(dir));
    scratch_clean(0);
}

SCENARIO_WITH(opening_beneath_with_anything_failing, scratch_clean)
{
    scratch_make();
    int rc = weft_file_save(scratch("a"), "a", 1, 0600);
    int dir = rc < 0 ? rc : weft_open(scratch(""), O_RDONLY | O_DIRECTORY, 0);
    int fd = dir < 0 ? dir : weft_open_beneath(dir, "a", O_RDONLY, 0);
    int closed = fd < 0 ? 0 : weft_close(fd);
    if (dir >= 0)
        (void)weft_close(dir);
    return fd < 0 ? fd : closed;
}
