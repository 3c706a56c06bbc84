#!/bin/sh
# Builds the driver with defects, which tests the host: target/cross/c/teeth.sys.
set -eu
cd "$(dirname "$0")/.."
exec cargo run --quiet --package cross -- c --out target/cross/c/teeth.sys tests/teeth/driver/*.c
