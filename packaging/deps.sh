#!/bin/sh
# Installs the Debian packages that are missing; says nothing when all are there.
#   deps.sh          what building, testing, fuzzing and the benchmarks need
#   deps.sh deb      what `make deb` and `make check-deb` need beside it
#   deps.sh vm       what the virtual machine of tests/vm needs
set -eu

packages="git gcc make pkg-config libc6-dev
    libserialport-dev libudev-dev libmicrohttpd-dev libsqlite3-dev libcurl4-gnutls-dev libjansson-dev libinih-dev
    libpsl-dev libidn2-dev nettle-dev publicsuffix ca-certificates
    libcmocka-dev python3 python3-pytest python3-pytest-xdist python3-requests python3-serial python3-jsonschema
    chromium chromium-driver python3-selenium fonts-dejavu-core
    udev umockdev python3-gi gir1.2-umockdev-1.0
    clang libclang-rt-14-dev clang-format universal-ctags nginx-light wrk
    systemd udev mandoc man-db"
if [ "${1:-}" = vm ]; then
    packages="qemu-system-x86 ipxe-qemu seabios busybox-static cpio kmod udev systemd dpkg"
fi
if [ "${1:-}" = deb ]; then
    packages="debhelper dpkg-dev fakeroot lintian debootstrap"
fi

# promtool is wanted for the tests, but not the service that comes with it.
get_promtool() {
    folder=$(mktemp -d)
    (cd "$folder" && apt-get -q download prometheus >/dev/null 2>&1)
    dpkg-deb --fsys-tarfile "$folder"/prometheus_*.deb |
        $as_root tar -x -C /usr/local/bin --strip-components 3 ./usr/bin/promtool
    rm -r "$folder"
}

missing=""
for package in $packages; do
    case "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" in
    installed) ;;
    *) missing="$missing $package" ;;
    esac
done
# Debian's npm will not do beside a nodejs from elsewhere, which brings its own.
[ "${1:-}" = vm ] || command -v npm >/dev/null || missing="$missing npm"
tools=""
[ "${1:-}" = vm ] || command -v promtool >/dev/null || tools="promtool"
[ -n "$missing$tools" ] || exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "please install as root: apt-get install$missing" >&2; exit 1; }
    as_root="sudo"
fi
echo "installing what is missing:$missing $tools"
$as_root apt-get -q update >/dev/null
# shellcheck disable=SC2086 # a list of words
[ -z "$missing" ] ||
    DEBIAN_FRONTEND=noninteractive $as_root apt-get -q -y install --no-install-recommends $missing >/dev/null
[ -z "$tools" ] || get_promtool
