#!/bin/sh
# Builds into build/: everything, or the targets named.  The program is then build/weft.
set -eu
cd "$(dirname "$0")/.."
if [ ! -f build/build.ninja ]; then
    echo 'build: looks what this system has'
    said=$(meson setup build 2>&1) || { printf '%s\n' "$said"; exit 1; }
    printf '%s\n' "$said" | sed -n '/^weft [0-9]/,$p' # what is built in; two hundred lines of checks lie before it
fi
exec ninja -C build "$@"
