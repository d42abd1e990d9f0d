#!/bin/sh
# SPDX-License-Identifier: MIT
# check.sh PROGRAM EXPECTED: runs an example in virtual time; it must print exactly this.
seen=$(mktemp) || exit 1
trap 'rm -f "$seen"' EXIT
WEFT_CLOCK=virtual "$1" >"$seen" || { echo "$1: exit $?"; exit 1; }
diff -u "$2" "$seen"
