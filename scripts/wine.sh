#!/bin/sh
# Finds or sets up Wine, which runs Windows programs, and prints the path of a script that runs one:
# wine PROGRAM [ARGUMENT]...
#
# It always uses Debian's packages, unpacked below target/, because the system's Wine would write to the user's
# directories. It installs nothing and needs no root. It downloads 101 MB and keeps 40 MB, in 12 s. The result has no
# display, no services and an empty registry, and only the Windows programs and DLLs that eductl.exe loads.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
prefix=$root/target/prefix/wine
program=$prefix/bin/wine
if [ -x "$program" ]; then
    echo "$program"
    exit 0
fi
mingw=$(sh "$root/scripts/mingw.sh" | tail -n 1)
mingw=$(dirname "$mingw")

# shellcheck disable=SC2034
otherwise="run eductl's tests on Windows: cargo test --package eductl."
. "$root/scripts/debian.sh"

# Links a DLL for Wine, of the assembler code in standard input: dll NAME EXPORT...
dll() {
    dll=$windows/$1.dll
    printf '%s\n' "LIBRARY $1.dll" EXPORTS >"$scratch/exports.def"
    shift
    printf '%s\n' "$@" >>"$scratch/exports.def"
    "$mingw/x86_64-w64-mingw32-as" -o "$scratch/object" || give_up "$dll could not be assembled."
    "$mingw/x86_64-w64-mingw32-ld" --shared --entry 0 "$scratch/object" "$scratch/exports.def" -o "$dll" ||
        give_up "$dll could not be linked."
    rm "$scratch/object" "$scratch/exports.def"
}

# Of the libraries that Wine depends on it loads this one for what shows nothing.
unpack Wine libunwind8 "libwine wine64"
libraries=$scratch/root/usr/lib/$(uname -m)-linux-gnu/wine
windows=$libraries/x86_64-windows
# Of the 690 DLLs and programs, those that eductl.exe loads.
mkdir "$scratch/kept"
for file in advapi32.dll apisetschema.dll icacls.exe kernel32.dll kernelbase.dll msvcrt.dll ntdll.dll \
    rpcrt4.dll sechost.dll ucrtbase.dll userenv.dll ws2_32.dll; do
    mv "$windows/$file" "$scratch/kept" || give_up "Debian's Wine has no $file."
done
rm -rf "$windows" "$scratch/root/usr/share/wine/fonts"
mv "$scratch/kept" "$windows"
# Wine would boot first: start services, fill the registry, copy everything. This is a program that does nothing.
mv "$windows/icacls.exe" "$windows/wineboot.exe"
# Its server is started by this name.
ln -sf wineserver64 "$scratch/root/usr/lib/wine/wineserver"
# Two DLLs that this Wine lacks. Rust's library takes its random numbers from the first.
dll bcryptprimitives "ProcessPrng = advapi32.SystemFunction036" </dev/null
# In Wine these two only fail. Here the only device, of whatever interface, is a named pipe, for tests to be at
# its other end.
dll cfgmgr32 CM_Get_Device_Interface_List_SizeW CM_Get_Device_Interface_ListW <<'ASSEMBLER'
    .globl CM_Get_Device_Interface_List_SizeW, CM_Get_Device_Interface_ListW
list:
    .string16 "\\\\?\\pipe\\edu"
    .short 0
    .set characters, (. - list) / 2
CM_Get_Device_Interface_List_SizeW:
    movl $characters, (%rcx)
    xorl %eax, %eax
    ret
CM_Get_Device_Interface_ListW:
    pushq %rsi
    pushq %rdi
    leaq list(%rip), %rsi
    movq %r8, %rdi
    movl $characters, %ecx
    rep movsw
    xorl %eax, %eax
    popq %rdi
    popq %rsi
    ret
ASSEMBLER

mkdir -p "$scratch/prefix/drive_c/windows" "$scratch/prefix/dosdevices"
ln -s "../../../root/usr/lib/$(uname -m)-linux-gnu/wine/x86_64-windows" "$scratch/prefix/drive_c/windows/system32"
ln -s ../drive_c "$scratch/prefix/dosdevices/c:"
ln -s / "$scratch/prefix/dosdevices/z:"

cat >"$scratch/bin/wine" <<'PROGRAM'
#!/bin/sh
root=$(cd "$(dirname "$0")/.." && pwd)
LD_LIBRARY_PATH=$root/root/usr/lib/$(uname -m)-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
WINEPREFIX=$root/prefix
WINEDEBUG=${WINEDEBUG:--all}
export LD_LIBRARY_PATH WINEPREFIX WINEDEBUG
unset DISPLAY WAYLAND_DISPLAY WINEARCH WINEDLLOVERRIDES WINEDLLPATH WINELOADER WINESERVER
exec "$root/root/usr/lib/wine/wine64" "$@"
PROGRAM
chmod +x "$scratch/bin/wine"
# With a library or a path missing, it only says that it is there.
"$scratch/bin/wine" 'c:\windows\system32\wineboot.exe' >>"$scratch/log" 2>&1 || give_up "the unpacked Wine runs no program:"

keep wine
echo "$program"
