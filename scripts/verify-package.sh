#!/bin/sh
# Makes packages and verifies them with independent programs. osslsigncode verifies both signatures and that the image
# is a member of the catalog. openssl verifies the certificate and compares the INF with its hash in the catalog, which
# osslsigncode does not do. The script also checks that a changed byte is refused.
#
#   sh scripts/verify-package.sh
set -eu
. "$(dirname "$0")/lib.sh"

find_cargo
osslsigncode=$(sh scripts/osslsigncode.sh | tail -n 1)
work=$root/target/package-check
rm -rf "$work"
mkdir -p "$work"
# A key that lasts for this run.
EDU_KMDF_IDENTITY=$work/identity
export EDU_KMDF_IDENTITY

# What a program of others says of a file: verified FILE [CATALOG].
verified() {
    "$osslsigncode" verify ${2:+-catalog "$2"} -CAfile "$work/identity.pem" "$1" >"$work/said" 2>&1
}

# Whether the catalog has a member with the hash of this file: listed FILE CATALOG.
listed() {
    hash=$(openssl dgst -sha256 -r "$1" | cut -d ' ' -f 1 | tr a-f A-F)
    openssl asn1parse -inform DER -in "$2" | grep -q "OCTET STRING *\[HEX DUMP\]:$hash"
}

# A copy of a file with one bit of it changed: changed FILE OFFSET.
changed() {
    cp "$1" "$work/changed-$(basename "$1")"
    byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
    # shellcheck disable=SC2059
    printf "\\$(printf %03o $((byte ^ 1)))" |
        dd of="$work/changed-$(basename "$1")" bs=1 seek="$2" conv=notrunc 2>/dev/null
    echo "$work/changed-$(basename "$1")"
}

# check PACKAGE DRIVER [INF]
check() {
    package=$1
    inf=${3:-$2}
    openssl x509 -inform DER -in "$package/test-certificate.cer" -out "$work/identity.pem"
    openssl verify -CAfile "$work/identity.pem" -purpose any "$work/identity.pem" >/dev/null ||
        fail "openssl does not verify the certificate of $package."
    openssl x509 -in "$work/identity.pem" -noout -text | grep -q "Code Signing" ||
        fail "the certificate of $package is for no code."
    sys=$package/$2.sys
    cat=$package/$inf.cat
    verified "$sys" || { cat "$work/said" && fail "osslsigncode does not verify $sys."; }
    verified "$cat" || { cat "$work/said" && fail "osslsigncode does not verify $cat."; }
    verified "$sys" "$cat" || { cat "$work/said" && fail "osslsigncode does not find $sys in $cat."; }
    listed "$package/$inf.inf" "$cat" || fail "openssl does not find $package/$inf.inf in $cat."
    say "   $2.sys, $inf.inf: members of $inf.cat"
    # In the code, and in the middle of the INF and of the catalog.
    bad=$(changed "$sys" 4096)
    ! verified "$bad" || fail "osslsigncode verifies a changed image."
    ! verified "$bad" "$cat" || fail "osslsigncode finds a changed image in the catalog."
    bad=$(changed "$package/$inf.inf" 500)
    ! listed "$bad" "$cat" || fail "openssl finds a changed INF in the catalog."
    bad=$(changed "$cat" 400)
    ! verified "$bad" || fail "osslsigncode verifies a changed catalog."
    # If it can be built, the packages for edu contain it unchanged.
    if [ "$2" != virtio_rng ] && builds_eductl; then
        cmp target/eductl/x86_64/eductl.exe "$package/eductl.exe" || fail "$package lacks eductl.exe."
    fi
    if grep -q -v "$(printf '\r')\$" "$package/$inf.inf"; then
        fail "$package/$inf.inf has a line that does not end with CRLF."
    fi
    say "   a changed byte of $(basename "$package") is refused"
}

SOURCE_DATE_EPOCH=1764300000
export SOURCE_DATE_EPOCH
sh scripts/package.sh
sh scripts/package.sh --passive
check target/package/edu_kmdf_amd64_package edu_kmdf
check target/package/edu_kmdf_passive_amd64_package edu_kmdf edu_kmdf_passive
for driver in edu_minimal virtio_rng; do
    sh scripts/package.sh --package $driver
    check target/package/${driver}_amd64_package $driver
done
! sh scripts/package.sh --package virtio_rng --passive >/dev/null 2>&1 || fail "an INF that there is not is packaged."

# The same key and the same time give the same bytes, in the zip, too.
mv target/package/edu_kmdf_amd64_package.zip "$work/first.zip"
sh scripts/package.sh
cmp "$work/first.zip" target/package/edu_kmdf_amd64_package.zip ||
    fail "two packages of one commit, key and time differ."
# Another time gives another DriverVer, and a later one is higher.
first=$(grep '^DriverVer' target/package/edu_kmdf_amd64_package/edu_kmdf.inf)
SOURCE_DATE_EPOCH=1764300001 sh scripts/package.sh
second=$(grep '^DriverVer' target/package/edu_kmdf_amd64_package/edu_kmdf.inf)
[ "$(printf '%s\n%s\n' "$first" "$second" | sort -V | tail -n 1)" = "$second" ] && [ "$first" != "$second" ] ||
    fail "DriverVer does not rise: $first, then $second."
say "   packages of one commit, key and time are the same; DriverVer rises"
