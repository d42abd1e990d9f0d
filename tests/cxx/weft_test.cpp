/* SPDX-License-Identifier: MIT */

/* <weft/weft.hpp>: every object, and exceptions in bodies.  Speaks TAP; each test runs on each back
 * end, in virtual time.  tests/cxx/check.sh builds it by each compiler and standard. */

#include <weft/weft.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace std::chrono_literals;

static int point_count;
static bool has_failed;
static const char *backend;

static void check_at(int line, bool holds, const char *what)
{
    if (holds)
        return;
    std::printf("# line %d: %s\n", line, what);
    has_failed = true;
}
#define CHECK(cond_) check_at(__LINE__, (cond_), #cond_)
#define CHECK_TEXT(text_)                                                                          \
    check_at(__LINE__, std::string(weft_error_text()) == (text_), weft_error_text())

static std::string logged;

template <class Fn> static void test(const char *name, Fn &&fn)
{
    weft_config config = {};
    config.backend = backend;
    config.flags = WEFT_RUN_VIRTUAL_CLOCK;
    config.log = [](const char *line, void *) { logged += line; };
    config.unhandled = [](const weft_error *error, void *) { logged += error->text; };
    has_failed = false;
    logged.clear();
    int rc = weft::run(fn, &config);
    CHECK(rc >= 0);
    std::printf("%sok %d %s on %s\n", has_failed ? "not " : "", ++point_count, name, backend);
    std::fflush(stdout);
}

/* Says when it goes. */
class witness
{
  public:
    witness(std::string &trace, char letter) : trace_(trace), letter_(letter)
    {
    }
    ~witness()
    {
        trace_ += letter_;
    }

  private:
    std::string &trace_;
    char letter_;
};

[[noreturn]] static void throw_deep(int depth)
{
    weft::shield shield(1s);
    if (depth == 0)
        throw std::runtime_error("deep");
    throw_deep(depth - 1);
}

/* ---- scopes ---- */

static void scopes()
{
    {
        weft::timeout limit(5ms);
        CHECK(limit.close(weft::sleep(1s)) == -ETIMEDOUT);
        CHECK(weft_check() == 0);
    }
    {
        weft::scope scope;
        scope.cancel("enough");
        CHECK(weft::sleep(1s) == -ECANCELED);
        CHECK(std::strcmp(weft_why(), "enough") == 0);
        {
            weft::shield shield(1s);
            CHECK(weft::sleep(1ms) == 0);
        }
        CHECK(weft_check() == -ECANCELED);
        CHECK(scope.close(-ECANCELED) == 0);
    }
    CHECK(weft_check() == 0);
    CHECK(weft::wait_for(1ms, [] { return weft::sleep(1s); }) == -ETIMEDOUT);
    CHECK(weft::wait_for(1s, [] { return 7; }) == 7);
    CHECK(weft::wait_for(1s, [] {}) == 0);
}

static void exceptions_close_scopes_in_order()
{
    std::string trace;
    try {
        witness outer(trace, 'o');
        weft::timeout limit(1s);
        weft::scope cancelled;
        witness inner(trace, 'i');
        cancelled.cancel("x");
        throw_deep(10);
    } catch (const std::runtime_error &error) {
        trace += error.what();
    }
    CHECK(trace == "iodeep");
    CHECK(weft_check() == 0); /* no scope was left open, or this would be cancelled */
    CHECK(weft::sleep(2s) == 0);
    CHECK(logged.empty());
}

/* ---- tasks ---- */

static void tasks_capture_and_are_awaited()
{
    int sum = 0;
    auto one = weft::spawn([&] {
        CHECK(weft::sleep(2ms) == 0);
        return sum += 1;
    });
    auto two = weft::spawn([&, big = std::vector<int>(1000, 2)] { sum += big[999]; });
    CHECK(weft_gather(one, two) == 0);
    CHECK(sum == 3);
    CHECK(one.await() == 3 && two.await() == 0);
}

static void the_block_waits_for_its_task()
{
    std::string trace;
    {
        witness owner(trace, 'o');
        auto child = weft::spawn([&] {
            witness inner(trace, 'c');
            int rc = weft::sleep(1s);
            CHECK(rc == -ECANCELED);
            weft::shield time(1s);
            CHECK(weft::sleep(1ms) == 0);
            return rc;
        });
        CHECK(weft_yield() == 0); /* it is in its sleep */
    }
    CHECK(trace == "co");
    CHECK(logged.empty());
}

static void an_error_nobody_awaited_is_told()
{
    {
        auto lost = weft::spawn([] { return -EIO; });
        CHECK(weft::sleep(1ms) == 0);
    }
    CHECK(logged.find("Input/output error") != std::string::npos);
}

static void exceptions_become_results()
{
    auto text = weft::spawn([] { throw std::runtime_error("out of tea"); });
    CHECK(text.await() == -WEFT_EEXCEPTION);
    CHECK_TEXT("out of tea");
    auto memory = weft::spawn([]() -> int { throw std::bad_alloc(); });
    CHECK(memory.await() == -ENOMEM);
    auto system =
        weft::spawn([] { throw std::system_error(ENOSPC, std::generic_category(), "save"); });
    CHECK(system.await() == -ENOSPC);
    CHECK(std::strstr(weft_error_text(), "save") != nullptr);
    auto number = weft::spawn([] { throw 7; });
    CHECK(number.await() == -WEFT_EEXCEPTION);
    CHECK_TEXT("an exception that is no std::exception");
    CHECK(weft::wait_for(1s, [] { throw std::runtime_error("here"); }) == -WEFT_EEXCEPTION);
    CHECK(weft::run([] { throw std::runtime_error("nested"); }) == -WEFT_EEXCEPTION);
    CHECK_TEXT("nested");
}

/* ---- groups ---- */

static void groups()
{
    std::vector<int> squares(50);
    {
        weft::group group;
        for (int i = 0; i < 50; i++)
            CHECK(group.spawn([i, &squares] {
                CHECK(weft::sleep(50 - i) == 0);
                squares[(size_t)i] = i * i;
            }) == 0);
        CHECK(group.wait() == 0);
    }
    CHECK(squares[49] == 49 * 49 && squares[7] == 49);
    {
        weft::group group;
        bool is_ready = false;
        CHECK(group.start([&] {
            is_ready = true;
            weft_started();
            return weft::sleep(1ms);
        }) == 0);
        CHECK(is_ready);
        CHECK(group.start([]() -> int { throw std::runtime_error("no start"); }) ==
              -WEFT_EEXCEPTION);
        CHECK(group.wait() == 0);
    }
    {
        weft::group group;
        group.cancel("never mind");
        CHECK(group.spawn([] { CHECK(!"a body of a cancelled group ran"); }) == -ECANCELED);
        CHECK(group.start([] { CHECK(!"a body of a cancelled group ran"); }) == -ECANCELED);
        CHECK(group.wait() == 0);
    }
}

static void an_exception_fails_the_group()
{
    weft::group group;
    std::string trace;
    CHECK(group.spawn([&] {
        witness sleeper(trace, 's');
        CHECK(weft::sleep(1s) == -ECANCELED);
        return -ECANCELED;
    }) == 0);
    CHECK(group.spawn([] {
        CHECK(weft::sleep(1ms) == 0);
        throw std::out_of_range("beyond");
    }) == 0);
    CHECK(weft::sleep(10s) == -ECANCELED); /* the owner's waits too */
    CHECK(group.wait() == -WEFT_EEXCEPTION);
    CHECK_TEXT("beyond");
    CHECK(trace == "s");
}

/* The group joins its members in the middle of the unwinding, and they throw meanwhile. */
static void unwinding_waits_for_the_group()
{
    std::string trace;
    try {
        weft::group group;
        CHECK(group.spawn([&] {
            witness member(trace, 'm');
            CHECK(weft::sleep(1s) == -ECANCELED);
            try {
                throw std::runtime_error("member");
            } catch (const std::exception &error) {
                trace += error.what()[0];
                weft::shield time(1s);
                CHECK(weft::sleep(1ms) == 0);
                trace += error.what()[1];
            }
        }) == 0);
        CHECK(weft_yield() == 0);
        throw std::runtime_error("owner");
    } catch (const std::exception &error) {
        trace += error.what();
    }
    CHECK(trace == "memowner");
    CHECK(std::uncaught_exceptions() == 0);
}

/* Handlers that wait inside one another's: each must find its own exception again. */
static void handlers_may_wait()
{
    weft::group group;
    std::string trace;
    for (int i = 0; i < 8; i++)
        CHECK(group.spawn([i, &trace] {
            CHECK(std::uncaught_exceptions() == 0);
            CHECK(std::current_exception() == nullptr);
            try {
                throw std::runtime_error(std::string(64, char('a' + i)));
            } catch (const std::exception &error) {
                CHECK(weft::sleep(1 + (i * 5) % 8) == 0);
                try {
                    throw i;
                } catch (int number) {
                    CHECK(weft::sleep(1 + (i * 3) % 8) == 0);
                    CHECK(number == i);
                }
                CHECK(error.what() == std::string(64, char('a' + i)));
                try {
                    throw;
                } catch (const std::runtime_error &again) {
                    CHECK(weft_yield() == 0);
                    trace += again.what()[0];
                }
            }
            CHECK(std::current_exception() == nullptr);
        }) == 0);
    CHECK(group.wait() == 0);
    CHECK(trace.size() == 8 && std::current_exception() == nullptr);
}

/* ---- locks, threads, generators ---- */

static void locks()
{
    weft_mutex mutex = {};
    std::string trace;
    weft::group group;
    for (int i = 0; i < 3; i++)
        CHECK(group.spawn([&] {
            weft::lock held(mutex);
            CHECK(bool(held) && held.error() == 0);
            trace += '(';
            CHECK(weft::sleep(1ms) == 0);
            trace += ')';
        }) == 0);
    CHECK(group.spawn([&] {
        weft::scope scope;
        scope.cancel();
        weft::lock held(mutex);
        CHECK(!held && held.error() == -ECANCELED);
    }) == 0);
    CHECK(group.wait() == 0);
    CHECK(trace == "()()()");
    weft::lock held(mutex);
    held.unlock();
    CHECK(!weft_mutex_is_locked(&mutex));
}

static void threads()
{
    if (std::strcmp(backend, "sim") == 0)
        return;
    int seen = 0;
    CHECK(weft::run_blocking([&] { seen = 3; }) == 0);
    CHECK(weft::run_cpu([&]() -> int { throw std::bad_alloc(); }) == -ENOMEM);
    CHECK(seen == 3);
}

static int count_down(weft_gen *self, void *arg)
{
    for (int left = *static_cast<int *>(arg); left > 0; left--)
        WEFT_TRY(weft_gen_yield(self, &left));
    return -EIO;
}

static void generators()
{
    int from = 3, sum = 0;
    weft::values<int> numbers(weft_gen_open(count_down, &from));
    for (int number : numbers)
        sum += number;
    CHECK(sum == 6 && numbers.error() == -EIO);

    std::string trace;
    {
        auto squares = weft::generate<int>([&](auto yield) -> int {
            witness body(trace, 'b');
            for (int i = 1;; i++) {
                WEFT_TRY(weft::sleep(1ms));
                WEFT_TRY(yield(i * i));
            }
        });
        sum = 0;
        for (int square : squares) {
            sum += square;
            if (square == 100)
                break;
        }
        CHECK(sum == 385 && squares.error() == 0);
        trace += '|';
    }
    CHECK(trace == "|b");

    auto broken = weft::generate<int>([&](weft::yielder<int> yield) {
        CHECK(yield(1) == 0);
        throw std::runtime_error("broken");
    });
    sum = 0;
    for (int number : broken)
        sum += number;
    CHECK(sum == 1 && broken.error() == -WEFT_EEXCEPTION);
    CHECK_TEXT("broken");
    auto unused = weft::generate<int>([](auto) { CHECK(!"a generator that nobody asked ran"); });
}

/* Throws, and yields and waits in the handlers. */
static int throw_and_yield(weft_gen *self, void *arg)
{
    auto trace = static_cast<std::string *>(arg);
    for (int i = 0; i < 3; i++) {
        try {
            throw i;
        } catch (const int &number) {
            WEFT_TRY(weft_gen_yield(self, &number));
            WEFT_TRY(weft::sleep(1ms));
            try {
                throw;
            } catch (int again) {
                *trace += char('0' + again);
            } catch (const std::string &) {
                *trace += '!';
            }
        }
        CHECK(std::current_exception() == nullptr);
    }
    return 0;
}

static int leave_open_in_a_handler(void *arg)
{
    int value;
    int rc = weft_gen_next(weft_gen_open(throw_and_yield, arg), &value);
    return rc == 1 ? 0 : rc;
}

/* A consumer in a handler asks a body that stands in one; they leave them in no order. */
static void handlers_on_both_sides_of_a_step()
{
    std::string trace;
    int value = -1;
    weft_gen *gen = weft_gen_open(throw_and_yield, &trace);
    for (std::string text : {"a", "b"}) {
        try {
            throw text;
        } catch (const std::string &caught) {
            CHECK(weft_gen_next(gen, &value) == 1);
            CHECK(caught == text);
            try {
                throw;
            } catch (const std::string &again) {
                trace += again;
            } catch (int) {
                trace += '!';
            }
        }
        CHECK(std::current_exception() == nullptr);
    }
    CHECK(value == 1 && trace == "a0b");
    CHECK(weft_gen_close(gen) == 0);
    CHECK(std::current_exception() == nullptr && std::uncaught_exceptions() == 0);

    /* One that is left open is closed when its opener has ended. */
    CHECK(weft_await(weft_spawn(leave_open_in_a_handler, &trace)) == 0);
    CHECK(std::current_exception() == nullptr);
}

/* ---- what ends the program ---- */

static int throwing_body(void *)
{
    throw std::runtime_error("left a plain body");
}

/* It must not get lost in the switch: the unwinder has to find the end of the stack. */
static void a_plain_body_that_throws_terminates()
{
    int ends[2];
    if (pipe(ends) != 0)
        std::abort();
    std::fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        _exit(weft_run(throwing_body, nullptr) == 0 ? 0 : 1);
    }
    close(ends[1]);
    std::string said;
    char buf[512];
    for (ssize_t got; (got = read(ends[0], buf, sizeof buf)) > 0;)
        said.append(buf, (size_t)got);
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    bool is_clear = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
                    said.find("left a plain body") != std::string::npos;
    if (!is_clear)
        std::printf("# status %d, said: %s\n", status, said.c_str());
    std::printf("%sok %d a plain body that throws terminates the program\n", is_clear ? "" : "not ",
                ++point_count);
}

/* A day of sleep takes no time where the settings are taken. */
static void a_main_takes_settings()
{
    weft_config config = {};
    config.backend = "epoll";
    config.flags = WEFT_RUN_VIRTUAL_CLOCK;
    int status = weft::run_main([] { return weft::sleep(24h); }, &config);
    std::printf("%sok %d a main takes settings\n", status == 0 ? "" : "not ", ++point_count);
}

int main()
{
    const weft_loop_options options = {"io_uring", 0, 0, 0, 0, 0};
    weft_loop *loop = nullptr;
    bool has_uring = weft_loop_new(&loop, &options) == 0;
    weft_loop_free(loop);

    std::puts("TAP version 13");
    for (const char *name : {"sim", "epoll", "io_uring"}) {
        backend = name;
        if (std::strcmp(name, "io_uring") == 0 && !has_uring) {
            std::printf("ok %d # SKIP io_uring: not permitted\n", ++point_count);
            continue;
        }
        test("scopes", scopes);
        test("exceptions close scopes in order", exceptions_close_scopes_in_order);
        test("tasks capture and are awaited", tasks_capture_and_are_awaited);
        test("the block waits for its task", the_block_waits_for_its_task);
        test("an error nobody awaited is told", an_error_nobody_awaited_is_told);
        test("exceptions become results", exceptions_become_results);
        test("handlers on both sides of a step", handlers_on_both_sides_of_a_step);
        test("groups", groups);
        test("an exception fails the group", an_exception_fails_the_group);
        test("unwinding waits for the group", unwinding_waits_for_the_group);
        test("handlers may wait", handlers_may_wait);
        test("locks", locks);
        test("threads", threads);
        test("generators", generators);
    }
    a_plain_body_that_throws_terminates();
    a_main_takes_settings();
    std::printf("1..%d\n", point_count);
    return 0;
}
