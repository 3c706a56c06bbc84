#!/bin/sh
# Builds the C twin of the driver's way of a request and an interrupt: target/cross/c/twin.sys.
set -eu
cd "$(dirname "$0")/.."
exec cargo run --quiet --package cross -- c --out target/cross/c/twin.sys tests/bench/twin/*.c
