#!/bin/bash
# Fuzzes with libFuzzer, AddressSanitizer and UBSan:  tools/fuzz.sh [SECONDS] [TARGET…]
# Every target for SECONDS (30).  What is found is kept in fuzz/findings/<target>/; a finding becomes
# a named test and its input a file of fuzz/corpus/<target>/.
set -u
cd "$(dirname "$0")/.."
seconds=30
[[ ${1:-} =~ ^[0-9]+$ ]] && seconds=$1 && shift
dir=build-fuzz

[ -f $dir/build.ninja ] || CC=clang meson setup $dir -Dfuzz=true -Db_sanitize=address,undefined \
    -Db_lundef=false >$dir.log || { cat $dir.log; exit 1; }
rm -f $dir.log
targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(cd fuzz/corpus && ls)
ninja -C $dir "${targets[@]/#/fuzz/}" || exit 1

rc=0
for target in "${targets[@]}"; do
    echo "== $target, $seconds s"
    mkdir -p "$dir/corpus/$target" "fuzz/findings/$target"
    UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 "$dir/fuzz/$target" -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="fuzz/findings/$target/" \
        "$dir/corpus/$target" "fuzz/corpus/$target" >"$dir/$target.log" 2>&1 || rc=1
    grep -E 'stat::number_of_executed_units|^SUMMARY|Test unit written' "$dir/$target.log"
    rmdir "fuzz/findings/$target" 2>/dev/null
done
rmdir fuzz/findings 2>/dev/null
exit $rc
