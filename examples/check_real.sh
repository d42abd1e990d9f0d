#!/bin/sh
# SPDX-License-Identifier: MIT
# check_real.sh PROGRAM EXPECTED: as check.sh, in real time.
seen=$(mktemp) || exit 1
trap 'rm -f "$seen"' EXIT
"$1" >"$seen" || { echo "$1: exit $?"; exit 1; }
diff -u "$2" "$seen"
