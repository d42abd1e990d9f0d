#!/bin/sh
# SPDX-License-Identifier: MIT
# check_real.sh PROGRAM EXPECTED: as check.sh, in real time.
seen=$(mktemp) || exit 1
trap 'rm -f "$seen" "$seen.said"' EXIT
WEFT_DEBUG=1 "$1" >"$seen" 2>"$seen.said" || { echo "$1: exit $?"; cat "$seen.said"; exit 1; }
! grep 'debug:' "$seen.said" && diff -u "$2" "$seen"
