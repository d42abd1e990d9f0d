#!/bin/sh
# Builds everything into build/; the program is then build/weft.
set -eu
cd "$(dirname "$0")/.."
[ -f build/build.ninja ] || meson setup build
exec ninja -C build
