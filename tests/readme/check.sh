#!/bin/sh
# The program prints the first text block of the page: check.sh PROGRAM PAGE
set -u
said=$(awk '/^```text$/ { p = 1; next } /^```$/ { if (p) exit } p' "$2")
printed=$(WEFT_CLOCK=virtual "$1") || { echo "$1 failed"; exit 1; }
[ -n "$said" ] && [ "$printed" = "$said" ] && exit 0
printf 'the page says:\n%s\nprinted:\n%s\n' "$said" "$printed"
exit 1
