#!/bin/sh
# Finds or sets up a C compiler for rustc to link with, and prints the path of `cc`: one in PATH, or
# Debian's gcc and C library, unpacked below target/. It installs nothing and needs no root. A second
# run uses what the first one unpacked.
set -eu

if command -v cc; then
    exit 0
fi

root=$(cd "$(dirname "$0")/.." && pwd)
prefix=$root/target/prefix/cc
if [ -x "$prefix/bin/cc" ]; then
    echo "$prefix/bin/cc"
    exit 0
fi

# shellcheck disable=SC2034
otherwise="install a C compiler by your system's own means (Debian: apt-get install gcc libc6-dev)."
. "$root/scripts/debian.sh"

# The C library itself is on every system, but the linker must find it in the same root.
unpack "a C compiler" "gcc libc6-dev" "libc6 libgcc-s1"

cat >"$scratch/bin/cc" <<'PROGRAM'
#!/bin/sh
root=$(cd "$(dirname "$0")/../root" && pwd)
PATH=$root/usr/bin:$PATH
LD_LIBRARY_PATH=$root/usr/lib/$(uname -m)-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export PATH LD_LIBRARY_PATH
exec "$root/usr/bin/gcc" --sysroot="$root" "$@"
PROGRAM
chmod +x "$scratch/bin/cc"

keep cc
echo "$prefix/bin/cc"
