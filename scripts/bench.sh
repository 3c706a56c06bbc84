#!/bin/sh
# Builds what is measured, and measures it: a table, then a line of JSON for each driver.
set -eu
cd "$(dirname "$0")/.."
sh scripts/build-driver.sh >/dev/null
sh scripts/build-teeth.sh >/dev/null
cargo build --quiet --release --package edu-bench
cargo run --quiet --release --package edu-bench
cargo run --quiet --release --package edu-bench -- --json
