#!/bin/sh
# Builds eductl.exe and tests it under Wine: its unit tests, with Windows' overlapped I/O, and the whole program,
# without a device and with a named pipe in a device's place.
#
#   sh scripts/test-eductl.sh
set -eu
. "$(dirname "$0")/lib.sh"

exe=target/eductl/x86_64/eductl.exe
sh scripts/build-eductl.sh
# A program that needs another DLL is noticed.
LC_ALL=C sed 's/msvcrt\.dll/absent.dll/' "$exe" >"$exe.changed"
sh scripts/windows-dlls.sh "$exe.changed" 2>&1 | grep 'lacks: absent.dll$' ||
    fail "a program that needs absent.dll passes."
rm "$exe.changed"

wine=$(sh scripts/wine.sh)
linker=$(sh scripts/mingw.sh)
# By its name alone, for cargo splits a runner at spaces.
PATH=$(dirname "$wine"):$PATH
CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER="timeout 120 wine"
export PATH CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER
windows_gnu "$linker" cargo test --package eductl --target x86_64-pc-windows-gnu \
    --lib --test anywhere --test over_a_pipe -- --include-ignored

# What a shell can do, and a test cannot: no standard output at all is one that takes everything.
status=0
timeout 60 "$wine" "$exe" info --device 9 --json >&- || status=$?
[ "$status" -eq 3 ] || fail "without a standard output eductl.exe ends with $status instead of 3."
status=0
timeout 60 "$wine" "$exe" info --device 9 2>&- || status=$?
[ "$status" -eq 3 ] || fail "without a standard error eductl.exe ends with $status instead of 3."
