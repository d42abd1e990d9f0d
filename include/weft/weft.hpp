/* SPDX-License-Identifier: MIT */

/*
 * Weft in C++17: scopes, groups, tasks, locks and generators as objects, lambdas as bodies.
 *
 *     weft::group group;
 *     for (page &p : pages)
 *         group.spawn([&p] { return fetch(p); });
 *     return group.wait();
 *
 * The C calls remain what they are (weft_sleep(), weft_send() …); this header adds what C++ can do
 * better: objects that close themselves, and bodies that capture.
 *
 * Errors are codes, as in C, and everything that returns one is [[nodiscard]].  Not exceptions:
 * every wait can say -ECANCELED, which is no exceptional thing; destructors wait too, and must not
 * throw; and what a task came to has to reach loops, threads and C code unchanged.  Your own
 * exceptions work as ever inside a body, through any number of these objects, and the objects close
 * in order.  An exception that leaves a lambda given to this header ends there: it becomes the
 * result of that body, with its what() as weft_error_text(), and so the error of the task, the
 * group or the generator:
 *
 *     std::bad_alloc       -ENOMEM
 *     std::system_error    the negative errno, if it has one
 *     anything else        -WEFT_EEXCEPTION
 *
 * An exception that leaves a plain weft_fn, one given to the C calls, ends the program by
 * std::terminate().  While an exception is being handled a task may wait, and a generator's body
 * may yield; others may throw meanwhile.
 *
 * Lifetime.  No task outlives what started it, so lambdas may capture by reference all that was
 * declared before the object that owns the task: the group, the task, the generator.  What is
 * declared behind it is gone when its destructor waits.
 */
#ifndef WEFT_WEFT_HPP
#define WEFT_WEFT_HPP

#if !defined(__cplusplus) || __cplusplus < 201703L
#error "weft.hpp needs C++17"
#endif

#include <weft.h>

#include <chrono>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <new>
#include <system_error>
#include <type_traits>
#include <utility>

namespace weft
{

/* A length of time: weft_time or any of std::chrono, so that both WEFT_SEC and 1s work. */
class duration
{
  public:
    constexpr duration(weft_time ns) noexcept : ns_(ns)
    {
    }
    template <class Rep, class Period>
    constexpr duration(std::chrono::duration<Rep, Period> time) noexcept
        : ns_(std::chrono::duration_cast<std::chrono::nanoseconds>(time).count())
    {
    }
    constexpr operator weft_time() const noexcept
    {
        return ns_;
    }

  private:
    weft_time ns_;
};

[[nodiscard]] inline int sleep(duration time) noexcept
{
    return weft_sleep(time);
}

namespace detail
{

/* What the running exception is as a code; its text goes with the task. */
inline int caught() noexcept
{
#if defined(__cpp_exceptions)
    try {
        throw;
    } catch (const std::bad_alloc &) {
        return -ENOMEM;
    } catch (const std::system_error &error) {
        const std::error_category &kind = error.code().category();
        bool is_errno = kind == std::generic_category() || kind == std::system_category();
        int number = error.code().value();
        int rc = is_errno && number > 0 && number < 4096 ? -number : -WEFT_EEXCEPTION;
        return weft_fail(rc, "%s", error.what());
    } catch (const std::exception &error) {
        return weft_fail(-WEFT_EEXCEPTION, "%s", error.what());
    } catch (...) {
        return weft_fail(-WEFT_EEXCEPTION, "an exception that is no std::exception");
    }
#else
    return -WEFT_EEXCEPTION;
#endif
}

/* Calls a body, which returns an int or nothing; an exception becomes its result. */
template <class Fn, class... Args> int call(Fn &fn, Args &&...args) noexcept
{
    using result = std::invoke_result_t<Fn &, Args...>;
    static_assert(std::is_void_v<result> || std::is_convertible_v<result, int>,
                  "a body returns >= 0, a negative code, or nothing");
#if defined(__cpp_exceptions)
    try {
#endif
        if constexpr (std::is_void_v<result>) {
            fn(std::forward<Args>(args)...);
            return 0;
        } else {
            return fn(std::forward<Args>(args)...);
        }
#if defined(__cpp_exceptions)
    } catch (...) {
        return caught();
    }
#endif
}

/* As a weft_fn: of a closure that stays where it is, and of one that this call owns. */
template <class Fn> int body(void *fn) noexcept
{
    return call(*static_cast<Fn *>(fn));
}
template <class Fn> int owned_body(void *fn) noexcept
{
    std::unique_ptr<Fn> owned(static_cast<Fn *>(fn));
    return call(*owned);
}

/* Others know its address: neither copied nor moved. */
class pinned
{
  public:
    pinned(const pinned &) = delete;
    pinned &operator=(const pinned &) = delete;

  protected:
    pinned() = default;
    ~pinned() = default;
};

} // namespace detail

/* ---- run ---- */

/* Starts a loop, runs fn in it as the main task and gives its result; inside a task calls it right
 * there, in a scope of its own. */
template <class Fn> [[nodiscard]] int run(Fn &&fn, const weft_config *config = nullptr) noexcept
{
    auto here = [&fn] { return fn(); };
    return weft_run_with(config, detail::body<decltype(here)>, &here);
}

/* The same for main(): gives the exit status, and says on standard error what failed. */
template <class Fn>
[[nodiscard]] int run_main(Fn &&fn, const weft_config *config = nullptr) noexcept
{
    auto here = [&fn] { return fn(); };
    return weft_main_with(config, detail::body<decltype(here)>, &here);
}

/* Runs fn on a thread, for what blocks or what computes, waits for it and gives its result. */
template <class Fn> [[nodiscard]] int run_blocking(Fn &&fn) noexcept
{
    auto here = [&fn] { return fn(); };
    return weft_run_blocking(detail::body<decltype(here)>, &here);
}
template <class Fn> [[nodiscard]] int run_cpu(Fn &&fn) noexcept
{
    auto here = [&fn] { return fn(); };
    return weft_run_cpu(detail::body<decltype(here)>, &here);
}

/* ---- scopes ---- */

/* A stretch of this task's execution, to the end of the block, that can be cancelled by itself:
 * see <weft/scope.h>. */
class scope : detail::pinned
{
  public:
    explicit scope(weft_time deadline = WEFT_FOREVER, unsigned flags = 0) noexcept
    {
        (void)weft_scope_open(&scope_, deadline, flags);
    }
    ~scope()
    {
        weft_scope_end_(&scope_);
    }

    /* Leaves it now and translates rc: an -ECANCELED that this scope caused becomes -ETIMEDOUT or,
     * after cancel(), 0. */
    [[nodiscard]] int close(int rc) noexcept
    {
        return weft_scope_close(&scope_, rc);
    }

    void cancel(const char *why = nullptr) noexcept /* `why` is a literal */
    {
        weft_scope_cancel(&scope_, why);
    }
    bool expired() const noexcept
    {
        return weft_scope_expired(&scope_);
    }
    weft_scope *get() noexcept
    {
        return &scope_;
    }

  private:
    weft_scope scope_;
};

/* At most so long, to the end of the block. */
class timeout : public scope
{
  public:
    explicit timeout(duration time) noexcept : scope(weft_after(time))
    {
    }
};

/* Time for clean-up: deaf to cancellation from outside, itself bounded. */
class shield : public scope
{
  public:
    explicit shield(duration time) noexcept : scope(weft_after(time), WEFT_SCOPE_SHIELD)
    {
    }
};

/* Calls fn under a deadline: -ETIMEDOUT if that cut it short. */
template <class Fn> [[nodiscard]] int wait_for(duration time, Fn &&fn) noexcept
{
    timeout limit(time);
    return limit.close(detail::call(fn));
}

/* ---- tasks ---- */

/* One child, running a closure that lives in this object; made by spawn().  The end of the block
 * cancels it, unless it is done, and waits for it. */
template <class Fn> class task : detail::pinned
{
  public:
    template <class Body>
    task(Body &&fn, const char *site)
        : fn_(std::forward<Body>(fn)), task_(weft_spawn_at(detail::body<Fn>, &fn_, site))
    {
    }
    ~task()
    {
        int rc = 0;
        if (weft_done(task_, &rc) == 0) {
            weft_cancel(task_, "its owner left the block");
            scope deaf(WEFT_FOREVER, WEFT_SCOPE_SHIELD | WEFT_SCOPE_ENDLESS);
            rc = weft_await(task_);
        }
        if (rc < 0 && rc != -ECANCELED && !was_asked_)
            weft_log("a task that nobody awaited failed: %s", weft_strerror(rc));
        weft_release(task_);
    }

    /* Its result.  -ECANCELED also if this task is cancelled: the child then still runs. */
    [[nodiscard]] int await() noexcept
    {
        was_asked_ = true;
        return weft_await(task_);
    }
    [[nodiscard]] int await_for(duration time) noexcept
    {
        was_asked_ = true;
        return weft_await_for(task_, time);
    }
    int cancel(const char *why = nullptr) noexcept /* `why` is a literal */
    {
        return weft_cancel(task_, why);
    }

    /* For the C calls: weft_gather(a, b), weft_select(WEFT_CASE_DONE(a, &rc), …). */
    operator weft_task() const noexcept
    {
        was_asked_ = true;
        return task_;
    }

  private:
    Fn fn_;
    weft_task task_;
    mutable bool was_asked_ = false;
};

/* Starts fn as a child of this task.  It is named after the calling function; WEFT_SITE("name")
 * gives another name and the line.
 *
 *     auto user = weft::spawn([&] { return fetch(page.user); });
 *     auto posts = weft::spawn([&] { return fetch(page.posts); });
 *     return weft_gather(user, posts);
 */
template <class Fn>
[[nodiscard]] task<std::decay_t<Fn>> spawn(Fn &&fn, const char *site = __builtin_FUNCTION())
{
    return task<std::decay_t<Fn>>(std::forward<Fn>(fn), site);
}

/* ---- groups ---- */

/* Any number of tasks that belong together: the first failure cancels the others and the owner's
 * waits in the block, and nobody leaves before all have ended; see <weft/group.h>. */
class group : detail::pinned
{
  public:
    group() noexcept : group_(weft_group_open())
    {
    }
    ~group()
    {
        weft_group_end_(&group_);
    }

    /* Starts fn, which is moved into memory of its own.  If that fails (-ENOMEM, -EAGAIN), fn does
     * not run, the group is cancelled, and wait() returns that error: no need to look here. */
    template <class Fn> int spawn(Fn &&fn, const char *site = __builtin_FUNCTION())
    {
        using closure = std::decay_t<Fn>;
        auto *owned = new (std::nothrow) closure(std::forward<Fn>(fn));
        int rc = -ENOMEM;
        if (owned != nullptr)
            rc = weft_group_spawn_at(group_, detail::owned_body<closure>, owned, site);
        if (rc < 0) {
            delete owned;
            note_failure(rc);
        }
        return rc;
    }

    /* Starts fn and waits until it calls weft_started(); its error if it ends before. */
    template <class Fn> [[nodiscard]] int start(Fn &&fn, const char *site = __builtin_FUNCTION())
    {
        using closure = starting<std::decay_t<Fn>>;
        bool has_begun = false;
        auto *owned = new (std::nothrow) closure{std::forward<Fn>(fn), &has_begun};
        if (owned == nullptr)
            return -ENOMEM;
        int rc = weft_group_start_at(group_, detail::owned_body<closure>, owned, site);
        if (!has_begun)
            delete owned;
        return rc;
    }

    void cancel(const char *why = nullptr) noexcept /* `why` is a literal */
    {
        weft_group_cancel(group_, why);
    }

    /* Waits for all: the error of a spawn(), else the first of a member, else -ECANCELED if
     * cancelled from outside, else 0. */
    [[nodiscard]] int wait() noexcept
    {
        int rc = weft_group_wait(group_);
        return failed_ < 0 ? failed_ : rc;
    }

    operator weft_group() const noexcept
    {
        return group_;
    }

  private:
    /* A body that tells who starts it that it runs, and so has been taken. */
    template <class Fn> struct starting {
        Fn fn;
        bool *has_begun;
        auto operator()()
        {
            *has_begun = true;
            return fn();
        }
    };

    void note_failure(int rc) noexcept
    {
        if (rc == -ECANCELED || failed_ < 0)
            return;
        failed_ = rc;
        weft_group_cancel(group_, "a member could not be started");
    }

    weft_group group_;
    int failed_ = 0;
};

/* ---- locks ---- */

/* Holds a weft_mutex to the end of the block; look whether it was got:
 *
 *     weft::lock held(mutex);
 *     if (!held)
 *         return held.error();
 */
class lock : detail::pinned
{
  public:
    explicit lock(weft_mutex &mutex) noexcept : mutex_(&mutex), rc_(weft_lock(&mutex))
    {
    }
    ~lock()
    {
        unlock();
    }
    explicit operator bool() const noexcept
    {
        return rc_ == 0;
    }
    int error() const noexcept /* 0, or what weft_lock() said */
    {
        return rc_;
    }
    void unlock() noexcept /* early */
    {
        if (rc_ == 0)
            weft_unlock(mutex_);
        rc_ = -EPERM;
    }

  private:
    weft_mutex *mutex_;
    int rc_;
};

/* ---- generators ---- */

/* Values of a generator, for the range-for.  Takes over one of <weft/gen.h> and closes it when it
 * goes.  An error ends the loop; ask for it behind:
 *
 *     weft::values<int> numbers(weft_gen_open(countdown, &from));
 *     for (int number : numbers)
 *         …
 *     return numbers.error();
 */
template <class T> class values : detail::pinned
{
    static_assert(std::is_trivially_copyable_v<T>, "values are copied byte by byte");

  public:
    explicit values(weft_gen *gen) noexcept : gen_(gen)
    {
    }
    ~values()
    {
        weft_gen_close(gen_);
    }

    class iterator
    {
      public:
        using iterator_category = std::input_iterator_tag;
        using value_type = T;
        using difference_type = std::ptrdiff_t;
        using pointer = const T *;
        using reference = const T &;

        reference operator*() const noexcept
        {
            return from_->value_;
        }
        iterator &operator++() noexcept
        {
            from_->next();
            return *this;
        }
        bool operator!=(std::nullptr_t) const noexcept
        {
            return from_->rc_ > 0;
        }

      private:
        friend class values;
        explicit iterator(values *from) noexcept : from_(from)
        {
        }
        values *from_;
    };

    iterator begin() noexcept
    {
        next();
        return iterator(this);
    }
    std::nullptr_t end() const noexcept
    {
        return nullptr;
    }

    /* 0, or what ended it. */
    [[nodiscard]] int error() const noexcept
    {
        return rc_ < 0 ? rc_ : 0;
    }

  private:
    void next() noexcept
    {
        rc_ = weft_gen_next(gen_, &value_);
    }

    weft_gen *gen_;
    int rc_ = 0;
    T value_{};
};

/* In the body of a generator: hands out values. */
template <class T> class yielder
{
  public:
    explicit yielder(weft_gen *gen) noexcept : gen_(gen)
    {
    }

    /* 0 when the next is wanted; negative: clean up and return it. */
    [[nodiscard]] int operator()(const T &value) const noexcept
    {
        return weft_gen_yield(gen_, &value);
    }

  private:
    weft_gen *gen_;
};

namespace detail
{

/* The closure of a generator, and then the generator, which goes first. */
template <class Fn> struct gen_body {
    Fn fn;
};
template <class T, class Fn> class generator : gen_body<Fn>, public values<T>
{
  public:
    template <class Body>
    generator(Body &&body, const char *site)
        : gen_body<Fn>{std::forward<Body>(body)}, values<T>(weft_gen_open_at(step, &this->fn, site))
    {
    }

  private:
    static int step(weft_gen *self, void *fn) noexcept
    {
        return call(*static_cast<Fn *>(fn), yielder<T>(self));
    }
};

} // namespace detail

/* A generator whose body is fn(yielder<T>), for the range-for; it belongs to the block it is in.
 *
 *     auto squares = weft::generate<int>([](auto yield) {
 *         for (int i = 1; i <= 10; i++)
 *             WEFT_TRY(yield(i * i));
 *         return 0;
 *     });
 *     for (int square : squares)
 *         …
 *
 * Do not yield inside a catch block: what is being handled is the task's, not the generator's. */
template <class T, class Fn>
[[nodiscard]] detail::generator<T, std::decay_t<Fn>>
generate(Fn &&fn, const char *site = __builtin_FUNCTION())
{
    return detail::generator<T, std::decay_t<Fn>>(std::forward<Fn>(fn), site);
}

} // namespace weft

#endif
