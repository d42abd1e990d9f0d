#!/bin/sh
# Installs what is missing with apt: `tools/setup.sh build` what a build needs, `test` and `fuzz`
# what these need besides.  Does nothing, and fast, if all is there.
set -eu
PATH=$PATH:/usr/sbin:/sbin

build_packages="gcc libc6-dev meson ninja-build pkg-config libbrotli-dev libc-ares-dev
  libjansson-dev libnghttp2-dev libssl-dev libutf8proc-dev libzstd-dev zlib1g-dev"
test_packages="$build_packages g++ clang llvm clang-format clang-tidy cppcheck valgrind libc6-dbg
  qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross unicode-data python3 python3-pip python3-websockets git procps spin
  libpq-dev postgresql libcurl4-openssl-dev libglib2.0-dev nghttp2-server"
fuzz_packages="$build_packages clang llvm"

case ${1:-build} in
build) packages=$build_packages ;;
test) packages=$test_packages ;;
fuzz) packages=$fuzz_packages ;;
*)
    echo "usage: tools/setup.sh [build|test|fuzz]" >&2
    exit 2
    ;;
esac

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    # Another distribution.  Go on if its own packages have brought the tools.
    missing=
    for tool in cc meson ninja pkg-config; do
        command -v $tool >/dev/null || missing="$missing $tool"
    done
    [ -n "$missing" ] || exit 0
    cat >&2 <<END
setup: this system has no apt.  Missing:$missing
Install what these Debian packages hold, and run the command again:
$(echo $packages | fold -s -w 90 | sed 's/^/  /')
END
    exit 1
fi

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# A fresh system has no package lists yet, an old one stale ones.
apt_install() {
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends $missing >/dev/null </dev/null
}

# install PACKAGE… : what is missing of them.
install() {
    missing=
    for package in "$@"; do
        is_installed "$package" || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "setup: not root, and no sudo.  As root: apt-get install$missing" >&2
            exit 1
        fi
        as_root=sudo
    fi
    echo "setup: installing$missing"
    apt_install 2>/dev/null || { $as_root apt-get update -qq </dev/null && apt_install; }
}

install $packages
case " $packages " in
*" clang "*)
    # Run-time libraries of sanitizers and fuzzers, which on some releases have a package of their own.
    if [ ! -e "$(clang -print-file-name="libclang_rt.asan-$(uname -m).a")" ]; then
        install "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev"
    fi
    ;;
esac
