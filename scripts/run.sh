#!/bin/sh
# From source to first interrupt: builds the driver, boots the unmodified .sys file in user mode, and lets
# two devices interrupt it: the edu model, and QEMU's own edu device.
#
#   sh scripts/run.sh
#
# It finds what it needs, or sets it up below target/. It installs nothing on the system.
set -eu
. "$(dirname "$0")/lib.sh"

driver=target/cross/x86_64/edu_kmdf.sys
inf=inf/edu_kmdf.inx

# What each device is asked; it runs with kmdf-host's socket in its environment.
# shellcheck disable=SC2016
session='
for words in info "factorial 12" "raise 0x2" stats; do
    printf "\n\$ eductl %s\n" "$words"
    eductl $words || exit
done
echo'

# Boots the driver for the device, runs the session, and shows what happened.
show() {
    name=$1
    device=$2
    transcript=$logs/run-$name.txt
    status=0
    PATH=$root/$built/release:$built/release:$PATH \
        edu-lab run --driver "$driver" --inf "$inf" --device "$device" \
        --register-trace "$logs/run-$name" -- sh -c "$session" >"$transcript" 2>&1 || status=$?
    sed 's/^[^ ]/   &/' "$transcript"
    [ "$status" -eq 0 ] ||
        fail "edu-lab ended with exit code $status; \`edu-lab run --help\` says what that means."
    agree "$transcript"
}

# What the host counted from outside must be what the driver counted itself.
agree() {
    awk '
        $2 == "isr_calls" { driver["isr"] = $1 }
        $2 == "interrupts" { driver["true"] = $1 }
        $2 == "dpc_calls" { driver["dpc"] = $1 }
        $1 == "counts" {
            gsub(/[(,]/, "")
            interrupts = $2; host["isr"] = $5; host["true"] = $8; host["dpc"] = $10
            requests = $12; completions = $14
        }
        END {
            ok = interrupts > 0 && interrupts == host["true"] && requests == completions
            for (name in host) ok = ok && host[name] == driver[name]
            if (!ok) exit 1
            printf "   agreed   the driver counted the same: %d interrupts, %d ISR calls, %d DPCs\n",
                driver["true"], driver["isr"], driver["dpc"]
        }' "$1" || fail "the counts above do not agree."
}

title "Build"
prepare
step driver "building the driver, edu_kmdf.sys" sh scripts/build-driver.sh
step host "building the host and eductl" cargo build --release --package edu-lab --package eductl
say "   $driver: $(wc -c <"$driver") bytes, $(sha256sum "$driver" | cut -c 1-16)..."

title "The driver and the edu model"
show model model

title "The driver and QEMU's own edu device ($("$KMDF_HOST_QEMU" --version | head -n 1))"
show qemu qemu:edu

title "Both devices"
# A device may take longer than another: signals are compared by themselves, accesses by themselves.
for kind in '^message' '^read\|^write'; do
    for name in model qemu; do
        grep "$kind" "$logs/run-$name/0.trace" >"$logs/run-$name/compared" || true
    done
    if ! diff "$logs/run-model/compared" "$logs/run-qemu/compared"; then
        fail "the driver saw the two devices differ, as above (< the model, > QEMU's)."
    fi
done
say "   The driver read and wrote the same registers of both, in the same order, with the same values:"
say
sed 's/^/   | /' "$logs/run-qemu/0.trace"
say
say "   Next: sh scripts/test.sh, or README.md."
