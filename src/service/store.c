/* SPDX-License-Identifier: MIT */

#include "service/store.h"

#include "service/leftover.h"
#include "service/service.h"

#include <weft/error.h>
#include <weft/file.h>
#include <weft/review.h>

#include <stdio.h>
#include <string.h>

static const char suffix[] = "." STORE_MATCHER;
#define SUFFIX_BYTES (sizeof(suffix) - 1)

void store_init(struct store *store, struct registry *registry)
{
    *store = (struct store){.registry = registry};
    pthread_mutex_init(&store->lock, NULL);
    bell_init(&store->left);
}

void store_fini(struct store *store)
{
    pthread_mutex_destroy(&store->lock);
}

static int fail(weft_m_error *error, int rc, const char *path)
{
    *error = (weft_m_error){.rc = rc, .limit = -1, .seen = -1, .offset = -1, .entity_index = -1};
    snprintf(error->message, sizeof(error->message), "%.300s: %s", path, weft_strerror(rc));
    return rc;
}

int store_path(const struct store *store, weft_str name, const char *kind, char path[PATH_MAX])
{
    if (store->dir == NULL)
        return -ENOTDIR;
    int bytes = snprintf(path, PATH_MAX, "%s/%.*s.%s", store->dir, (int)name.len, name.ptr, kind);
    return bytes < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* The library shows this much of a path; see weft_m_save(). */
#define SHOWN_MAX 300

void store_hide(const struct store *store, weft_m_error *error)
{
    size_t dir = store->dir != NULL ? strlen(store->dir) : 0;
    size_t shown = dir + 1 < SHOWN_MAX ? dir + 1 : SHOWN_MAX;
    char *text = error->message;
    if (dir == 0 || strlen(text) < shown ||
        strncmp(text, store->dir, shown < dir ? shown : dir) != 0 ||
        (shown > dir && text[dir] != '/'))
        return;
    memmove(text, text + shown, strlen(text + shown) + 1);
}

/* ---- beginning ---- */

static int load_one(struct store *store, weft_str name, struct measures *measures,
                    weft_m_error *error)
{
    char path[PATH_MAX];
    weft_m_options options;
    weft_matcher *matcher;
    weft_m_options_init(&options);
    options.metric = measures_take;
    options.metric_arg = measures;
    options.check_hierarchy = true;
    int rc = store_path(store, name, STORE_MATCHER, path);
    if (rc < 0)
        return fail(error, rc, store->dir);
    rc = weft_m_load(&matcher, path, &options, error);
    if (rc < 0)
        return rc;
    rc = registry_put(store->registry, name, matcher);
    if (rc == -WEFT_ELIMIT) {
        (void)fail(error, rc, path);
        snprintf(error->message, sizeof(error->message),
                 "%.300s has more matchers than may be (limit %zu)", store->dir,
                 store->registry->count_max);
        return rc;
    }
    return rc < 0 ? fail(error, rc, path) : 0;
}

/* The name in "NAME.weftm"; empty for another file. */
static weft_str name_of(const char *file)
{
    size_t bytes = strlen(file);
    weft_str name = {file, bytes > SUFFIX_BYTES ? bytes - SUFFIX_BYTES : 0};
    bool is_ours = name.len != 0 && strcmp(file + name.len, suffix) == 0 && registry_is_name(name);
    return is_ours ? name : (weft_str){"", 0};
}

/* A save that was killed leaves "NAME.weftm.tmp-…". */
static int drop_leftover(const struct store *store, const char *file)
{
    char path[PATH_MAX], saved[NAME_MAX + 1];
    size_t bytes = leftover_file_bytes(file);
    if (bytes == 0 || bytes >= sizeof(saved))
        return 0;
    memcpy(saved, file, bytes);
    saved[bytes] = '\0';
    if (name_of(saved).len == 0 ||
        snprintf(path, sizeof(path), "%s/%s", store->dir, file) >= PATH_MAX)
        return 0;
    return leftover_remove(path, LEFTOVER_AGE);
}

int store_load(struct store *store, struct measures *measures, weft_m_error *error)
{
    weft_dir *dir;
    weft_dir_entry entry;
    if (store->dir == NULL)
        return 0;
    int rc = weft_dir_open(&dir, store->dir);
    if (rc < 0)
        return fail(error, rc, store->dir);
    while ((rc = weft_dir_next(dir, &entry)) > 0) {
        weft_str name = name_of(entry.name);
        rc = name.len != 0 ? load_one(store, name, measures, error)
                           : drop_leftover(store, entry.name);
        if (rc < 0)
            break;
        *error = (weft_m_error){0};
    }
    weft_dir_close(dir);
    return rc < 0 && error->rc == 0 ? fail(error, rc, store->dir) : rc;
}

/* ---- writing ---- */

static int enter(struct store *store)
{
    int rc = 0;
    pthread_mutex_lock(&store->lock);
    while (store->is_entered && rc == 0)
        rc = bell_wait(&store->left, &store->lock);
    if (rc == 0)
        store->is_entered = true;
    pthread_mutex_unlock(&store->lock);
    return rc;
}

void store_leave(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    store->is_entered = false;
    bell_ring(&store->left);
    pthread_mutex_unlock(&store->lock);
}

int store_enter(struct store *store, const struct named *named)
{
    WEFT_TRY(enter(store));
    if (registry_has(store->registry, named))
        return 0;
    store_leave(store);
    return -ESTALE;
}

int store_save(struct store *store, const struct named *named, weft_m_error *error)
{
    char path[PATH_MAX];
    *error = (weft_m_error){0};
    int rc = store_path(store, weft_str_of(named->name), STORE_MATCHER, path);
    if (rc < 0)
        return rc == -ENOTDIR ? rc : fail(error, rc, store->dir);
    rc = store_enter(store, named);
    if (rc < 0)
        return rc;
    rc = weft_m_save(named->matcher, path, error);
    store_leave(store);
    return rc;
}

/* The matcher's own last: while it is there the rest is of something. */
static int remove_files(struct store *store, weft_str name, weft_m_error *error)
{
    char path[PATH_MAX], matcher[PATH_MAX];
    WEFT_TRY(store_path(store, name, STORE_PROFILE, path));
    int rc = weft_unlink(path);
    if (rc < 0 && rc != -ENOENT)
        return fail(error, rc, path);
    WEFT_TRY(store_path(store, name, STORE_REVIEWS, path));
    WEFT_TRY(store_path(store, name, STORE_MATCHER, matcher));
    return weft_m_reviews_remove(path, matcher, error);
}

static int remove_both(struct store *store, weft_str name, weft_m_error *error)
{
    if (store->dir != NULL)
        WEFT_TRY(remove_files(store, name, error));
    return registry_remove(store->registry, name);
}

int store_remove(struct store *store, weft_str name, weft_m_error *error)
{
    *error = (weft_m_error){0};
    if (!registry_is_name(name))
        return -ENOENT;
    WEFT_TRY(enter(store));
    int rc = remove_both(store, name, error);
    store_leave(store);
    return rc;
}
