#!/bin/sh
# Runs one of the fuzzers (tests/fuzz/src/lib.rs has the table) and keeps its new inputs in its corpus.
#
#   sh scripts/fuzz.sh TARGET SECONDS
#
# Targets: image, symbols, inf, protocol, instruction, processor, hostile.
#
# It needs a C++ compiler for libFuzzer, but no nightly toolchain. An input that fails is written to a file
# below target/fuzz, and the script prints how to run it again.
set -eu
cd "$(dirname "$0")/.."
[ $# -ge 2 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2 && exit 2; }
target=$1
seconds=$2
shift 2
built=${CARGO_TARGET_DIR:-$PWD/target}/fuzz
if [ ! -f "tests/fuzz/run/src/$target.rs" ]; then
    echo "fuzz.sh: there is no target $target; \`sh scripts/fuzz.sh\` lists them" >&2
    exit 2
fi
if ! command -v "${CXX:-c++}" >/dev/null; then
    echo "fuzz.sh: no C++ compiler, as \`${CXX:-c++}\`: libFuzzer is built with it (Debian: apt-get install g++)" >&2
    exit 1
fi

[ "$target" != hostile ] || sh scripts/build-driver.sh >/dev/null
# What `cargo fuzz --sanitizer none` sets.
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=1"
cargo build --quiet --release --manifest-path tests/fuzz/run/Cargo.toml --target-dir "$built" \
    --target x86_64-unknown-linux-gnu --bin "$target"
mkdir -p "tests/fuzz/corpus/$target" "$built/found"
exec "$built/x86_64-unknown-linux-gnu/release/$target" "tests/fuzz/corpus/$target" \
    -artifact_prefix="$built/found/" -max_total_time="$seconds" -max_len=4096 -timeout=20 "$@"
