#!/bin/sh
# What is installed suffices: use.c compiles, links and runs with the installed files alone, as C and
# as C++, with the shared libraries and with the static ones.
#     check.sh SOURCE BUILD_DIR MESON CXX CC…
set -u
source=$1 build=$2 meson=$3 cxx=$4
shift 4
root=$(mktemp -d) || exit 1
trap 'rm -rf "$root"' EXIT

echo "TAP version 13"
echo "1..5"
at=0
# point WHAT COMMAND…
point() {
    what=$1
    shift
    at=$((at + 1))
    if said=$("$@" 2>&1); then
        echo "ok $at $what"
    else
        echo "not ok $at $what"
        printf '%s\n' "$said" | sed 's/^/# /'
    fi
}

point "it installs" "$meson" install -C "$build" --no-rebuild --destdir "$root"

libdir=$(dirname "$(find "$root" -name weft.pc)")
export PKG_CONFIG_LIBDIR="$libdir" PKG_CONFIG_SYSROOT_DIR="$root" LD_LIBRARY_PATH="$(dirname "$libdir")"

# builds_and_runs STATIC COMPILER… : STATIC is -static, or empty.
builds_and_runs() {
    static=$1
    shift
    "$@" -Wall -Wextra -Wpedantic -Wshadow -Werror $static "$source" -x none -o "$root/use" \
        $(pkg-config ${static:+--static} --cflags --libs weft-catalog weft-http weft-match) && "$root/use"
}
point "C99, shared" builds_and_runs "" "$@" -std=c99
point "C99, static" builds_and_runs -static "$@" -std=c99
point "C++11, shared" builds_and_runs "" "$cxx" -std=c++11 -x c++
point "C++11, static" builds_and_runs -static "$cxx" -std=c++11 -x c++
