/* SPDX-License-Identifier: MIT */

#include "service/registry.h"

#include "base/alloc.h"

#include <string.h>

void registry_init(struct registry *registry, size_t count_max)
{
    *registry = (struct registry){.count_max = count_max};
    pthread_mutex_init(&registry->lock, NULL);
    wf_list_init(&registry->items);
}

void registry_fini(struct registry *registry)
{
    for (wf_list *link; (link = wf_list_pop(&registry->items)) != NULL;)
        registry_release(wf_container(link, struct named, link));
    pthread_mutex_destroy(&registry->lock);
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool registry_is_name(weft_str name)
{
    if (name.len == 0 || name.len > REGISTRY_NAME_MAX || !is_alnum(name.ptr[0]))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (!is_alnum(name.ptr[i]) && strchr("-_.", name.ptr[i]) == NULL)
            return false;
    }
    return true;
}

/* ---- looking up ---- */

static int compare(const struct named *named, weft_str name)
{
    int order = strncmp(named->name, name.ptr, name.len);
    return order != 0 ? order : named->name[name.len] != '\0';
}

/* The first that is not before `name`; the lock is held. */
static wf_list *find_place(struct registry *registry, weft_str name, bool *out_is_there)
{
    *out_is_there = false;
    wf_list_each (link, &registry->items) {
        int order = compare(wf_container(link, struct named, link), name);
        *out_is_there = order == 0;
        if (order >= 0)
            return link;
    }
    return &registry->items;
}

struct named *registry_hold(struct named *named)
{
    __atomic_add_fetch(&named->holders, 1, __ATOMIC_RELAXED);
    return named;
}

struct named *registry_get(struct registry *registry, weft_str name)
{
    bool is_there;
    if (!registry_is_name(name))
        return NULL;
    pthread_mutex_lock(&registry->lock);
    wf_list *place = find_place(registry, name, &is_there);
    struct named *named = is_there ? registry_hold(wf_container(place, struct named, link)) : NULL;
    pthread_mutex_unlock(&registry->lock);
    return named;
}

bool registry_has(struct registry *registry, const struct named *named)
{
    pthread_mutex_lock(&registry->lock);
    bool is_there = !wf_list_is_empty(&named->link);
    pthread_mutex_unlock(&registry->lock);
    return is_there;
}

void registry_release(struct named *named)
{
    if (named == NULL || __atomic_sub_fetch(&named->holders, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    weft_m_close(named->matcher);
    wf_free(named);
}

/* ---- changing ---- */

bool registry_has_room(struct registry *registry, weft_str name)
{
    bool is_there;
    pthread_mutex_lock(&registry->lock);
    (void)find_place(registry, name, &is_there);
    bool has_room = is_there || registry->count < registry->count_max;
    pthread_mutex_unlock(&registry->lock);
    return has_room;
}

/* What it takes the place of is in *out_old.  The lock is held. */
static int enter(struct registry *registry, struct named *named, struct named **out_old)
{
    bool is_there;
    wf_list *place = find_place(registry, weft_str_of(named->name), &is_there);
    if (!is_there && registry->count >= registry->count_max)
        return -WEFT_ELIMIT;
    wf_list_append(place, &named->link); /* in front of it */
    if (!is_there) {
        registry->count++;
        return 0;
    }
    wf_list_remove(place);
    *out_old = wf_container(place, struct named, link);
    return 1;
}

int registry_put(struct registry *registry, weft_str name, weft_matcher *matcher)
{
    struct named *named = wf_alloc(sizeof(*named)), *old = NULL;
    if (named == NULL) {
        weft_m_close(matcher);
        return -ENOMEM;
    }
    *named = (struct named){.matcher = matcher, .holders = 1};
    memcpy(named->name, name.ptr, name.len);
    pthread_mutex_lock(&registry->lock);
    int rc = enter(registry, named, &old);
    pthread_mutex_unlock(&registry->lock);
    registry_release(rc < 0 ? named : old);
    return rc;
}

int registry_remove(struct registry *registry, weft_str name)
{
    bool is_there;
    if (!registry_is_name(name))
        return -ENOENT;
    pthread_mutex_lock(&registry->lock);
    wf_list *place = find_place(registry, name, &is_there);
    if (is_there) {
        wf_list_remove(place);
        registry->count--;
    }
    pthread_mutex_unlock(&registry->lock);
    if (!is_there)
        return -ENOENT;
    registry_release(wf_container(place, struct named, link));
    return 0;
}

/* ---- all ---- */

int registry_list(struct registry *registry, struct named ***out)
{
    struct named **list = wf_array(registry->count_max, sizeof(struct named *));
    size_t count = 0;
    if (list == NULL)
        return -ENOMEM;
    pthread_mutex_lock(&registry->lock);
    wf_list_each (link, &registry->items)
        list[count++] = registry_hold(wf_container(link, struct named, link));
    pthread_mutex_unlock(&registry->lock);
    *out = list;
    return (int)count;
}

void registry_list_free(struct named **list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        registry_release(list[i]);
    wf_free(list);
}
