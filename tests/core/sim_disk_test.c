/* SPDX-License-Identifier: MIT */

/* The simulated disk beside a real one: the same calls, by a seed, must get the same answers. */

#include "core/scratch.h"
#include "harness/harness.h"

#include <weft.h>

#include "base/sys.h"
#include "core/backend/dirent.h"

#include <fcntl.h>

#define STEPS 400
#define NAMES 8
#define OPEN_MAX_ 3

static const char *const names[NAMES] = {"a", "b", "d", "d/a", "d/e", "d/e/a", "a/x", "d/../b"};
static const int open_flags[] = {
    O_RDONLY,
    O_WRONLY,
    O_RDWR | O_CREAT,
    O_RDWR | O_CREAT | O_EXCL,
    O_WRONLY | O_CREAT | O_TRUNC,
    O_RDWR | O_APPEND,
    O_RDONLY | O_DIRECTORY,
};

/* One of the two disks: its calls, where it begins, what is open on it. */
struct disk {
    const weft_platform *platform;
    const char *root;
    int fds[OPEN_MAX_];
    char trace[STEPS][48]; /* what each step answered */
};

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static const char *disk_path(const struct disk *disk, uint64_t random)
{
    static char paths[2][160];
    static unsigned next;
    char *path = paths[next++ % 2];
    snprintf(path, sizeof paths[0], "%s/%s", disk->root, names[random % NAMES]);
    return path;
}

static int disk_open(struct disk *disk, uint64_t *random)
{
    size_t slot = next_random(random) % OPEN_MAX_;
    int flags = open_flags[next_random(random) % (sizeof open_flags / sizeof open_flags[0])];
    if (disk->fds[slot] >= 0)
        disk->platform->close(disk->fds[slot]);
    int rc = disk->platform->open(disk_path(disk, next_random(random)), flags, 0600);
    disk->fds[slot] = rc < 0 ? -1 : rc;
    return rc < 0 ? rc : 0;
}

static int disk_transfer(struct disk *disk, uint64_t *random, bool writes)
{
    char buf[700];
    int fd = disk->fds[next_random(random) % OPEN_MAX_];
    size_t bytes = next_random(random) % sizeof buf;
    int64_t offset = (int64_t)(next_random(random) % 1500);
    bool is_placed = next_random(random) % 2 == 0;
    if (fd < 0)
        return 0;
    memset(buf, 'a' + (int)(bytes % 26), sizeof buf);
    ssize_t rc;
    if (writes)
        rc = is_placed ? disk->platform->pwrite(fd, buf, bytes, offset)
                       : disk->platform->write(fd, buf, bytes);
    else
        rc = is_placed ? disk->platform->pread(fd, buf, bytes, offset)
                       : disk->platform->read(fd, buf, bytes);
    int sum = 0;
    for (ssize_t i = 0; i < rc; i++)
        sum = sum * 31 % 65521 + (unsigned char)buf[i];
    return rc < 0 ? (int)rc : (int)rc * 65536 + sum;
}

static int disk_stat(struct disk *disk, uint64_t *random)
{
    struct statx info;
    int rc = disk->platform->statx(AT_FDCWD, disk_path(disk, next_random(random)), 0, &info);
    if (rc < 0)
        return rc;
    return S_ISDIR(info.stx_mode) ? 1000000 : (int)info.stx_size;
}

/* How many entries, and the sum of their names, whatever their order is. */
static int disk_list(struct disk *disk, uint64_t *random)
{
    _Alignas(8) char mem[4096];
    int fd = disk->platform->open(disk_path(disk, next_random(random)), O_RDONLY | O_DIRECTORY, 0);
    int sum = 0;
    if (fd < 0)
        return fd;
    for (ssize_t count; (count = disk->platform->readdir(fd, mem, sizeof mem)) > 0;) {
        for (ssize_t at = 0; at < count;) {
            const struct wf_dirent *entry = (const void *)(mem + at);
            if (entry->name[0] != '.')
                sum += 100 + entry->name[0] + (entry->type == WF_DIRENT_DIR);
            at += entry->bytes;
        }
    }
    disk->platform->close(fd);
    return sum;
}

static int disk_step(struct disk *disk, uint64_t *random, const char **out_what)
{
    static const char *const whats[] = {"open",   "open",   "read",  "write", "write", "stat",
                                        "rename", "unlink", "mkdir", "rmdir", "list",  "truncate"};
    uint64_t kind = next_random(random) % (sizeof whats / sizeof whats[0]);
    *out_what = whats[kind];
    switch (kind) {
    case 0:
    case 1:
        return disk_open(disk, random);
    case 2:
        return disk_transfer(disk, random, /* writes= */ false);
    case 3:
    case 4:
        return disk_transfer(disk, random, /* writes= */ true);
    case 5:
        return disk_stat(disk, random);
    case 6: {
        const char *from = disk_path(disk, next_random(random));
        return disk->platform->rename(from, disk_path(disk, next_random(random)));
    }
    case 7:
        return disk->platform->unlink(disk_path(disk, next_random(random)), 0);
    case 8:
        return disk->platform->mkdir(disk_path(disk, next_random(random)), 0700);
    case 9:
        return disk->platform->unlink(disk_path(disk, next_random(random)), AT_REMOVEDIR);
    case 10:
        return disk_list(disk, random);
    default: {
        int fd = disk->fds[next_random(random) % OPEN_MAX_];
        int64_t bytes = (int64_t)(next_random(random) % 2000);
        return fd < 0 ? 0 : disk->platform->truncate(fd, bytes);
    }
    }
}

static void disk_run(struct disk *disk, uint64_t seed)
{
    const char *what;
    for (size_t i = 0; i < OPEN_MAX_; i++)
        disk->fds[i] = -1;
    for (size_t i = 0; i < STEPS; i++) {
        int rc = disk_step(disk, &seed, &what);
        snprintf(disk->trace[i], sizeof disk->trace[i], "%s %d", what, rc);
    }
    for (size_t i = 0; i < OPEN_MAX_; i++)
        if (disk->fds[i] >= 0)
            disk->platform->close(disk->fds[i]);
}

struct pair {
    struct disk real, simulated;
    uint64_t seed;
};

static int run_simulated(void *arg)
{
    struct pair *pair = arg;
    pair->simulated.platform = weft_platform_get();
    pair->simulated.root = "/tmp";
    disk_run(&pair->simulated, pair->seed);
    return 0;
}

TEST(test_Z04_the_simulated_disk_answers_as_a_real_one)
{
    static struct pair pair;
    for (uint64_t seed = 0; seed < 50; seed++) {
        pair.seed = test_seed() * 1000 + seed;
        weft_sim_options options = {.short_ppm = WEFT_SIM_NEVER};
        CHECK_OK(weft_sim_run_with(&options, run_simulated, &pair));
        snprintf(scratch_dir, sizeof scratch_dir, "/tmp/weft-test-%d", (int)getpid());
        scratch_clean(0);
        CHECK_EQ(mkdir(scratch_dir, 0700), 0);
        pair.real.platform = &weft_platform_host;
        pair.real.root = scratch_dir;
        disk_run(&pair.real, pair.seed);
        scratch_clean(0);
        for (size_t i = 0; i < STEPS; i++) {
            note("seed %llu, step %zu", (unsigned long long)pair.seed, i);
            CHECK_STR(pair.simulated.trace[i], pair.real.trace[i]);
        }
    }
}

static int odd_paths(void *arg)
{
    char longest[300];
    struct stat info;
    (void)arg;
    memset(longest, 'x', sizeof longest);
    memcpy(longest, "/tmp/", 5);
    longest[299] = '\0';
    CHECK_EQ(weft_open(longest, O_RDWR | O_CREAT, 0600), -ENAMETOOLONG);
    CHECK_EQ(weft_open("", O_RDONLY, 0), -ENOENT);
    CHECK_EQ(weft_stat("tmp", &info), 0); /* relative to the root */
    CHECK_EQ(weft_stat("/../tmp/./", &info), 0);
    CHECK_EQ(weft_rmdir("/"), -EBUSY);
    CHECK_EQ(weft_rename("/tmp", "/tmp/x"), -EINVAL);
    CHECK_EQ(weft_rename("/", "/x"), -EBUSY);
    CHECK_EQ(weft_mkdir("/tmp", 0700), -EEXIST);
    int pipe[2];
    CHECK_OK(wf_sys_pipe(pipe));
    CHECK_EQ(weft_fsync(pipe[0]), -EINVAL);
    CHECK_EQ(weft_truncate(pipe[0], 0), -EINVAL);
    CHECK_EQ(weft_pwrite(pipe[1], "x", 1, 0), -ESPIPE);
    CHECK_EQ(weft_pread(pipe[0], longest, 1, 0), -ESPIPE);
    CHECK_OK(weft_close(pipe[0]));
    CHECK_OK(weft_close(pipe[1]));
    return 0;
}

TEST(test_Z04_odd_paths_of_the_simulated_disk)
{
    weft_sim_options options = {.seed = test_seed()};
    CHECK_OK(weft_sim_run_with(&options, odd_paths, NULL));
    CHECK_EQ(weft_sim_power_failure(), -EPERM);
}

/* Many changes without a sync: the oldest reach the disk by themselves, the last may be undone. */
static int many_names(void *arg)
{
    char path[32];
    struct stat info;
    int *kept = arg;
    for (int i = 0; i < 1500; i++) {
        snprintf(path, sizeof path, "/tmp/%d", i);
        CHECK_OK(wf_sys_close(wf_sys_open(path, O_WRONLY | O_CREAT, 0600)));
    }
    CHECK_OK(weft_sim_power_failure());
    for (int i = 0; i < 1500; i++) {
        snprintf(path, sizeof path, "/tmp/%d", i);
        int rc = weft_stat(path, &info);
        CHECK(rc == 0 || rc == -ENOENT);
        CHECK(rc != 0 || *kept == i); /* no gaps: they came in their order */
        *kept += rc == 0;
    }
    return 0;
}

TEST(test_Z04_names_reach_the_disk_in_their_order)
{
    int fewest = 1500, most = 0;
    for (uint64_t seed = 0; seed < 10; seed++) {
        int kept = 0;
        CHECK_OK(weft_sim_run(test_seed() + seed, many_names, &kept));
        fewest = kept < fewest ? kept : fewest;
        most = kept > most ? kept : most;
    }
    CHECK_GE(fewest, 1500 - 1024);
    CHECK_LT(fewest, most);
}
