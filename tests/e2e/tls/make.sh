#!/bin/sh
# How the certificates here were made (openssl 3): an authority, what it signed, and what nobody should trust.
# They hold from 2020 to 2120, are trusted by the tests alone, and their keys are no secret.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: >"$work/index.txt"
echo unique_subject=no >"$work/index.txt.attr"
cat >"$work/ca.conf" <<END
[ca]
default_ca=us
[us]
database=$work/index.txt
new_certs_dir=$work
rand_serial=yes
default_md=sha256
policy=any
copy_extensions=copy
[any]
commonName=supplied
END
# name, where it begins and ends, extensions; then how it is signed
new() {
    name=$1 from=$2 to=$3 extensions=$4
    shift 4
    printf '%s\n' "$extensions" | tr '|' '\n' >"$work/$name.ext"
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/$name.key" -out "$work/$name.csr" \
        -subj "/CN=smsbridge tests: $name"
    openssl ca -batch -notext -config "$work/ca.conf" -startdate "$from" -enddate "$to" -extfile "$work/$name.ext" \
        -in "$work/$name.csr" -out "$work/$name.crt" "$@"
    cat "$work/$name.crt" "$work/$name.key" >"$name.pem"
}
always="20200101000000Z 21200101000000Z"
here="subjectAltName=IP:127.0.0.1,DNS:localhost|extendedKeyUsage=serverAuth"
# shellcheck disable=SC2086 # two words
{
    new ca $always "basicConstraints=critical,CA:true|keyUsage=critical,keyCertSign" -selfsign -keyfile "$work/ca.key"
    signed="-cert $work/ca.crt -keyfile $work/ca.key"
    new good $always "$here" $signed
    new wrong_host $always "subjectAltName=DNS:elsewhere.example|extendedKeyUsage=serverAuth" $signed
    new expired 20200101000000Z 20210101000000Z "$here" $signed
    new self_signed $always "$here" -selfsign -keyfile "$work/self_signed.key"
}
cp "$work/ca.crt" ca.pem    # its key is forgotten
