#!/bin/sh
# A Windows VM in one command: installs Windows in QEMU unattended, with the driver packages made here, and runs
# the driver there, under Driver Verifier and with the device surprise-removed. NOT RUN WITH WINDOWS YET.
#
#   sh scripts/vm.sh --iso WINDOWS.iso
#   sh scripts/vm.sh --dry-run           the part that needs no Windows
#   sh scripts/vm.sh --help              the other options, and the exit codes
#
# If it is stopped, the same command continues with the first unfinished stage.
set -eu

# Paths in the command line are from there.
called_from=$(pwd)
. "$(dirname "$0")/lib.sh"

# What is missing ends this with the exit code that --help has for it.
find_cargo
(step cargo-vm "building what runs the machine" cargo build --package windows-vm) || exit 3
program=$built/debug/windows-vm
case " $* " in
*" --help "* | *" -h "*) exec "$program" --help ;;
esac
(step qemu "finding QEMU" sh scripts/qemu.sh) || exit 3
(step xorriso "finding xorriso" sh scripts/xorriso.sh) || exit 3
exec "$program" "$@" --called-from "$called_from" \
    --qemu "$(tail -n 1 "$logs/qemu.log")" --xorriso "$(tail -n 1 "$logs/xorriso.log")" \
    --revision "$(git describe --always --dirty 2>/dev/null || echo unknown)"
