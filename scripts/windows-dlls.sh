#!/bin/sh
# Fails if a program for Windows needs a DLL that a plain Windows 10 does not have.
#
#   sh scripts/windows-dlls.sh FILE.exe
set -eu
. "$(dirname "$0")/lib.sh"

objdump=$(dirname "$(sh scripts/mingw.sh)")/x86_64-w64-mingw32-objdump
needed=$("$objdump" --private-headers "$1" | sed -n 's/^[[:space:]]*DLL Name: //p' | tr "[:upper:]" "[:lower:]" | sort -u)
[ -n "$needed" ] || fail "$1 names no DLL: it is no program for Windows."
lacking=
for name in $needed; do
    case $name in
    # msvcrt.dll is the system's own C runtime, not one that comes with a compiler.
    kernel32.dll | ntdll.dll | msvcrt.dll | advapi32.dll | bcryptprimitives.dll | cfgmgr32.dll | user32.dll | \
        userenv.dll | ws2_32.dll | api-ms-win-core-synch-l1-2-0.dll) ;;
    *) lacking="$lacking $name" ;;
    esac
done
[ -z "$lacking" ] || fail "$1 needs what a plain Windows 10 lacks:$lacking"
say "$1 needs:" "$(echo "$needed" | tr '\n' ' ')"
