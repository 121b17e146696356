#!/bin/sh
# A Debian package of this tree: `make deb`.  Needs what packaging/deps.sh deb installs.
#   packaging/deb.sh VERSION FOLDER      FOLDER gets smsbridge_VERSION_ARCH.deb
set -eu
version=$1
mkdir -p "$2"
out=$(cd "$2" && pwd)
cd "$(dirname "$0")/.."
said=$(dpkg-parsechangelog -l packaging/debian/changelog -S Version)
[ "$said" = "$version" ] || { echo "packaging/debian/changelog is of $said, the Makefile of $version" >&2; exit 1; }
tree=$out/smsbridge-$version
rm -rf "$tree" "$out"/smsbridge*_"$version"_*
mkdir "$tree"
cp -a Makefile README.md LICENSE include modem packaging src udev web "$tree"
mkdir "$tree/tests"
cp -a tests/sim "$tree/tests"
mv "$tree/packaging/debian" "$tree/debian"
cd "$tree"
# MAKEFLAGS and MAKELEVEL are of the make that called; dpkg-buildpackage's is its own.
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL DEB_BUILD_OPTIONS="parallel=$(nproc) noautodbgsym" \
    dpkg-buildpackage --build=binary --no-sign >"$out/build.log" 2>&1 || { tail -40 "$out/build.log" >&2; exit 1; }
cd "$out"
rm -rf "$tree"
lintian --allow-root --fail-on error,warning --info ./smsbridge_"$version"_*.deb
ls "$out"/smsbridge_"$version"_*.deb
