#!/bin/bash
# Every check of the sources: our own rules, the format, clang-tidy, cppcheck.  TAP on standard output;
# exit 1 if anything is found.  `tools/lint.sh DIR` takes the compile commands from the build DIR.
set -u
cd "$(dirname "$0")/.."
build=${1:-build}
[ -f "$build/compile_commands.json" ] || meson setup "$build" >/dev/null || exit 1

# point NAME COMMAND… : one point; what the command says is shown if it fails.
point() {
    local name=$1 text
    shift
    if text=$("$@" 2>&1); then
        echo "ok $name"
    else
        echo "not ok $name"
        sed 's/^/# /' <<<"$text"
    fi
}

c_files() {
    git ls-files -co --exclude-standard -- "$@"
}

format_check() {
    local wrong
    wrong=$(c_files '*.c' '*.h' '*.cpp' '*.hpp' | xargs -P "$(nproc)" -n 100 clang-format --dry-run 2>&1 | sed -n 's/: warning: .*//p')
    [ -z "$wrong" ] || { echo "$wrong" | cut -d: -f1 | uniq -c && return 1; }
}

# Headers of gcc's build directory are all clang needs, without the options that only gcc knows; its own
# warnings come with the sanitized build.
# A process takes as long to start as to read a file, so it gets a dozen.
# Of a function's paths a tenth of the usual number of states is followed: a fifth takes nearly twice the time and has
# found no more; $WEFT_LINT_NODES sets it (225000 is clang's own).
tidy_check() {
    local nodes=${WEFT_LINT_NODES:-20000}
    mkdir -p "$build/tidy"
    sed 's/[^ ]*-mmemset-strategy=[^ ]*//g' "$build/compile_commands.json" >"$build/tidy/compile_commands.json"
    c_files 'src/*.c' | xargs -P "$(nproc)" -n 12 clang-tidy -p "$build/tidy" --quiet \
        --extra-arg=-Wno-unknown-warning-option \
        --extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang --extra-arg="max-nodes=$nodes" 2>/dev/null >"$build/clang-tidy.log" && return
    grep -E '(error|warning): ' "$build/clang-tidy.log" | sed 's/,-warnings-as-errors//' | sort -u
    return 1
}

cppcheck_check() {
    cppcheck -q -j "$(nproc)" --std=c11 --enable=warning,performance,portability --error-exitcode=1 \
        -I include -I src -D_GNU_SOURCE -D__GNUC__=12 -D__x86_64__ src
}

{
    tools/lint-rules
    point 'formatted by clang-format' format_check
    point 'clang-tidy has no finding' tidy_check
    point 'cppcheck has no finding' cppcheck_check
} | awk '/^(not )?ok/ { n++ } /^not ok/ { bad = 1 } { print; fflush() } END { print "1.." n; exit bad }'
