#!/bin/sh
# Makes a driver of your own to start from: a copy of driver/minimal in a directory of its own, under another name.
#   sh scripts/new-driver.sh NAME DIRECTORY [--id VVVV:DDDD] [--interface GUID]
# NAME is the name of package, image, service and INX. --id is the PCI device in the INX [default: QEMU's edu];
# --interface is the class of its interface [default: a new one]. docs/tutorial.md says what to change next.
set -eu
from=$(cd "$(dirname "$0")/.." && pwd)

usage() {
    sed -n '2,5s/^# //p' "$0" >&2
    exit 2
}

refuse() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

[ $# -ge 2 ] || usage
name=$1
to=$2
shift 2
id=1234:11e8
interface=
while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || usage
    case $1 in
    --id) id=$2 ;;
    --interface) interface=$2 ;;
    *) usage ;;
    esac
    shift 2
done

# 32 characters: a service's name that no tool shortens.
echo "$name" | grep -Eqx '[a-z][a-z0-9_]{1,31}' ||
    refuse "$name cannot be a driver's name: give lower-case letters, digits and _, a letter first"
id=$(echo "$id" | tr '[:lower:]' '[:upper:]')
echo "$id" | grep -Eqx '[0-9A-F]{4}:[0-9A-F]{4}' ||
    refuse "$id is no PCI device: give vendor and device in hexadecimal, as lspci -n does, for example 1af4:1005"
[ -n "$interface" ] || interface=$(cat /proc/sys/kernel/random/uuid 2>/dev/null || uuidgen)
interface=$(echo "$interface" | tr -d '{}' | tr '[:lower:]-' '[:upper:]_')
echo "$interface" | grep -Eqx '[0-9A-F]{8}_([0-9A-F]{4}_){3}[0-9A-F]{12}' ||
    refuse "$interface is no GUID: give one as uuidgen prints it"
[ ! -e "$to" ] || refuse "$to is there already: name a directory that is not"

# The first two groups as clippy wants numbers to be.
number=$(echo "$interface" | tr -d _ | sed 's/..../&_/g; s/_$//')
camel=$(echo "$name" | awk -F_ '{ for (i = 1; i <= NF; i++) printf "%s%s", toupper(substr($i, 1, 1)), substr($i, 2) }')
version_of() {
    sed -n "s/^$1 = \"\(.*\)\"/\1/p" "$from/Cargo.toml"
}

mkdir -p "$to/src" "$to/.cargo"
sed -e "s/EduDevice/${camel}Device/g; s/EduInterrupt/${camel}Interrupt/g" \
    -e "s/from_u128(0x[0-9A-F_]*)/from_u128(0x$number)/" \
    -e 's/, explained in docs\/tutorial.md\./, made from edu_minimal./' \
    "$from/driver/minimal/src/lib.rs" >"$to/src/lib.rs"
sed -e "s/edu_minimal/$name/g; s/VEN_1234&DEV_11E8/VEN_${id%:*}\&DEV_${id#*:}/" \
    -e "s/ for QEMU's edu device:/:/; s/\"QEMU edu device[^\"]*\"/\"$name device\"/; s/\"QEMU\"/\"Manufacturer of $name\"/" \
    "$from/driver/minimal/edu_minimal.inx" >"$to/$name.inx"
# Lines may have become longer than rustfmt wants them.
if command -v rustfmt >/dev/null; then
    rustfmt --edition "$(version_of edition)" "$to/src/lib.rs"
fi
cp "$from/driver/minimal/build.rs" "$from/driver/minimal/Makefile.toml" "$to/"
cp "$from/.cargo/config.toml" "$to/.cargo/"
printf '/target/\n' >"$to/.gitignore"
cat >"$to/Cargo.toml" <<END
[package]
name = "$name"
version = "0.1.0"
edition = "$(version_of edition)"
rust-version = "$(version_of rust-version)"
publish = false
description = "A KMDF driver"

[package.metadata.wdk.driver-model]
driver-type = "KMDF"
kmdf-version-major = 1
target-kmdf-version-minor = $(sed -n 's/^target-kmdf-version-minor = //p' "$from/Cargo.toml")

[lib]
crate-type = ["cdylib"]
test = false
doctest = false
bench = false

[dependencies]
kmdf = { path = "$from/wdf" }
wdk-panic = "$(version_of wdk-panic)"

[build-dependencies]
wdk-build = "$(version_of wdk-build)"

# wdk-build insists on these for a kernel driver.
[profile.dev]
panic = "abort"

[profile.release]
panic = "abort"
debug = "full"
opt-level = "s"
codegen-units = 1

[workspace]
END

cat <<END
$to is a driver. To build it, check its INX and run it on QEMU's edu:
    cargo run -p cross -- build --manifest-path $to/Cargo.toml
    cargo run -p cross -- inf $to/$name.inx
    cargo run -p edu-lab -- run --driver target/cross/x86_64/$name.sys --inf $to/$name.inx --device model -- APP
The last is for edu's ids. What to change next: docs/tutorial.md.
END
