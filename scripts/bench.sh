#!/bin/sh
# Builds the drivers to measure, measures them and prints tables. --json prints one line of JSON for each driver
# instead. --without-qemu measures nothing on QEMU's device.
set -eu
cd "$(dirname "$0")/.."
sh scripts/build-driver.sh >/dev/null
sh scripts/build-twin.sh >/dev/null
sh scripts/build-teeth.sh >/dev/null
KMDF_HOST_QEMU=$(sh scripts/qemu.sh | tail -n 1)
export KMDF_HOST_QEMU
exec cargo run --quiet --release --package edu-bench -- "$@"
