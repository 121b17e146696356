#!/bin/sh
# Installs the Debian packages that are missing; says nothing when all are there.
#   deps.sh          what building, testing, fuzzing and the benchmarks need
#   deps.sh deb      what `make deb` and `make check-deb` need beside it
#   deps.sh vm       what the virtual machine of tests/vm needs
set -eu

packages="git gcc make pkg-config libc6-dev
    libserialport-dev libudev-dev libmicrohttpd-dev libsqlite3-dev libcurl4-gnutls-dev libjansson-dev libinih-dev
    libpsl-dev libidn2-dev nettle-dev publicsuffix ca-certificates
    libcmocka-dev python3 python3-pytest python3-pytest-xdist python3-requests python3-serial
    udev umockdev python3-gi gir1.2-umockdev-1.0
    clang libclang-rt-14-dev clang-format universal-ctags nginx-light wrk
    systemd udev mandoc man-db"
if [ "${1:-}" = vm ]; then
    packages="qemu-system-x86 ipxe-qemu seabios busybox-static cpio kmod udev systemd dpkg"
fi
if [ "${1:-}" = deb ]; then
    packages="debhelper dpkg-dev fakeroot lintian debootstrap"
fi

missing=""
for package in $packages; do
    case "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" in
    installed) ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "please install as root: apt-get install$missing" >&2; exit 1; }
    as_root="sudo"
fi
echo "installing what is missing:$missing"
$as_root apt-get -q update >/dev/null
# shellcheck disable=SC2086 # a list of words
DEBIAN_FRONTEND=noninteractive $as_root apt-get -q -y install --no-install-recommends $missing >/dev/null
