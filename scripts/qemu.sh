#!/bin/sh
# Finds or sets up QEMU, and prints the path of qemu-system-x86_64.
#
# Taken is the first of: $KMDF_HOST_QEMU; one in PATH; Debian's packages, unpacked below target/
# with whatever of their dependencies the system lacks. Nothing is installed and no root is needed:
# 13 MB are fetched, 80 MB unpacked, in seconds. A second run finds what the first one unpacked.
set -eu

if [ -n "${KMDF_HOST_QEMU:-}" ]; then
    echo "$KMDF_HOST_QEMU"
    exit 0
fi
if command -v qemu-system-x86_64; then
    exit 0
fi

root=$(cd "$(dirname "$0")/.." && pwd)
prefix=$root/target/prefix/qemu
program=$prefix/bin/qemu-system-x86_64
if [ -x "$program" ]; then
    echo "$program"
    exit 0
fi

fail() {
    echo "qemu.sh: $1" >&2
    if [ -f "$scratch/log" ]; then
        sed 's/^/    /' "$scratch/log" >&2
    fi
    echo "qemu.sh: install qemu-system-x86_64 (7.2 or newer) by your system's own means, or set" >&2
    echo "         KMDF_HOST_QEMU to its path." >&2
    exit 1
}

scratch=$prefix.new
for tool in apt-get dpkg-deb; do
    command -v "$tool" >/dev/null || fail "QEMU is not installed, and there is no $tool to unpack it with."
done
rm -rf "$scratch"
mkdir -p "$scratch/archives" "$scratch/root" "$scratch/bin"

# Only a download into our own directory: no lock of the system's is needed, and apt's own user
# could not write there.
apt() {
    LC_ALL=C apt-get -o Debug::NoLocking=true -o APT::Sandbox::User= "$@" 2>>"$scratch/log"
}

# Fetches what apt would install for the emulator alone: that is what this system lacks.
fetch() {
    : >"$scratch/log"
    packages=$(apt install --simulate --no-install-recommends qemu-system-x86 |
        sed -n 's/^Inst \([^ ]*\) .*/\1/p')
    [ -n "$packages" ] || return 1
    # One word each, on purpose.
    # shellcheck disable=SC2086
    (cd "$scratch/archives" && apt download $packages) >>"$scratch/log"
}

echo "qemu.sh: unpacking QEMU into $prefix" >&2
if ! fetch; then
    echo "qemu.sh: apt's package lists lack it or are stale; fetching private ones" >&2
    mkdir -p "$scratch/apt/lists/partial" "$scratch/apt/archives/partial"
    {
        echo "Dir::State::lists \"$scratch/apt/lists/\";"
        echo "Dir::Cache \"$scratch/apt/\";"
    } >"$scratch/apt/apt.conf"
    APT_CONFIG=$scratch/apt/apt.conf
    export APT_CONFIG
    : >"$scratch/log"
    apt update >>"$scratch/log" || fail "the package lists could not be fetched:"
    fetch || fail "the packages could not be fetched:"
fi
for archive in "$scratch"/archives/*.deb; do
    dpkg-deb --extract "$archive" "$scratch/root" || fail "$archive could not be unpacked."
done
rm -rf "$scratch/archives" "$scratch/apt"

# The emulator looks for its libraries and its firmware where a system would have them.
cat >"$scratch/bin/qemu-system-x86_64" <<'PROGRAM'
#!/bin/sh
root=$(cd "$(dirname "$0")/../root" && pwd)
libraries=$root/usr/lib/$(uname -m)-linux-gnu:$root/lib/$(uname -m)-linux-gnu
LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
exec "$root/usr/bin/qemu-system-x86_64" -L "$root/usr/share/seabios" -L "$root/usr/share/qemu" "$@"
PROGRAM
chmod +x "$scratch/bin/qemu-system-x86_64"

# What has its name is complete and runs.
"$scratch/bin/qemu-system-x86_64" --version >"$scratch/log" 2>&1 ||
    fail "the unpacked QEMU does not run:"
rm -rf "$scratch/log" "$prefix"
mv "$scratch" "$prefix"
echo "$program"
