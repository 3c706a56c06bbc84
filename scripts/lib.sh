# shellcheck shell=sh disable=SC2034
# Shared by run.sh and test.sh, which source it. It finds or sets up what a build needs, and runs long
# commands quietly: it shows progress, and their output only if they fail.

cd "$(dirname "$0")/.." || exit
root=$(pwd)
built=${CARGO_TARGET_DIR:-target}
prefix=$root/target/prefix
logs=$root/target/logs

say() {
    printf '%s\n' "$*"
}

title() {
    printf '\n== %s\n\n' "$*"
}

fail() {
    printf 'error: %s\n' "$1" >&2
    shift
    for line in "$@"; do
        printf '       %s\n' "$line" >&2
    done
    exit 1
}

# Everything that is made here goes there; nothing begins without.
{ mkdir -p "$logs" && [ -w "$logs" ]; } 2>/dev/null ||
    fail "$logs cannot be written." \
        "Run this in a copy of the checkout that you may write to, or make target/ a link to a directory that you may."

seconds() {
    date +%s
}

# Runs a command with its output in a log: quietly NAME WHAT COMMAND... On a terminal the last line of
# the log is shown while it runs. Returns what the command returns; the log stays in $log.
quietly() {
    log=$logs/$1.log
    what=$2
    shift 2
    began=$(seconds)
    : >"$log"
    printf '   %-46s' "$what"
    ticker=
    if [ -t 1 ]; then
        (while sleep 0.3 && kill -0 $$ 2>/dev/null; do
            last=$(tail -n 1 "$log" | tr -d '\r\033' | cut -c 1-28)
            printf '\r   %-46s%-28s' "$what" "$last"
        done) &
        ticker=$!
        # It is deaf to Ctrl-C, as everything that a shell starts in the background.
        trap 'kill "$ticker"; echo; exit 130' INT TERM
    fi
    status=0
    "$@" >"$log" 2>&1 </dev/null || status=$?
    if [ -n "$ticker" ]; then
        kill "$ticker"
        { wait "$ticker" || true; } 2>/dev/null
        trap - INT TERM
        printf '\r   %-46s%-28s\r   %-46s' "$what" '' "$what"
    fi
    if [ "$status" -eq 0 ]; then
        printf '%4d s\n' $(($(seconds) - began))
    else
        printf 'failed after %d s\n\n' $(($(seconds) - began))
    fi
    return "$status"
}

# As `quietly`, but shows the log and ends the script if the command fails.
step() {
    quietly "$@" && return
    show_log
    shift 2
    fail "this command failed: $*"
}

# Shows how the last log ends.
show_log() {
    tail -n 100 "$log" | sed 's/^/   | /'
    say
    say "   All of it: $log"
    say
}

# --- what must be there -------------------------------------------------------------------------

# A rustup that was just installed is not in the PATH of an open shell.
find_cargo() {
    if ! command -v cargo >/dev/null && [ -x "${CARGO_HOME:-${HOME:-}/.cargo}/bin/cargo" ]; then
        PATH=${CARGO_HOME:-${HOME:-}/.cargo}/bin:$PATH
        export PATH
    fi
}

# Whether rustc is as new as Cargo.toml says it must be.
rust_is_new_enough() {
    wanted=$(sed -n 's/^rust-version = "1\.\([0-9]*\).*"/\1/p' Cargo.toml)
    have=$(rustc --version | sed -n 's/^rustc 1\.\([0-9]*\).*/\1/p')
    [ -n "$have" ] && [ "$have" -ge "$wanted" ]
}

has_apt() {
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null
}

has_clang() {
    [ -n "${CLANG_PATH:-}" ] || command -v clang >/dev/null ||
        ls /usr/lib/llvm-*/bin/clang >/dev/null 2>&1
}

has_libclang() {
    [ -n "${LIBCLANG_PATH:-}" ] || command -v llvm-config >/dev/null ||
        ls /usr/lib/llvm-*/lib/libclang*.so* /usr/lib/*-linux-gnu/libclang*.so* \
            /usr/lib64/libclang*.so* /usr/lib/libclang*.so* >/dev/null 2>&1
}

# Whether rustc has the library for this target, or rustup can fetch it.
has_target() {
    directory=$(rustc --print sysroot)/lib/rustlib/$1/lib
    ls "$directory"/libcore-* >/dev/null 2>&1 ||
        { rustup target add "$1" && ls "$directory"/libcore-*; } >/dev/null 2>&1
}

# Whether eductl.exe can be built here.
builds_eductl() {
    has_apt && has_target x86_64-pc-windows-gnu
}

# Runs a cargo that builds for x86_64-pc-windows-gnu: windows_gnu LINKER COMMAND...
#
# In the dev profile, for what runs while crates are compiled is there already then. The flags make a release of
# it: small, without a time or a path in it, so that the same sources give the same bytes. (In the same place:
# the linker sorts the imports by the paths of its inputs.) Panics unwind, as they must in tests.
windows_gnu() {
    (
        PATH=$PATH:$(dirname "$1")
        shift
        CARGO_INCREMENTAL=0
        CARGO_PROFILE_DEV_PANIC=unwind
        CARGO_ENCODED_RUSTFLAGS=$(
            set -- -Copt-level=1 -Cdebuginfo=0 -Cstrip=symbols -Cdebug-assertions=off -Coverflow-checks=off \
                -Clink-arg=-Wl,--no-insert-timestamp "--remap-path-prefix=$root=/edu_kmdf" \
                "--remap-path-prefix=${CARGO_HOME:-${HOME:-}/.cargo}=/cargo"
            # cargo splits them there, not at the spaces of a path.
            IFS=$(printf '\037')
            printf '%s' "$*"
        )
        export PATH CARGO_INCREMENTAL CARGO_PROFILE_DEV_PANIC CARGO_ENCODED_RUSTFLAGS
        "$@"
    )
}

# Finds everything or sets it up below target/, else says what is missing, all of it at once.
prepare() {
    if [ "$(uname -s) $(uname -m)" != "Linux x86_64" ]; then
        fail "kmdf-host runs x64 code natively, on Linux only; this is $(uname -s) $(uname -m)." \
            "On Windows, see README.md: the driver is installed there, not hosted."
    fi
    find_cargo
    missing=
    lacks() {
        missing="$missing
  - $1"
    }
    if ! command -v cargo >/dev/null || ! command -v rustc >/dev/null; then
        lacks "Rust: install rustup's stable toolchain, https://rustup.rs"
    elif ! rust_is_new_enough; then
        lacks "a newer Rust: run \`rustup update stable\` ($(rustc --version) is too old)"
    fi
    if ! has_apt; then
        command -v cc >/dev/null || lacks "a C compiler, as \`cc\`: rustc links with it (gcc)"
        has_clang || lacks "clang, or its path in CLANG_PATH"
        has_libclang || lacks "libclang, or its directory in LIBCLANG_PATH"
        [ -n "${KMDF_HOST_QEMU:-}" ] || command -v qemu-system-x86_64 >/dev/null ||
            lacks "QEMU (qemu-system-x86_64, 7.2 or newer), or its path in KMDF_HOST_QEMU"
    fi
    if [ -n "$missing" ]; then
        fail "this machine lacks what cannot be fetched here:$missing"
    fi
    step cc "finding a C compiler" sh scripts/cc.sh
    PATH=$PATH:$(dirname "$(tail -n 1 "$logs/cc.log")")
    export PATH
    step qemu "finding QEMU" sh scripts/qemu.sh
    KMDF_HOST_QEMU=$(tail -n 1 "$logs/qemu.log")
    export KMDF_HOST_QEMU
}
