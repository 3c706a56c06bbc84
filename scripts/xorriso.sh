#!/bin/sh
# Finds or sets up xorriso, which makes and reads ISO 9660 media, and prints its path.
#
# It uses the one in PATH, otherwise Debian's package, unpacked below target/ with the dependencies that the
# system lacks. It installs nothing and needs no root.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck disable=SC2034
prefix=$root/target/prefix/xorriso
# shellcheck disable=SC2034
otherwise="install xorriso (1.5 or newer) by your system's own means."
. "$root/scripts/debian.sh"

program xorriso
