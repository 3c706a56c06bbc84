#!/bin/sh
# Builds the driver here and from a copy of the checkout in another directory, and compares image and
# symbols byte by byte.
#
#   sh scripts/reproducible.sh [--arch x86_64|aarch64]
#
# The copy contains no build results; only packages of the distribution are not downloaded again. It is
# outside of this checkout, because cargo would otherwise read the configuration of both.
set -eu
cd "$(dirname "$0")/.."

here=$(sh scripts/build-driver.sh "$@")

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
copy="$scratch/another directory"
mkdir -p "$copy/target/cross"
tar --create --exclude=./target --exclude=./.git . | tar --extract --directory "$copy"
if [ -d target/cross/packages ]; then
    ln -s "$PWD/target/cross/packages" "$copy/target/cross/packages"
fi
# What builds it is the same program, and need not be built again. The copy's own target directory,
# whatever the caller's is.
cross=$(cd "${CARGO_TARGET_DIR:-target}/debug" && pwd)/cross
there=$(unset CARGO_TARGET_DIR CARGO_BUILD_TARGET_DIR && cd "$copy" && "$cross" build "$@")

for suffix in sys pdb; do
    cmp "${here%.sys}.$suffix" "${there%.sys}.$suffix"
done
echo "reproducible: $(sha256sum "$here")"
