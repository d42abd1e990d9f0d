#!/bin/bash
# Fuzzes with libFuzzer, AddressSanitizer and UBSan:  tools/fuzz.sh [--plain] [SECONDS] [TARGET…]
# Every target for SECONDS (30).  What is found is kept in fuzz/findings/<target>/; a finding becomes
# a named test and its input a file of fuzz/corpus/<target>/.
#
# --plain: without sanitizers, so that only what a target asserts, a crash and a hang are found; and without
# watching what is compared with what, so that new inputs come from counts alone.  Several times as many
# inputs are tried.  Both go on from the same inputs: those with sanitizers come first, for a minute or so.
# `tools/fuzz-runs` has how often each target ran since its last change, and names the `next` one.
# What only carries an input (fuzz/carriers.txt) is not measured: it is most of what those targets run.
# A target of the wire has a third of its --plain time each with inputs of at most 64, 256 and 4096 bytes: most
# mistakes need few bytes, and short inputs are several times as quick.
set -u
cd "$(dirname "$0")/.."
seconds=30 dir=build-fuzz sanitize=address,undefined plain=
[ "${1:-}" = --plain ] && dir=build-fuzz-plain sanitize=none plain=plain && shift
[[ ${1:-} =~ ^[0-9]+$ ]] && seconds=$1 && shift
[ -f $dir/build.ninja ] || CC=clang meson setup $dir -Dfuzz=true -Db_sanitize=$sanitize -Db_lundef=false \
    >$dir.log || { cat $dir.log; exit 1; }
rm -f $dir.log
targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(cd fuzz/corpus && ls)
declare -A digest
for target in "${targets[@]}"; do digest[$target]=$(tools/fuzz-runs digest "$target") || exit 1; done
ninja -C $dir "${targets[@]/#/fuzz/}" || exit 1

# Runs a target for so many seconds, with what more libFuzzer is told; its status.
run() {
    local target=$1 seconds=$2
    shift 2
    # What a run gives back the next one takes: none of it goes through the kernel.
    MALLOC_TRIM_THRESHOLD_=67108864 MALLOC_MMAP_THRESHOLD_=67108864 MALLOC_TOP_PAD_=1048576 \
        UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 "$dir/fuzz/$target" -max_total_time="$seconds" -timeout=10 -entropic=0 \
        -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="fuzz/findings/$target/" "$@" \
        "build-fuzz/corpus/$target" "fuzz/corpus/$target" >>"$dir/$target.log" 2>&1
}

rc=0
for target in "${targets[@]}"; do
    echo "== $target, $seconds s"
    mkdir -p "build-fuzz/corpus/$target" "fuzz/findings/$target"
    : >"$dir/$target.log"
    found=0
    if [ -n "$plain" ] && grep -qE "^$target +wire" fuzz/covers.txt; then
        for len in 64 256 4096; do
            [ $found = 0 ] && { run "$target" $((seconds / 3)) -max_len=$len; found=$?; }
        done
    else
        run "$target" "$seconds"
        found=$?
    fi
    grep -E 'stat::number_of_executed_units|^SUMMARY|Test unit written' "$dir/$target.log"
    runs=$(awk '/^stat::number_of_executed_units:/ { n += $2 } END { print n + 0 }' "$dir/$target.log")
    if [ $found = 0 ] || [ $found = 72 ]; then # 72: stopped by a signal, which is no finding
        tools/fuzz-runs add "$target" "${digest[$target]}" "$runs" $plain
    else
        tools/fuzz-runs drop "$target"
        rc=1
    fi
    rmdir "fuzz/findings/$target" 2>/dev/null
done
rmdir fuzz/findings 2>/dev/null
exit $rc
