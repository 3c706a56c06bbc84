#!/bin/sh
# Builds fixture.sys and fixture.pdb from fixture.rs. The tests use the built files as they are
# here: run this only after a change to fixture.rs.
set -eu
cd "$(dirname "$0")"
sysroot=$(rustc --print sysroot)
host=$(rustc -vV | sed -n 's/^host: //p')
lld="$sysroot/lib/rustlib/$host/bin/rust-lld"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

RUSTC_BOOTSTRAP=1 rustc --edition 2024 --crate-type lib --target x86_64-pc-windows-msvc \
    -g -O -C panic=abort -C codegen-units=1 --remap-path-prefix "$PWD=." \
    --emit obj -o "$scratch/fixture.obj" fixture.rs
printf 'LIBRARY ntoskrnl.exe\nEXPORTS\nimported\n' > "$scratch/ntoskrnl.def"
"$lld" -flavor link /lib "/def:$scratch/ntoskrnl.def" /machine:x64 "/out:$scratch/ntoskrnl.lib"
# Named relative to where it runs, so that the PDB holds no path of this machine.
cd "$scratch"
"$lld" -flavor link /driver /subsystem:native /entry:FxDriverEntry /nodefaultlib /release /brepro \
    /debug /pdbaltpath:fixture.pdb /pdbsourcepath:. /export:exported /out:fixture.sys \
    fixture.obj ntoskrnl.lib
cd - > /dev/null
cp "$scratch/fixture.sys" "$scratch/fixture.pdb" .
