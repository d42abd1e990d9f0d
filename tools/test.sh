#!/bin/bash
# Runs the tests and closes with one line of counts.
#
#   tools/test.sh all     every variant below, the quick ones first (what `make test` does)
#   tools/test.sh NAME…   only these: gcc schedules lint models asan no-uring tsan aarch64 valgrind
#
# A variant leaves its results in build/results/; tools/test-summary adds them up.
set -u
cd "$(dirname "$0")/.."
results=$PWD/build/results
variants=(gcc schedules lint models asan no-uring tsan aarch64 valgrind)
[ "${1:-all}" = all ] || variants=("$@")

# configure DIR OPTION… : sets DIR up, or again if the options changed.
configure() {
    local dir=$1
    shift
    if [ ! -f "$dir/build.ninja" ] || [ "$(cat "$dir/options" 2>/dev/null)" != "$*" ]; then
        rm -rf "$dir/build.ninja" "$dir/meson-private"
        meson setup "$dir" "$@" >"$dir.log" 2>&1 || { cat "$dir.log"; return 1; }
        echo "$*" >"$dir/options"
    fi
    rm -f "$dir.log"
}

# broken VARIANT WHAT : one failed point, for what went wrong outside the tests.
broken() {
    printf '1..1\nnot ok 1 %s\n' "$2" >"$results/$1.tap"
}

# compile VARIANT DIR TARGET…
compile() {
    local variant=$1 dir=$2
    shift 2
    ninja -C "$dir" "$@" >"$dir/compile.log" 2>&1 && return
    sed -n '/^FAILED/,$p' "$dir/compile.log" | grep -E '(error|warning|undefined|FAILED)' | cut -c 1-240 | head -20
    broken "$variant" "$variant: does not build"
    return 1
}

# check VARIANT DIR MESON-TEST-OPTION… : runs the tests of DIR as VARIANT, one more at a time than there
# are processors, since some wait in real time.
check() {
    local variant=$1 dir=$2
    shift 2
    rm -f "$dir/meson-logs/testlog-$variant"*
    meson test -C "$dir" --no-rebuild --logbase "testlog-$variant" --num-processes $(($(nproc) + 1)) "$@" >"$dir/test.log" 2>&1
    local log=("$dir/meson-logs/testlog-$variant"*.json) # a wrapper's name is part of it
    if [ -f "${log[0]}" ]; then
        cp "${log[0]}" "$results/$variant.json"
    else
        cat "$dir/test.log"
        broken "$variant" "$variant: the tests did not run"
    fi
}

# plain VARIANT : what gcc builds without more, which several variants run in their own way.
plain() {
    configure build --werror && compile "$1" build
}

variant_gcc() {
    plain gcc && check gcc build
}

# Every test of the runtime and what stands on it, in simulation, under many seeds (rule Y03); a
# million with WEFT_TEST_SEEDS=1000000, and --torture for no limit of time.  Not TLS: its keys are random
# in simulation too, so a seed would not say what happens.  Failures at each point have been tried by the variant gcc.
variant_schedules() {
    plain schedules && WEFT_TEST_BACKENDS=sim WEFT_TEST_SEEDS=${WEFT_TEST_SEEDS:-10000} WEFT_TEST_TIMEOUT_FACTOR=5 \
        WEFT_TEST_SWEEP_MAX=1 check schedules build --num-processes "$(nproc)" --suite core --suite net --suite dns --suite http-live --suite http-h2 --suite client-live --suite client-h2 \
        --suite ws-live
}

# Debuggers are for the build of `make`: elsewhere the compiler describes nothing, and under sanitizers it
# optimises little.  Half of the time was its own.
terse=(-Ddebug=false)
quick=(-Doptimization=1 "${terse[@]}")

# What a failure at each single point comes to has been seen with gcc: some of them are enough elsewhere, and
# fewer where all is many times slower.
few() {
    WEFT_TEST_SWEEP_MAX=20 WEFT_FUZZ_RUNS=2000 "$@"
}

fewer() {
    WEFT_TEST_SWEEP_MAX=10 "$@"
}

# All that clang compiles, without a warning, and all that it runs.  With the debug checks: what misuse does
# in a debug build is tested here, what it does in release everywhere else.
variant_asan() {
    export ASAN_OPTIONS=detect_stack_use_after_return=0:strict_string_checks=1
    export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    CC=clang CXX=clang++ configure build-asan --werror -Db_sanitize=address,undefined -Db_lundef=false \
        -Ddebug_checks=true "${quick[@]}" &&
        compile asan build-asan &&
        WEFT_TEST_TIMEOUT_FACTOR=5 few check asan build-asan
}

# No --werror: gcc warns of paths that only the instrumentation made.  Not in simulation, which is one thread.
variant_tsan() {
    configure build-tsan -Db_sanitize=thread -Db_lundef=false "${quick[@]}" &&
        compile tsan build-tsan $(tools/suite-targets build-tsan threads) && WEFT_TEST_BACKENDS=epoll,io_uring \
        WEFT_TEST_TIMEOUT_FACTOR=10 fewer check tsan build-tsan --suite threads
}

# What waits for the kernel, with io_uring refused, as in many containers, so that the loop must choose another
# back end by itself.
waiting=(core net dns tls tls-http http http-live client-live ws-live service cmd cmd-tls)

variant_no_uring() {
    plain no-uring && WEFT_TEST_BACKENDS=auto few check no-uring build --wrapper "$PWD/build/tests/harness/no-uring" \
        "${waiting[@]/#/--suite=}"
}

# What the aarch64 build can do without its own copies of outside libraries (tools/aarch64.ini says so):
# base and core; the network is compiled.
variant_aarch64() {
    configure build-aarch64 --cross-file tools/aarch64.ini --werror "${terse[@]}" &&
        compile aarch64 build-aarch64 src/net/libweft-net.a src/dns/libweft-dns.a \
            $(tools/suite-targets build-aarch64 base core) && WEFT_TEST_BACKENDS=sim,epoll WEFT_TEST_TIMEOUT_FACTOR=10 \
        fewer check aarch64 build-aarch64 --suite base --suite core
}

# Built by clang, so that its switch and all below it, in release and without sanitizers, is run too.
variant_valgrind() {
    CC=clang configure build-clang --werror "${terse[@]}" &&
        compile valgrind build-clang $(tools/suite-targets build-clang valgrind) &&
        WEFT_TEST_BACKENDS=sim,epoll WEFT_TEST_TIMEOUT_FACTOR=20 WEFT_TEST_SWEEP_MAX=10 \
        check valgrind build-clang --suite valgrind \
        --wrapper 'valgrind -q --error-exitcode=98 --leak-check=full --errors-for-leak-kinds=definite'
}

# `make lint` follows more paths.
variant_lint() {
    plain lint && WEFT_LINT_NODES=3000 tools/lint.sh build >"$results/lint.tap"
}

variant_models() {
    tools/models >"$results/models.tap"
}

mkdir -p "$results"
rm -f "$results"/*
tools/published-model || : # without it a test is skipped
for variant in "${variants[@]}"; do
    function=variant_${variant//-/_}
    if ! declare -F "$function" >/dev/null; then
        echo "tools/test.sh: no variant $variant; there are: gcc schedules lint models asan no-uring tsan aarch64 valgrind" >&2
        exit 2
    fi
    started=$SECONDS
    echo "== $variant"
    "$function"
    [ -e "$results/$variant.json" ] || [ -e "$results/$variant.tap" ] || broken "$variant" "$variant: could not be set up"
    echo "   $((SECONDS - started)) s: $(tools/test-summary "$results/$variant".* | tail -n 1)"
done
tools/test-summary "$results"/* | tee build/results.txt
exit "${PIPESTATUS[0]}"
