#!/bin/sh
# Builds into build/: everything, or the targets named.  The program is then build/weft.
set -eu
cd "$(dirname "$0")/.."
[ -f build/build.ninja ] || meson setup build
exec ninja -C build "$@"
