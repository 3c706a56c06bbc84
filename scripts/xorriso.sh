#!/bin/sh
# Finds or sets up xorriso, which makes and reads ISO 9660 media, and prints its path.
#
# Taken is one in PATH, else Debian's package, unpacked below target/ with whatever of its dependencies
# the system lacks. Nothing is installed and no root is needed.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck disable=SC2034
prefix=$root/target/prefix/xorriso
# shellcheck disable=SC2034
otherwise="install xorriso (1.5 or newer) by your system's own means."
. "$root/scripts/debian.sh"

program xorriso
