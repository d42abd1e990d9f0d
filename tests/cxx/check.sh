#!/bin/sh
# weft_test.cpp by each compiler and standard, without warnings, against the library of the build.
#     check.sh FOLDER INCLUDE LIBRARY_DIR SANITIZERS CXX…
# Its points are the points of each program, one behind the other.
set -u
folder=$1 include=$2 libraries=$3 sanitizers=$4
shift 4
root=$(mktemp -d) || exit 1
trap 'rm -rf "$root"' EXIT
[ "$sanitizers" = none ] && sanitizers= || sanitizers=-fsanitize=$sanitizers

echo "TAP version 13"
at=0
for cxx in "$@"; do
    for standard in c++17 c++20; do
        name="$(basename "$cxx") as $standard"
        at=$((at + 1))
        if said=$("$cxx" -std=$standard -O1 -g -Wall -Wextra -Wpedantic -Wshadow -Werror $sanitizers -I "$include" \
            "$folder/weft_test.cpp" -o "$root/weft_test" -L "$libraries" -lweft "-Wl,-rpath,$libraries" 2>&1); then
            echo "ok $at compiled by $name"
        else
            echo "not ok $at compiled by $name"
            echo "$said" | sed 's/^/# /'
            continue
        fi
        "$root/weft_test" >"$root/points" 2>"$root/errors"
        status=$?
        while read -r line; do
            case $line in
            'ok '* | 'not ok '*)
                at=$((at + 1))
                echo "$line, $name" | sed "s/ok [0-9]*/ok $at/; s/\( # SKIP.*\), \(.*\)/, \2\1/"
                ;;
            '#'*) echo "$line" ;;
            esac
        done <"$root/points"
        at=$((at + 1))
        if [ $status -eq 0 ] && grep -q '^1\.\.[1-9]' "$root/points"; then
            echo "ok $at to the end, $name"
        else
            echo "not ok $at to the end, $name"
            sed 's/^/# /' "$root/errors" | tail -n 30
        fi
    done
done
echo "1..$at"
