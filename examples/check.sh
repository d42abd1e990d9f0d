#!/bin/sh
# SPDX-License-Identifier: MIT
# check.sh PROGRAM EXPECTED [LEAST MOST]
# Runs an example, which must print exactly this: in virtual time, where debug mode must find nothing to
# say; or, with two numbers of milliseconds, in real time, which must take so long.  There a busy machine
# may make it late: it has three attempts.
seen=$(mktemp) || exit 1
trap 'rm -f "$seen" "$seen.said"' EXIT
if [ $# -lt 4 ]; then
    WEFT_DEBUG=1 WEFT_CLOCK=virtual "$1" >"$seen" 2>"$seen.said" || { echo "$1: exit $?"; cat "$seen.said"; exit 1; }
    ! grep 'debug:' "$seen.said" && diff -u "$2" "$seen"
    exit
fi
for _ in 1 2 3; do
    begin=$(date +%s%3N)
    "$1" >"$seen" || { echo "$1: exit $?"; exit 1; }
    took=$(($(date +%s%3N) - begin))
    echo "took $took ms"
    [ $took -ge "$3" ] || exit 1 # never early
    [ $took -le "$4" ] && diff -u "$2" "$seen" && exit
done
exit 1
