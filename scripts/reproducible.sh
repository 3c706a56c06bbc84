#!/bin/sh
# Builds the driver here and in a fresh clone of HEAD in another directory, and compares image and
# symbols byte by byte. The checkout must be clean, or the two are not of the same source.
#
#   sh scripts/reproducible.sh [--arch x86_64|aarch64]
set -eu
cd "$(dirname "$0")/.."

if [ -n "$(git status --porcelain)" ]; then
    echo "reproducible.sh: there are changes that a clone does not have; commit them first." >&2
    exit 1
fi
clone="target/reproducible/another directory"
rm -rf target/reproducible
mkdir -p target/reproducible
git clone --quiet . "$clone"

here=$(sh scripts/build-driver.sh "$@")
# The clone's own target directory, whatever the caller's is.
there=$(unset CARGO_TARGET_DIR && cd "$clone" && sh scripts/build-driver.sh "$@")
for suffix in sys pdb; do
    cmp "${here%.sys}.$suffix" "${there%.sys}.$suffix"
done
rm -rf target/reproducible
echo "reproducible: $(sha256sum "$here")"
