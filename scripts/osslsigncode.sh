#!/bin/sh
# Finds or sets up osslsigncode, which verifies signatures of Windows, and prints its path.
#
# Taken is one in PATH, else Debian's package, unpacked below target/ with whatever of its dependencies
# the system lacks. Nothing is installed and no root is needed.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck disable=SC2034
prefix=$root/target/prefix/osslsigncode
# shellcheck disable=SC2034
otherwise="install osslsigncode (2.5 or newer) by your system's own means."
. "$root/scripts/debian.sh"

program osslsigncode
