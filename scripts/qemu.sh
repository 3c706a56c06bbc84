#!/bin/sh
# Finds or sets up QEMU, and prints the path of qemu-system-x86_64.
#
# Taken is the first of: $KMDF_HOST_QEMU; one in PATH; Debian's packages, unpacked below target/
# without installing anything (no root needed: `apt-get download` and `dpkg -x`). Whatever of their
# dependencies the system lacks is unpacked with them. A second run finds the first one's.
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
wrapper=$prefix/bin/qemu-system-x86_64
if [ -x "$wrapper" ]; then
    echo "$wrapper"
    exit 0
fi

for tool in apt-get dpkg; do
    if ! command -v "$tool" >/dev/null; then
        echo "qemu.sh: QEMU is not installed and there is no $tool to unpack it with." >&2
        echo "         Install qemu-system-x86_64 (7.2 or newer) by your system's own means, or" >&2
        echo "         set KMDF_HOST_QEMU to its path." >&2
        exit 1
    fi
done

echo "qemu.sh: unpacking QEMU into $prefix" >&2
scratch=$prefix.new
rm -rf "$scratch"
mkdir -p "$scratch/debs" "$scratch/root" "$scratch/bin"

# What apt would install here for the emulator alone is what this system lacks.
packages=$(apt-get install --simulate --no-install-recommends qemu-system-x86 2>"$scratch/log" |
    sed -n 's/^Inst \([^ ]*\) .*/\1/p')
if [ -z "$packages" ]; then
    echo "qemu.sh: apt-get knows no qemu-system-x86 (run apt-get update as root first):" >&2
    cat "$scratch/log" >&2
    exit 1
fi
# One word each, on purpose.
# shellcheck disable=SC2086
(cd "$scratch/debs" && apt-get download $packages) >"$scratch/log" 2>&1 || {
    echo "qemu.sh: the packages could not be downloaded (run apt-get update as root first):" >&2
    cat "$scratch/log" >&2
    exit 1
}
for deb in "$scratch"/debs/*.deb; do
    dpkg -x "$deb" "$scratch/root"
done
rm -r "$scratch/debs"

# The emulator looks for its firmware and its libraries where a system would have them.
cat >"$scratch/bin/qemu-system-x86_64" <<'WRAPPER'
#!/bin/sh
root=$(cd "$(dirname "$0")/../root" && pwd)
libraries=$root/usr/lib/$(uname -m)-linux-gnu:$root/lib/$(uname -m)-linux-gnu
LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
exec "$root/usr/bin/qemu-system-x86_64" -L "$root/usr/share/seabios" -L "$root/usr/share/qemu" "$@"
WRAPPER
chmod +x "$scratch/bin/qemu-system-x86_64"

# Present means complete: the prefix gets its name only now, and only when it runs.
"$scratch/bin/qemu-system-x86_64" --version >"$scratch/log" 2>&1 || {
    echo "qemu.sh: the unpacked QEMU does not run:" >&2
    cat "$scratch/log" >&2
    exit 1
}
rm "$scratch/log"
rm -rf "$prefix"
mv "$scratch" "$prefix"
echo "$wrapper"
