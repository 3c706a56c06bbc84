#!/bin/sh
# Finds or sets up osslsigncode, which verifies signatures of Windows, and prints its path.
#
# Taken is one in PATH, else Debian's package, unpacked below target/ with whatever of its dependencies
# the system lacks. Nothing is installed and no root is needed.
set -eu

if command -v osslsigncode; then
    exit 0
fi

root=$(cd "$(dirname "$0")/.." && pwd)
prefix=$root/target/prefix/osslsigncode
program=$prefix/bin/osslsigncode
if [ -x "$program" ]; then
    echo "$program"
    exit 0
fi

# shellcheck disable=SC2034
otherwise="install osslsigncode (2.5 or newer) by your system's own means."
. "$root/scripts/debian.sh"

unpack osslsigncode osslsigncode

cat >"$scratch/bin/osslsigncode" <<'PROGRAM'
#!/bin/sh
root=$(cd "$(dirname "$0")/../root" && pwd)
libraries=$root/usr/lib/$(uname -m)-linux-gnu:$root/lib/$(uname -m)-linux-gnu
LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
exec "$root/usr/bin/osslsigncode" "$@"
PROGRAM
chmod +x "$scratch/bin/osslsigncode"

keep osslsigncode
echo "$program"
