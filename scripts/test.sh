#!/bin/sh
# Runs every check there is, cheapest first. The first that fails ends the run, and the script prints how to repeat it.
#
#   sh scripts/test.sh            all of them
#   sh scripts/test.sh STEP...    these only
#
# It finds what it needs, or sets it up below target/. It installs nothing on the system.
set -eu
. "$(dirname "$0")/lib.sh"

all="format lint unit doc image driver-lint reproduce samples scenarios new-driver explore teeth qemu windows make eductl package vm deny"

describe() {
    case $1 in
    format) echo "formatting" ;;
    lint) echo "lints of everything but the drivers" ;;
    unit) echo "tests that need neither driver nor QEMU" ;;
    doc) echo "the documentation's links" ;;
    image) echo "the driver for x64 and ARM64; image check" ;;
    driver-lint) echo "lints of the drivers and their layer; the examples of its documentation" ;;
    reproduce) echo "the same image from another directory" ;;
    samples) echo "drivers in C, for KMDF 1.15 and 1.33, tested as their authors would" ;;
    scenarios) echo "scenarios: driver, host, device, eductl" ;;
    new-driver) echo "a driver made by scripts/new-driver.sh: built, run on the model" ;;
    explore) echo "a bounded share of scripts/prove.sh, part of it twice" ;;
    teeth) echo "broken drivers, each caught by its rule; exact counts" ;;
    qemu) echo "tests on QEMU's devices" ;;
    windows) echo "lints of what Windows builds; its scripts; names of files" ;;
    eductl) echo "eductl.exe, under Wine" ;;
    package) echo "the driver packages, verified by osslsigncode and openssl" ;;
    vm) echo "a Windows VM, up to the point where Windows would run" ;;
    make) echo "cargo-make's tasks as Windows runs them" ;;
    deny) echo "licenses, duplicates, sources of crates" ;;
    *) return 1 ;;
    esac
}

# --- the steps ----------------------------------------------------------------------------------

# What compiles with a WDK only, or with what cross makes in its place.
but_kernel_code="--exclude edu_kmdf --exclude edu_minimal --exclude kmdf_layer --exclude virtio_rng --exclude kmdf --exclude kmdf-etw"

# Away from a rustup that has it, there is no clippy for the compiler that builds the driver, nor
# a library to check eductl with.
needs_windows_target() {
    has_target x86_64-pc-windows-msvc && return
    echo "not run: rustup cannot fetch x86_64-pc-windows-msvc here"
    return 1
}

run_format() {
    cargo fmt --all --check -- --color never || { echo "\`cargo fmt --all\` does it" && return 1; }
    cargo fmt --manifest-path driver/umdf/Cargo.toml --check -- --color never ||
        { echo "\`cargo fmt --manifest-path driver/umdf/Cargo.toml\` does it" && return 1; }
}

run_lint() {
    # One word each, on purpose.
    # shellcheck disable=SC2086
    cargo clippy --workspace $but_kernel_code --all-targets -- --deny warnings
}

run_unit() {
    cargo test
}

run_doc() {
    # One word each, on purpose.
    # shellcheck disable=SC2086
    RUSTDOCFLAGS="--deny warnings" \
        cargo doc --workspace $but_kernel_code --no-deps --document-private-items
}

run_image() {
    for arch in x86_64 aarch64; do
        sh scripts/build-driver.sh --arch $arch
        sh scripts/build-driver.sh --arch $arch --package edu_minimal
        sh scripts/build-driver.sh --arch $arch --package virtio_rng
    done
    sh scripts/build-driver.sh --package kmdf_layer
    sh scripts/build-driver.sh --package edu_minimal_umdf
}

run_driver_lint() {
    needs_windows_target || return 0
    # By themselves: the others have no allocator, which kmdf wants where edu_kmdf asks for its lists.
    for packages in "--package edu_kmdf --package kmdf --package kmdf-etw --package kmdf_layer" "--package edu_minimal --package virtio_rng"; do
        # One word each, on purpose.
        # shellcheck disable=SC2086
        cargo run --quiet --package cross -- cargo -- clippy $packages --release -- --deny warnings
    done
    # In a workspace of its own.
    cargo run --quiet --package cross -- cargo --driver edu_minimal_umdf -- clippy --release -- --deny warnings
    RUSTDOCFLAGS="--deny warnings" cargo run --quiet --package cross -- cargo -- \
        doc --package kmdf --package kmdf-etw --release --no-deps
    cargo run --quiet --package cross -- cargo -- test --package kmdf --package kmdf-etw --features kmdf/alloc --release --doc
}

run_reproduce() {
    sh scripts/reproducible.sh
}

run_samples() {
    sh scripts/build-samples.sh
    cargo test --package kmdf-samples
    SAMPLES_KMDF=1.33 cargo test --package kmdf-samples
}

run_scenarios() {
    cargo build --package edu-lab --package eductl
    cargo test --package edu-tests
    cargo test --package virtio-rng-tests
    cargo test --package kmdf-layer-tests
}

run_new_driver() {
    cargo build --package edu-lab --package eductl
    sh scripts/test-new-driver.sh
}

run_explore() {
    cargo build --package edu-lab
    set -- explore --driver target/cross/x86_64/edu_kmdf.sys --inf inf/edu_kmdf.inx
    cargo test --package edu-fuzz -- --ignored
    "$built/debug/edu-lab" "$@" --seeds 0..20 --disturb --fail-calls
    "$built/debug/edu-lab" "$@" --twice --seeds 0..1 --scenario factorial --every-boundary \
        --cause device --cause surprise-remove
    "$built/debug/edu-lab" "$@" --races --disturb --seeds 0..3
    # What the ISR and the DPC share: an interrupt on another processor at each instruction.
    "$built/debug/edu-lab" "$@" --twice --seeds 0..1 --scenario raise --every-boundary --cause device-elsewhere
    [ -e target/cross/x86_64/edu_minimal.sys ] || sh scripts/build-driver.sh --package edu_minimal
    # Its every boundary: tests/scenarios/the_minimal_driver_is_complete.rs.
    "$built/debug/edu-lab" explore --driver target/cross/x86_64/edu_minimal.sys \
        --inf driver/minimal/edu_minimal.inx --scenario factorial --seeds 0..200 --disturb --fail-calls
    "$built/debug/edu-lab" explore --driver target/cross/x86_64/edu_minimal.sys \
        --inf driver/minimal/edu_minimal.inx --scenario factorial --races --seeds 0..20 --disturb --fail-calls
}

run_teeth() {
    sh scripts/build-teeth.sh
    sh scripts/build-twin.sh
    cargo test --package kmdf-teeth --package edu-bench
}

run_qemu() {
    cargo test --package kmdf-host --test "qemu*" -- --include-ignored
    cargo test --package edu-lab -- --ignored
    [ -e target/cross/samples/entropy.sys ] || sh scripts/build-samples.sh
    cargo test --package kmdf-samples --test qemu -- --ignored
    cargo test --package virtio-rng-tests qemu -- --ignored
    cargo build --package edu-lab --package eductl
    [ -e target/cross/x86_64/edu_minimal.sys ] || sh scripts/build-driver.sh --package edu_minimal
    for interrupts in auto line; do
        # The shell of the run expands it.
        # shellcheck disable=SC2016
        "$built/debug/edu-lab" run --driver target/cross/x86_64/edu_minimal.sys \
            --inf driver/minimal/edu_minimal.inx --device qemu:edu --interrupts $interrupts -- \
            sh -c 'for n in 0 1 2 5 12 20; do "$0" factorial $n || exit; done' "$built/debug/eductl"
    done
}

run_windows() {
    cargo test --package script-check
    needs_windows_target || return 0
    # Without a package named: what `cargo test` and `cargo clippy` take there.
    cargo clippy --all-targets --target x86_64-pc-windows-msvc -- --deny warnings
}

run_make() {
    # The INX as the build leaves it for the WDK's tools.
    [ -e driver/edu_kmdf.inx ] || sh scripts/build-driver.sh
    sh scripts/make-as-windows.sh
}

run_eductl() {
    if ! builds_eductl; then
        echo "not run: eductl.exe needs rustup's x86_64-pc-windows-gnu, and Debian's packages of mingw-w64 and Wine"
        return
    fi
    sh scripts/test-eductl.sh
}

run_package() {
    cargo run --quiet --package cross -- inf inf/*.inx driver/minimal/*.inx driver/umdf/*.inx driver/virtio-rng/*.inx tests/layer/driver/*.inx host/samples/*/*.inx tests/teeth/driver/*.inx
    sh scripts/verify-package.sh
}

run_vm() {
    cargo test --package windows-vm
    # The packages of the step before, if it ran.
    packages=
    if [ -d target/package/edu_kmdf_passive_amd64_package ]; then
        packages="--packages target/package"
    fi
    # One word each, on purpose.
    # shellcheck disable=SC2086
    sh scripts/vm.sh --dry-run --work target/vm-check $packages
    # What cannot be run is refused, each by its exit code.
    sh scripts/vm-refuses.sh
}

run_deny() {
    tools=$(sh scripts/cargo-tool.sh cargo-deny)
    PATH=$PATH:$tools
    cargo deny check bans licenses sources
}

# A step by itself, in a shell of its own: there, unlike in a condition, `set -e` holds.
if [ "${1:-}" = --only ]; then
    name=$(echo "$2" | tr - _)
    set -x
    "run_$name"
    exit
fi

# --- all of them --------------------------------------------------------------------------------

# One word each, on purpose.
# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- $all
for name in "$@"; do
    describe "$name" >/dev/null || fail "there is no step $name; there are: $all"
done

if [ -n "${CI:-}" ]; then
    # Nothing is built a second time, and nobody looks with a debugger.
    export CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0
fi
export CARGO_TERM_COLOR=never

title "What the tests need"
prepare
for component in rustfmt clippy; do
    cargo "${component#rust}" --version >/dev/null 2>&1 ||
        step "$component" "fetching $component" rustup component add "$component"
done

# What the last steps need is built and fetched while the others leave a processor or the network idle.
early=
fetched=
for name in "$@"; do
    case $name in
    make) early="$early cargo-make" ;;
    deny) early="$early cargo-deny" ;;
    eductl) fetched="$fetched scripts/wine.sh" ;;
    package) fetched="$fetched scripts/osslsigncode.sh" ;;
    vm) fetched="$fetched scripts/xorriso.sh" ;;
    esac
done
background=
fetcher=
trap 'for group in $background; do kill -- "-$group" 2>/dev/null || true; done' EXIT
if [ $# -gt 1 ] && [ -n "$early" ]; then
    # One word each, on purpose. A failure is not lost: the step that needs the tool tries again, and tells.
    # shellcheck disable=SC2086
    setsid nice -n 15 sh scripts/cargo-tool.sh $early >"$logs/cargo-tool.log" 2>&1 </dev/null &
    background=$!
fi
if [ $# -gt 1 ] && [ -n "$fetched" ]; then
    # One word each, on purpose. The same is so of these.
    # shellcheck disable=SC2086
    setsid nice -n 15 sh -c 'for script; do sh "$script"; done' fetch $fetched >"$logs/fetch.log" 2>&1 </dev/null &
    fetcher=$!
    background="$background $fetcher"
fi

title "Tests"
all_began=$(seconds)
count=0
for name in "$@"; do
    case $name in
    # Two at once would unpack into the same directory.
    eductl | package | vm) [ -z "$fetcher" ] || wait "$fetcher" || true ;;
    esac
    if ! quietly "test-$name" "$name: $(describe "$name")" sh scripts/test.sh --only "$name"; then
        show_log
        fail "the step \`$name\` failed. To repeat it:" \
            "    sh scripts/test.sh $name" \
            "The lines with a + in front are its commands."
    fi
    # What ran, and cargo's verdicts, as cargo says them.
    grep -E '^ +(Running|Doc-tests) |^test result: |^not run: |^bans |^reproducible: |^(explored|found|coverage) ' "$log" || true
    count=$((count + 1))
done
elapsed=$(($(seconds) - all_began))
say
printf '%d steps passed in %d:%02d\n' "$count" $((elapsed / 60)) $((elapsed % 60))
