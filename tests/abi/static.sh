#!/bin/sh
# Every symbol that a static library shows to the linker has a name of ours, so that none can be one of the
# program's: static.sh ARCHIVE
set -u
foreign=$(nm --extern-only --defined-only --format=posix "$1" 2>/dev/null | cut -s -d' ' -f1,2 |
    grep ' [A-Z]$' | cut -d' ' -f1 | grep -Ev '^(weft|wf)_' | LC_ALL=C sort -u)
[ -z "$foreign" ] && exit 0
echo "$1 defines names that a program may have too:"
printf '%s\n' "$foreign"
exit 1
