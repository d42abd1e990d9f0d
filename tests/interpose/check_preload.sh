#!/bin/sh
# Without the library the first task blocks the second; with it preloaded they sleep at the same time.
#     check_preload.sh PROGRAM LIBRARY
set -u
one_by_one='Anna lies down
Anna gets up
Otto lies down
Otto gets up'
together='Anna lies down
Otto lies down
Anna gets up
Otto gets up'
echo "TAP version 13"
[ "$("$1")" = "$one_by_one" ] && echo "ok 1 blocks by itself" || echo "not ok 1 blocks by itself"
[ "$(LD_PRELOAD=$2 "$1")" = "$together" ] && echo "ok 2 waits when it is preloaded" ||
    echo "not ok 2 waits when it is preloaded"
echo "1..2"
