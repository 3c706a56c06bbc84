#!/bin/sh
# Runs cargo-make's tasks as Windows would: cargo-make itself and wdk-build's own makefile, on a copy of
# the sources in which the tasks for Windows are those of this system. scripts/recorders replace the
# commands of the tasks: they record their arguments, and do as much of the work as later tasks need.
#
#   sh scripts/make-as-windows.sh
set -eu
. "$(dirname "$0")/lib.sh"

stage=$root/target/make-as-windows/checkout
RECORD=$root/target/make-as-windows/record
export RECORD

tools=$(sh scripts/cargo-tool.sh cargo-make)
PATH=$PATH:$tools
REAL_CARGO=$(command -v cargo)
export REAL_CARGO
REAL_SOURCE=$root
export REAL_SOURCE
recorders=$root/target/make-as-windows/recorders
mkdir -p "$recorders"
for name in stampinf infverif inf2cat makecert signtool powershell; do
    ln -sfn "$root/scripts/recorders/tool" "$recorders/$name"
done
PATH=$recorders:$root/scripts/recorders:$PATH
# What a cargo around this one has set is not there on a fresh machine.
for name in $(env | sed -n 's/^\(CARGO_MAKE[A-Z_]*\)=.*/\1/p'); do
    unset "$name"
done

# A fresh copy, as after a clone: no target directory anywhere.
fresh() {
    rm -rf "$stage"
    mkdir -p "$stage"
    git ls-files -z | xargs -0 sh -c 'for file; do [ ! -e "$file" ] || printf "%s\0" "$file"; done' sh |
        xargs -0 cp --parents -t "$stage"
    for file in Makefile.toml driver/Makefile.toml; do
        sed 's/^\(\[tasks\..*\)\.windows\([].]\)/\1.linux\2/' "$file" >"$stage/$file"
    done
    : >"$RECORD"
}

# Runs `cargo make ARGUMENTS` in a directory of a fresh copy: make DIRECTORY ARGUMENTS...
make() {
    where=$1
    shift
    fresh
    echo "== cargo make $* (in $where)"
    (cd "$stage/$where" && cargo-make make --disable-check-for-updates "$@") ||
        fail "\`cargo make $*\` fails in a fresh checkout (in $where)." "What it ran: $RECORD"
    cat "$RECORD"
}

# That the record has such a line.
ran() {
    grep -q -- "$1" "$RECORD" || fail "nothing ran like: $1" "What it ran: $RECORD"
}

# What makes the package, wherever it was asked for.
ran_package() {
    for line in "^cargo build" "^stampinf .* -k 1.15" "^infverif " "^inf2cat " "^signtool sign .*\.sys" "^signtool sign .*\.cat"; do
        ran "$line"
    done
}

# As build.ps1 asks, and as a person does in each of the two directories.
make . --cwd driver --profile release
ran_package
# Its build says more of itself where it takes the machine for CI.
ran "^cargo build \(--verbose \)*--profile release"
make driver
ran_package
make . build
ran_package

make . test
ran "^cargo test"
make . lint
ran "^cargo fmt --all --check"
ran "^cargo clippy --all-targets"
ran "^cargo clippy --package edu_kmdf"
make . run
ran "^powershell -NoProfile -ExecutionPolicy Bypass -File scripts/windows/install.ps1"
