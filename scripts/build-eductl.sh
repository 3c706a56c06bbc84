#!/bin/sh
# Builds eductl for Windows x64 on Linux: target/eductl/x86_64/eductl.exe. There is none for ARM64, because Debian
# has no mingw-w64 for it.
#
# It uses rustup's standard library for x86_64-pc-windows-gnu. Debian's mingw-w64 links it with the C runtime that
# every Windows has, msvcrt.dll. If one of them is unavailable, the exit code is 3 and the last line gives the reason.
set -eu
. "$(dirname "$0")/lib.sh"

target=x86_64-pc-windows-gnu
exe=target/eductl/x86_64/eductl.exe

find_cargo
rm -f "$exe"
mkdir -p "$(dirname "$exe")"
if ! has_target $target; then
    say "rustup cannot fetch $target here"
    exit 3
fi
if ! linker=$(sh scripts/mingw.sh); then
    say "mingw-w64 cannot be unpacked here"
    exit 3
fi

windows_gnu "$linker" cargo build --package eductl --target $target
sh scripts/windows-dlls.sh "$built/$target/debug/eductl.exe"
cp "$built/$target/debug/eductl.exe" "$exe"
say "$exe"
