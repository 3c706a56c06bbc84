#!/bin/sh
# Finds or sets up a linker for programs for Windows x64, and prints its path: Debian's gcc of mingw-w64, with
# its binutils beside it.
#
# It always uses Debian's packages, unpacked below target/, so that the result does not depend on the system.
# It installs nothing and needs no root. It downloads 39 MB and keeps 170 MB unpacked, in 7 s.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
prefix=$root/target/prefix/mingw
linker=$prefix/bin/x86_64-w64-mingw32-gcc
if [ -x "$linker" ]; then
    echo "$linker"
    exit 0
fi

# shellcheck disable=SC2034
otherwise="build eductl.exe on Windows: cargo build --release --package eductl."
. "$root/scripts/debian.sh"

# The linker's parts alone: not the compiler's libraries, which none of them uses.
unpack mingw-w64 "" "gcc-mingw-w64-x86-64-win32 binutils-mingw-w64-x86-64 mingw-w64-x86-64-dev"
rm -rf "$scratch/root/usr/share" "$scratch"/root/usr/lib/gcc/*/*/cc1 "$scratch"/root/usr/lib/gcc/*/*/lto1

for tool in "$scratch"/root/usr/bin/x86_64-w64-mingw32-*; do
    tool=$(basename "$tool")
    ln -s "../root/usr/bin/$tool" "$scratch/bin/${tool%-win32}"
done
# It names its temporary files to the assembler without quotes, and rustc has them in the checkout's path. What
# they are called decides the order of the imports, so that stays.
rm "$scratch/bin/x86_64-w64-mingw32-dlltool"
cat >"$scratch/bin/x86_64-w64-mingw32-dlltool" <<'PROGRAM'
#!/bin/sh
for last; do :; done
directory=$(mktemp -d) || exit
"$(dirname "$0")/../root/usr/bin/x86_64-w64-mingw32-dlltool" "$@" --temp-prefix "$directory/${last##*/}"
status=$?
rm -r "$directory"
exit "$status"
PROGRAM
chmod +x "$scratch/bin/x86_64-w64-mingw32-dlltool"

keep x86_64-w64-mingw32-gcc
echo "$linker"
