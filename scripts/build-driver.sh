#!/bin/sh
# Builds edu_kmdf.sys, or another driver, on a machine that is not Windows. Arguments go to `cross build`:
#   sh scripts/build-driver.sh [--package edu_minimal|edu_minimal_umdf] [--arch x86_64|aarch64] [--profile release|dev]
set -eu
cd "$(dirname "$0")/.."
exec cargo run --quiet --package cross -- build "$@"
