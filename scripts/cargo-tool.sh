#!/bin/sh
# Finds the cargo tools that some steps of test.sh run, or builds them below target/, and prints their directory.
#
#   sh scripts/cargo-tool.sh NAME...    cargo-make, cargo-deny
#
# A second call waits while another one builds a tool.
set -eu
. "$(dirname "$0")/lib.sh"

tools=$prefix/tools
PATH=$PATH:$tools/bin

build() {
    # Once each: optimizing it would cost more than it saves, and nobody looks into it with a debugger.
    CARGO_PROFILE_DEV_DEBUG=0 cargo install "$@" --locked --debug --root "$tools"
}

mkdir -p "$tools"
exec 9>"$tools/lock"
flock 9
for name in "$@"; do
    ! command -v "$name" >/dev/null || continue
    case $name in
    # The version of the makefile that wdk-build brings.
    cargo-make) build "$name" --version "=0.37.24" --no-default-features ;;
    cargo-deny) build "$name" --version "^0.20" ;;
    *) fail "$name is no tool that is known here; there are: cargo-make, cargo-deny" ;;
    esac
done
echo "$tools/bin"
