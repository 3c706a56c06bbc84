#!/bin/sh
# The driver package, made on Linux: image and catalog signed, INF stamped, everything that a test
# machine needs beside it, eductl.exe for x64 with it. As a directory and as a zip.
#
#   sh scripts/package.sh [--passive] [--arch x86_64|aarch64]
#
# The certificate is made on first use and kept outside the repository: in $EDU_KMDF_IDENTITY, else below
# $XDG_DATA_HOME or ~/.local/share. SOURCE_DATE_EPOCH is when the package is made [default: now].
set -eu
. "$(dirname "$0")/lib.sh"

arch=x86_64
inx=inf/edu_kmdf.inx
variant=
while [ $# -gt 0 ]; do
    case $1 in
    --passive)
        inx=inf/edu_kmdf_passive.inx
        variant=_passive
        ;;
    --arch)
        [ $# -gt 1 ] || fail "--arch takes x86_64 or aarch64"
        arch=$2
        shift
        ;;
    *) fail "there is no option $1" "usage: sh scripts/package.sh [--passive] [--arch x86_64|aarch64]" ;;
    esac
    shift
done
case $arch in
x86_64) architecture=amd64 ;;
aarch64) architecture=arm64 ;;
*) fail "there is no architecture $arch; there are x86_64 and aarch64" ;;
esac
identity=${EDU_KMDF_IDENTITY:-${XDG_DATA_HOME:-$HOME/.local/share}/edu_kmdf}
out=target/package/edu_kmdf${variant}_${architecture}_package

find_cargo
image=target/cross/$arch/edu_kmdf.sys
step driver "building the driver, edu_kmdf.sys" sh scripts/build-driver.sh --arch "$arch"
step cargo-package "building what packs it" cargo build --package driver-package
eductl=
if [ "$arch" = x86_64 ]; then
    status=0
    quietly eductl "building eductl.exe" sh scripts/build-eductl.sh || status=$?
    case $status in
    0) eductl=target/eductl/x86_64/eductl.exe ;;
    3) left_out=$(tail -n 1 "$log") ;;
    *) show_log && fail "this command failed: sh scripts/build-eductl.sh" ;;
    esac
else
    left_out="it is built for x64 only"
fi
mkdir -p target/package
rm -rf "$out" "${out%_package}_package.zip"
step package "signing, stamping, listing" "$built/debug/driver-package" \
    --image "$image" --inx "$inx" --architecture "$architecture" \
    --time "${SOURCE_DATE_EPOCH:-$(seconds)}" --identity "$identity" --out "$out" \
    "${image%.sys}.pdb" scripts/windows/common.ps1 scripts/windows/install.ps1 \
    scripts/windows/uninstall.ps1 scripts/windows/verifier-on.ps1 scripts/windows/verifier-off.ps1 \
    scripts/windows/verifier-report.ps1 ${eductl:+"$eductl"}
[ -n "$eductl" ] || say "   eductl.exe is left out: $left_out"
say "   $out"
say "   $out.zip"
