/* SPDX-License-Identifier: MIT */

/* Lesson: the same in C++.  Lambdas are bodies, objects close themselves, and an exception that
 * leaves a body is an error like any other: it cancels the others of its group. */

#include <weft/weft.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;

struct city {
    std::string name;
    std::chrono::milliseconds away;
    int degrees;
};

/* Stands for a request to a weather service. */
static int ask(const city &place)
{
    WEFT_TRY(weft::sleep(place.away));
    if (place.degrees < -273)
        throw std::range_error(place.name + " is colder than anything");
    std::printf("%s: %d degrees\n", place.name.c_str(), place.degrees);
    return 0;
}

static int ask_all(const std::vector<city> &places)
{
    weft::group group;
    for (const city &place : places)
        group.spawn([&place] { return ask(place); });
    return group.wait();
}

/* Running means, one a reading. */
static auto means(const std::vector<city> &places)
{
    return weft::generate<double>([&places](auto yield) {
        double sum = 0;
        int count = 0;
        for (const city &place : places) {
            WEFT_TRY(weft::sleep(place.away));
            sum += place.degrees;
            WEFT_TRY(yield(sum / ++count));
        }
        return 0;
    });
}

static int weather()
{
    std::vector<city> places = {{"Oslo", 30ms, -4}, {"Rome", 20ms, 14}, {"Cairo", 10ms, 23}};
    WEFT_TRY(ask_all(places));

    auto values = means(places);
    for (double mean : values)
        std::printf("mean %.1f\n", mean);
    WEFT_TRY(values.error());

    auto all = [&] { return ask_all(places); };
    std::printf("in 15 ms: %s\n", weft_strerror(weft::wait_for(15ms, all)));

    places.push_back({"Nowhere", 5ms, -300});
    std::printf("with an error: %s\n", weft_strerror(ask_all(places)));
    std::printf("which says: %s\n", weft_error_text());
    return 0;
}

int main()
{
    return weft::run_main(weather);
}
