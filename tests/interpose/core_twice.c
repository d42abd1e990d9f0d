/* SPDX-License-Identifier: MIT */

/*
 * The core is in a test, for the harness, and in libweft.so, for libweft-interpose, which gets the
 * test's.  AddressSanitizer takes any variable that two modules define for a mistake; here only if
 * it is not the same.
 */

__attribute__((visibility("default"))) const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "detect_odr_violation=1";
}
