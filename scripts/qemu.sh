#!/bin/sh
# Finds or sets up QEMU, and prints the path of qemu-system-x86_64.
#
# It uses the first of: $KMDF_HOST_QEMU; the one in PATH; Debian's packages, unpacked below target/ with
# the dependencies that the system lacks. It installs nothing and needs no root. It downloads 13 MB and
# unpacks 80 MB, in seconds. A second run uses what the first one unpacked.
set -eu

if [ -n "${KMDF_HOST_QEMU:-}" ]; then
    command -v "$KMDF_HOST_QEMU" && exit 0
    echo "qemu.sh: KMDF_HOST_QEMU is $KMDF_HOST_QEMU, which is no program; unset it, or set it to the path of" >&2
    echo "         qemu-system-x86_64." >&2
    exit 1
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

# shellcheck disable=SC2034
otherwise="install qemu-system-x86_64 (7.2 or newer) by your system's own means, or set
         KMDF_HOST_QEMU to its path."
. "$root/scripts/debian.sh"

# The emulator alone, without what it recommends.
unpack QEMU qemu-system-x86

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

keep qemu-system-x86_64
echo "$program"
