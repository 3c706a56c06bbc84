#!/bin/sh
# Builds what is measured, and measures it: tables; with --json, a line for each driver instead. With
# --without-qemu, nothing is measured on QEMU's device.
set -eu
cd "$(dirname "$0")/.."
sh scripts/build-driver.sh >/dev/null
sh scripts/build-twin.sh >/dev/null
sh scripts/build-teeth.sh >/dev/null
KMDF_HOST_QEMU=$(sh scripts/qemu.sh | tail -n 1)
export KMDF_HOST_QEMU
exec cargo run --quiet --release --package edu-bench -- "$@"
