#!/bin/sh
# Checks, for test.sh, that vm.sh refuses what it cannot run, says why, and ends with the exit code of its --help.
#
#   sh scripts/vm-refuses.sh
set -eu
. "$(dirname "$0")/lib.sh"

work=$root/target/vm-check
mkdir -p "$work/empty"

# refuses CODE TEXT WORDS...
refuses() {
    wanted=$1
    text=$2
    shift 2
    status=0
    sh scripts/vm.sh --work "$work" "$@" >"$work/said" 2>&1 || status=$?
    if [ "$status" -ne "$wanted" ] || ! grep -q -e "$text" "$work/said"; then
        cat "$work/said"
        fail "vm.sh $* ends with $status, not with $wanted and \"$text\"."
    fi
    say "   $wanted  vm.sh $*"
}

packages=target/package
refuses 2 "required arguments"
refuses 2 "is not there" --iso "$work/nowhere.iso"
refuses 2 "is not an ISO" --iso README.md
refuses 2 "there are windows, normal" --dry-run --again nothing
refuses 2 "there is no edu_kmdf.sys in the package" --dry-run --packages "$work/empty"
refuses 2 "UILanguage" --dry-run --packages "$packages" --language ""
refuses 6 "it does not start" --dry-run --packages "$packages" --memory 4294967295
sh scripts/vm.sh --help | grep -q "a time limit ran out" || fail "vm.sh --help does not say its exit codes."
