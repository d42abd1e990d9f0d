#!/bin/sh
# What a shared library exports is what its list in the tree says: check.sh LIBRARY LIST
# After a change that is meant: tools/abi-update.
set -u
exported=$(nm -D --defined-only --format=posix "$1" | cut -d' ' -f1 | LC_ALL=C sort)
wanted=$(cat "$2")
[ "$exported" = "$wanted" ] && exit 0
echo "$1 exports other symbols than $2 lists (< listed, > exported); if that is meant: tools/abi-update"
printf '%s\n' "$exported" | diff "$2" - 
exit 1
