#!/bin/sh
# Builds the sample drivers: target/cross/samples/echo.sys and toaster.sys, with their symbols.
set -eu
cd "$(dirname "$0")/.."
for name in echo toaster; do
    cargo run --quiet --package cross -- c --out "target/cross/samples/$name.sys" "samples/$name/$name.c"
done
