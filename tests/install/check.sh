#!/bin/sh
# What is installed suffices: use.c compiles, links and runs with the installed files alone, as C and
# as C++, with the shared libraries and with the static ones; macros.cpp has every macro in it; every
# function has a manual page.
#     check.sh FOLDER BUILD_DIR CXX CC…
set -u
here=$1 build=$2 cxx=$3
shift 3
root=$(mktemp -d) || exit 1
trap 'rm -rf "$root"' EXIT

echo "TAP version 13"
echo "1..14"
at=0
# point WHAT COMMAND…
point() {
    what=$1
    shift
    at=$((at + 1))
    if said=$("$@" 2>&1); then
        echo "ok $at $what"
    else
        echo "not ok $at $what"
        printf '%s\n' "$said" | sed 's/^/# /'
    fi
}

point "it installs" env DESTDIR="$root" "$here/../../tools/install" -C "$build"

libdir=$(dirname "$(find "$root" -name weft.pc)")
export PKG_CONFIG_LIBDIR="$libdir" PKG_CONFIG_SYSROOT_DIR="$root" LD_LIBRARY_PATH="$(dirname "$libdir")"

# builds_and_runs SOURCE STATIC COMPILER… : STATIC is -static, or empty.
builds_and_runs() {
    source=$here/$1 static=$2
    shift 2
    "$@" -Wall -Wextra -Wpedantic -Wshadow -Werror $static "$source" -x none -o "$root/use" \
        $(pkg-config ${static:+--static} --cflags --libs weft-catalog weft-http weft-match) && "$root/use"
}
point "C99, shared" builds_and_runs use.c "" "$@" -std=c99
point "C99, static" builds_and_runs use.c -static "$@" -std=c99
point "C++11, shared" builds_and_runs use.c "" "$cxx" -std=c++11 -x c++
point "C++11, static" builds_and_runs use.c -static "$cxx" -std=c++11 -x c++
# server_alone : what weft-http needs besides comes from its own flags.
server_alone() {
    cat >"$root/alone.c" <<'END'
#include <weft.h>
#include <weft/http.h>
static int use(void *arg)
{
    weft_http_server *server = arg;
    WEFT_TRY(weft_http_server_new(&server, NULL));
    weft_http_server_free(server);
    return 0;
}
int main(void) { return weft_main(use, NULL); }
END
    "$@" -static "$root/alone.c" -o "$root/alone" $(pkg-config --static --cflags --libs weft-http) && "$root/alone"
}
point "the server alone, static" server_alone "$@"
# catalogue_alone STATIC COMPILER… : the flags of weft-catalog suffice for the matcher whose entities it reads.
catalogue_alone() {
    static=$1
    shift
    cat >"$root/read.c" <<'END'
#include <weft/catalog.h>
int main(void)
{
    weft_catalog *catalog;
    weft_str name = WEFT_STR("A");
    weft_text text = {0};
    int rc = weft_catalog_new(&catalog);
    weft_catalog_free(catalog);
    rc = rc < 0 ? rc : weft_norm_text(name, NULL, &text, NULL);
    weft_text_free(&text);
    return rc < 0;
}
END
    "$@" $static "$root/read.c" -o "$root/read" $(pkg-config ${static:+--static} --cflags --libs weft-catalog) && "$root/read"
}
point "the catalogue alone, shared" catalogue_alone "" "$@"
point "the catalogue alone, static" catalogue_alone -static "$@"
point "every macro, C++11" builds_and_runs macros.cpp "" "$cxx" -std=c++11
point "every macro, C++20" builds_and_runs macros.cpp "" "$cxx" -std=c++20

# all_are_used : no macro with arguments is missing in macros.cpp (those that end in _ are private).
all_are_used() {
    grep -rhoE '^#define +[A-Za-z_]+[A-Za-z]\(' "$root" --include='*.h' | sed 's/.* //; s/($//' | sort -u |
        grep -vxE 'WEFT_(FAULT|PRINTF|SITE|TEXT)' | {
        missing=0
        while read -r macro; do
            grep -qw "$macro" "$here/macros.cpp" || { echo "$macro is not in macros.cpp"; missing=1; }
        done
        return $missing
    }
}
point "macros.cpp has every macro" all_are_used

# manual_pages : every function of ours has one (those that end in _ are private).
manual_pages() {
    missing=0
    for name in $(cat "$here"/../abi/*.syms | grep '^weft_.*[^_]$'); do
        page=$(find "$root" -path "*/man3/$name.3")
        [ -n "$page" ] || { echo "no manual page for $name"; missing=1; }
    done
    return $missing
}
point "every function has a manual page" manual_pages

# readme_lines : its program, by the lines that it tells to type.
readme_lines() {
    awk '/^```c$/ { p = 1; next } /^```$/ { if (p) exit } p' "$here/../../README.md" >"$root/page.c"
    grep '^    cc ' "$here/../../README.md" | sed 's/ *#.*//' >"$root/lines"
    [ -s "$root/page.c" ] && [ -s "$root/lines" ] && (cd "$root" && WEFT_CLOCK=virtual sh -ex lines)
}
point "what the README says to type" readme_lines

# options_are_told : every option of every command is in weft.1.
options_are_told() {
    missing=0
    for words in "match fit" "match query" "match explain" "match diagnose" "match novelty" "match discover" "match drift" "match review" "match hierarchy" \
        "match info" "match eval" "match ingest" "match bench" serve ps stack top; do
        for option in $("$build/weft" $words --help | grep -oE '^ +(-., )? *--[a-z-]+' | grep -oE -e '--[a-z-]+'); do
            sed 's/\\-/-/g' "$here/../../docs/weft.1" | grep -qE -e "$option([^a-z-]|\$)" ||
                { echo "$words: $option is not in weft.1"; missing=1; }
        done
    done
    return $missing
}
if [ -x "$build/weft" ]; then
    point "weft.1 has every option" options_are_told
else
    point "weft.1 has every option # SKIP no program" true
fi
