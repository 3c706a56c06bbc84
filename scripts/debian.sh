# shellcheck shell=sh disable=SC2154
# Sourced by qemu.sh, cc.sh and others: unpacks Debian packages into a directory of our own. It installs
# nothing and needs no root. The sourcing script sets `prefix`, the directory for the complete result, and
# `otherwise`, the advice for a system where this cannot work.

scratch=$prefix.new
name=$(basename "$0")

# Says what went wrong, with what apt said, and what to do instead.
give_up() {
    echo "$name: $1" >&2
    if [ -f "$scratch/log" ]; then
        sed 's/^/    /' "$scratch/log" >&2
    fi
    echo "$name: $otherwise" >&2
    exit 1
}

# Only a download into our own directory: no lock of the system's is needed, and apt's own user
# could not write there.
apt() {
    LC_ALL=C apt-get -o Debug::NoLocking=true -o APT::Sandbox::User= "$@" 2>>"$scratch/log"
}

# Fetches what apt would install for the packages in $1: that is what this system lacks. Those in $2
# are fetched in any case, and without what they depend on.
fetch() {
    # One word each, on purpose.
    # shellcheck disable=SC2086
    lacking=$(apt install --simulate --no-install-recommends $1 |
        sed -n 's/^Inst \([^ ]*\) .*/\1/p')
    [ -n "$lacking$2" ] || return 1
    # shellcheck disable=SC2086
    (cd "$scratch/archives" && apt download $lacking $2) >>"$scratch/log"
}

# Unpacks into $scratch/root: unpack WHAT PACKAGES [PACKAGES-IN-ANY-CASE].
unpack() {
    for tool in apt-get dpkg-deb; do
        command -v "$tool" >/dev/null || give_up "$1 is not installed, and there is no $tool to unpack it with."
    done
    rm -rf "$scratch"
    mkdir -p "$scratch/archives" "$scratch/root" "$scratch/bin"
    : >"$scratch/log"
    echo "$name: unpacking $1 into $prefix" >&2
    if ! fetch "$2" "${3:-}"; then
        echo "$name: apt's package lists lack it or are stale; fetching private ones" >&2
        mkdir -p "$scratch/apt/lists/partial" "$scratch/apt/archives/partial"
        {
            echo "Dir::State::lists \"$scratch/apt/lists/\";"
            echo "Dir::Cache \"$scratch/apt/\";"
        } >"$scratch/apt/apt.conf"
        APT_CONFIG=$scratch/apt/apt.conf
        export APT_CONFIG
        : >"$scratch/log"
        apt update >>"$scratch/log" || give_up "the package lists could not be fetched; is there a network?"
        fetch "$2" "${3:-}" || give_up "the packages could not be fetched; is there a network?"
    fi
    for archive in "$scratch"/archives/*.deb; do
        dpkg-deb --extract "$archive" "$scratch/root" || give_up "$archive could not be unpacked."
    done
    rm -rf "$scratch/archives" "$scratch/apt"
}

# Tries a program of $scratch/bin, and gives the whole its name: what has its name is complete and
# runs.
keep() {
    "$scratch/bin/$1" --version >"$scratch/log" 2>&1 || give_up "the unpacked $1 does not run:"
    rm -rf "$scratch/log" "$prefix"
    mv "$scratch" "$prefix"
}

# Prints the path of a program that is a package of the same name, and needs nothing but its libraries: of
# that in PATH, of that unpacked before, or of that unpacked now.
program() {
    command -v "$1" && return
    if [ ! -x "$prefix/bin/$1" ]; then
        unpack "$1" "$1"
        cat >"$scratch/bin/$1" <<'PROGRAM'
#!/bin/sh
root=$(cd "$(dirname "$0")/../root" && pwd)
libraries=$root/usr/lib/$(uname -m)-linux-gnu:$root/lib/$(uname -m)-linux-gnu
LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
exec "$root/usr/bin/$(basename "$0")" "$@"
PROGRAM
        chmod +x "$scratch/bin/$1"
        keep "$1"
    fi
    echo "$prefix/bin/$1"
}
