#!/bin/sh
# Makes the runs that docs/host.md records: every scenario with every cause at every instruction boundary,
# every call that can fail, and 1,000,000 seeded schedules over all scenarios. First it looks for data races.
#
#   sh scripts/prove.sh                 all of them: about two hours on two cores
#   sh scripts/prove.sh SEEDS OPTION... that many seeds for each scenario, and more options of explore
set -eu
cd "$(dirname "$0")/.."

# Each seed makes three runs of each of the 43 scenarios.
seeds=${1:-7752}
[ $# -eq 0 ] || shift
built=${CARGO_TARGET_DIR:-target}

sh scripts/build-driver.sh >/dev/null
cargo build --quiet --release --package edu-lab
set -- explore --driver target/cross/x86_64/edu_kmdf.sys --inf inf/edu_kmdf.inx "$@"
"$built/release/edu-lab" "$@" --races --disturb --fail-calls --seeds 0..12
exec "$built/release/edu-lab" "$@" --every-boundary --fail-calls --disturb --seeds "0..$seeds" --coverage
