#!/bin/sh
# Finds or sets up xorriso, which makes and reads ISO 9660 media, and prints its path.
#
# Taken is one in PATH, else Debian's package, unpacked below target/ with whatever of its dependencies
# the system lacks. Nothing is installed and no root is needed.
set -eu

if command -v xorriso; then
    exit 0
fi

root=$(cd "$(dirname "$0")/.." && pwd)
prefix=$root/target/prefix/xorriso
program=$prefix/bin/xorriso
if [ -x "$program" ]; then
    echo "$program"
    exit 0
fi

# shellcheck disable=SC2034
otherwise="install xorriso (1.5 or newer) by your system's own means."
. "$root/scripts/debian.sh"

unpack xorriso xorriso

cat >"$scratch/bin/xorriso" <<'PROGRAM'
#!/bin/sh
root=$(cd "$(dirname "$0")/../root" && pwd)
libraries=$root/usr/lib/$(uname -m)-linux-gnu:$root/lib/$(uname -m)-linux-gnu
LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
exec "$root/usr/bin/xorriso" "$@"
PROGRAM
chmod +x "$scratch/bin/xorriso"

keep xorriso
echo "$program"
