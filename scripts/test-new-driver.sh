#!/bin/sh
# Tests scripts/new-driver.sh: its result builds, has a correct INX and services an interrupt, and wrong arguments are
# refused.
. "$(dirname "$0")/lib.sh"
set -eu

work=$root/target/new-driver
rm -rf "$work"
mkdir -p "$work"

# Under edu's interface, so that eductl finds it.
sh scripts/new-driver.sh my_device "$work/my_device" --interface 8D9E6F1A-2C5B-4E0D-9A37-51C46C0E11E8
cargo run --quiet --package cross -- build --manifest-path "$work/my_device/Cargo.toml"
cargo run --quiet --package cross -- inf "$work/my_device/my_device.inx"
said=$("$built/debug/edu-lab" run --driver target/cross/x86_64/my_device.sys --inf "$work/my_device/my_device.inx" \
    --device model -- "$built/debug/eductl" factorial 12)
say "$said"
case $said in
*"factorial 12 = 479001600"*"1 ISR calls (1 TRUE), 1 DPCs"*"nothing left behind"*) ;;
*) fail "the driver that scripts/new-driver.sh makes does not service its interrupt." ;;
esac

# For another device, with an interface of its own.
sh scripts/new-driver.sh other "$work/other" --id 1af4:1005
grep -q 'VEN_1AF4&DEV_1005' "$work/other/other.inx" || fail "the INX is not for the device that --id names."
! grep -q 8D9E_6F1A "$work/other/src/lib.rs" || fail "the interface is edu's."
! grep -rq 'edu_minimal\.[a-z]' "$work/other" || fail "a file of the copy is still edu_minimal's."

refuses() {
    ! sh scripts/new-driver.sh "$@" >"$work/said" 2>&1 || fail "scripts/new-driver.sh $* is not refused."
    grep -q '^error: ' "$work/said" || fail "scripts/new-driver.sh $* does not say why it is refused."
}
refuses My-Device "$work/x"
refuses my_device "$work/my_device"
refuses my_device "$work/x" --id 1234
refuses my_device "$work/x" --interface 42
[ ! -e "$work/x" ] || fail "what is refused leaves a directory."
