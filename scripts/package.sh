#!/bin/sh
# Makes a driver package on Linux, as a directory and as a zip: image and catalog signed, INF stamped.
#
#   sh scripts/package.sh [--passive] [--arch x86_64|aarch64]
#   sh scripts/package.sh --package edu_minimal|virtio_rng [--arch x86_64|aarch64]
#
# A package of edu_kmdf also contains the scripts that a test machine needs. `pnputil /add-driver NAME.inf /install`
# installs the others, once their certificate is trusted. eductl.exe for x64 is in the packages for edu.
#
# The first use makes a certificate outside the repository: in $EDU_KMDF_IDENTITY, otherwise below $XDG_DATA_HOME
# or ~/.local/share. SOURCE_DATE_EPOCH is the time of the package [default: now].
set -eu
. "$(dirname "$0")/lib.sh"

arch=x86_64
driver=edu_kmdf
variant=
while [ $# -gt 0 ]; do
    case $1 in
    --passive) variant=_passive ;;
    --arch)
        [ $# -gt 1 ] || fail "--arch takes x86_64 or aarch64"
        arch=$2
        shift
        ;;
    --package)
        [ $# -gt 1 ] || fail "--package takes edu_kmdf, edu_minimal or virtio_rng"
        driver=$2
        shift
        ;;
    *) fail "there is no option $1" \
        "usage: sh scripts/package.sh [--package DRIVER] [--passive] [--arch x86_64|aarch64]" ;;
    esac
    shift
done
case $driver in
edu_kmdf) inx=inf/edu_kmdf$variant.inx ;;
edu_minimal) inx=driver/minimal/edu_minimal.inx ;;
virtio_rng) inx=driver/virtio-rng/virtio_rng.inx ;;
*) fail "there is no driver $driver; there are edu_kmdf, edu_minimal and virtio_rng" ;;
esac
[ -z "$variant" ] || [ "$driver" = edu_kmdf ] || fail "--passive is an INF of edu_kmdf; $driver has one INF"
case $arch in
x86_64) architecture=amd64 ;;
aarch64) architecture=arm64 ;;
*) fail "there is no architecture $arch; there are x86_64 and aarch64" ;;
esac
identity=${EDU_KMDF_IDENTITY:-${XDG_DATA_HOME:-$HOME/.local/share}/edu_kmdf}
out=target/package/$driver${variant}_${architecture}_package

find_cargo
image=target/cross/$arch/$driver.sys
step driver "building the driver, $driver.sys" sh scripts/build-driver.sh --package "$driver" --arch "$arch"
step cargo-package "building the packager" cargo build --package driver-package
eductl=
left_out=
if [ "$driver" = virtio_rng ]; then
    : # It has another device.
elif [ "$arch" = x86_64 ]; then
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
# The scripts, which are for edu_kmdf.
set --
if [ "$driver" = edu_kmdf ]; then
    for script in common install uninstall verifier-on verifier-off verifier-report; do
        set -- "$@" "scripts/windows/$script.ps1"
    done
fi
mkdir -p target/package
rm -rf "$out" "${out%_package}_package.zip"
step package "signing, stamping, listing" "$built/debug/driver-package" \
    --image "$image" --inx "$inx" --architecture "$architecture" \
    --time "${SOURCE_DATE_EPOCH:-$(seconds)}" --identity "$identity" --out "$out" \
    "${image%.sys}.pdb" ${eductl:+"$eductl"} "$@"
[ -z "$left_out" ] || say "   eductl.exe is left out: $left_out"
say "   $out"
say "   $out.zip"
