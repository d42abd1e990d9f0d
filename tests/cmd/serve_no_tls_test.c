/* SPDX-License-Identifier: MIT */

/* weft serve in a program that was built without OpenSSL: it never serves plainly what was to be
 * served over TLS. */
#include "child.h"

TEST(serve_without_openssl_refuses_a_certificate)
{
    static const char *const options[] = {"--tls-cert", "--tls-key"};
    for (size_t i = 0; i < 2; i++) {
        struct run run;
        char said[96];
        RUN(&run, "serve", "-e", test_source("examples/data/countries.csv"), options[i], "a.pem");
        snprintf(said, sizeof said, "weft: %s: this program was built without TLS (OpenSSL)\n",
                 options[i]);
        note("%s", run.err);
        CHECK_EQ(run.code, 2);
        CHECK_STR(run.out, "");
        CHECK(strncmp(run.err, said, strlen(said)) == 0);
        run_fini(&run);
    }
}
