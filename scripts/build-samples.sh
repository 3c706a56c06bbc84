#!/bin/sh
# Builds the sample drivers with their symbols: target/cross/samples/echo.sys, toaster.sys and so on for the
# oldest KMDF version, and the same below target/cross/samples/1.33/ for the newest.
set -eu
cd "$(dirname "$0")/.."
for kmdf in 1.15 1.33; do
    to=target/cross/samples
    [ $kmdf = 1.15 ] || to=$to/$kmdf
    for name in echo toaster probe power card bus entropy relay service; do
        # It calls a function that the oldest version has not.
        [ $name != relay ] || [ $kmdf = 1.33 ] || continue
        # One word for each file, on purpose.
        # shellcheck disable=SC2046
        cargo run --quiet --package cross -- c --kmdf $kmdf --out "$to/$name.sys" $(find host/samples/"$name" -name "*.c" -o -name "*.cpp" -o -name "*.rc" | sort)
    done
done
