#!/bin/sh
# Every public header compiles alone, included twice, as strict C99 and as C++11.
#     check.sh INCLUDE_DIR CXX CC…
set -u
include=$1 cxx=$2
shift 2
headers=$(cd "$include" && find . -name '*.h' | sed 's|^\./||' | sort)

count=0
for header in $headers; do
    count=$((count + 2))
done
echo "TAP version 13"
echo "1..$count"

at=0
# point HEADER LANGUAGE COMPILER…
point() {
    header=$1 language=$2
    shift 2 # what is left is the compiler
    at=$((at + 1))
    if text=$(printf '#include <%s>\n#include <%s>\nint main(void)\n{\n    return 0;\n}\n' "$header" "$header" |
        "$@" -I "$include" -Wall -Wextra -Wpedantic -Wshadow -Werror -fsyntax-only - 2>&1); then
        echo "ok $at $header as $language"
    else
        echo "not ok $at $header as $language"
        echo "$text" | sed 's/^/# /'
    fi
}

for header in $headers; do
    point "$header" C99 "$@" -x c -std=c99
    point "$header" C++11 "$cxx" -x c++ -std=c++11
done
