#!/bin/sh
# The Debian package in a bare Debian of its own: installs, runs, upgrades, is removed, is purged.  As root, about a minute.
#   tests/package/check.sh smsbridge_VERSION_ARCH.deb
# What stands in the way of a step is shown by that step's own words; the chroot is removed in every case.
set -eu
deb=$(realpath "$1")
work=$(mktemp -d "${TMPDIR:-/tmp}/smsbridge-package.XXXXXX")
root=$work/root
conf=$root/etc/smsbridge/smsbridged.conf
data=$root/var/lib/smsbridge
daemon=""

gone() {
    status=$?
    [ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
    mountpoint -q "$root/proc" && umount "$root/proc"
    [ $status -eq 0 ] || for log in "$work"/*.log; do echo "-- $log"; tail -n 25 "$log"; done >&2
    rm -rf "$work"
    exit $status
}
trap gone EXIT
step() { echo "== $*"; }
fail() { echo "FAILED: $*" >&2; exit 1; }
in_root() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"; }
install_deb() { cp "$1" "$root/tmp/" && in_root apt-get -q -y --no-install-recommends install "/tmp/${1##*/}" >>"$work/apt.log" 2>&1; }
mode_of() { in_root stat -c '%a %U:%G' "$1"; }
same() { [ "$2" = "$3" ] || fail "$1: $2, wanted $3"; }

# The daemon as its user, until it has answered; $1: a text to send meanwhile.  What it lists is in list.log.
run_daemon() {
    : >"$work/daemon.log"
    chroot --userspec=smsbridge:smsbridge "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin \
        STATE_DIRECTORY=/var/lib/smsbridge /usr/sbin/smsbridged >>"$work/daemon.log" 2>&1 &
    daemon=$!
    for _ in $(seq 100); do
        url=$(sed -n 's/.* ready api=\([^ ]*\) .*/http:\/\/\1/p' "$work/daemon.log")
        [ -n "$url" ] && in_root smsbridge --url "$url" --json list >"$work/list.log" 2>&1 && break
        kill -0 "$daemon" || fail "the daemon ended"
        sleep 0.1
    done
    [ $# -eq 0 ] || in_root smsbridge --url "$url" send +4915112345678 "$1" >"$work/send.log" 2>&1 || fail "send"
    in_root smsbridge --url "$url" --json list >"$work/list.log" || fail "the daemon does not answer"
    kill "$daemon"
    wait "$daemon" || fail "the daemon ended with $?"
    daemon=""
}

step "a bare Debian"
set -- $(apt-get indextargets --format '$(SITE)' 'Identifier: Packages' 'Component: main' 'Release: bookworm' | head -1)
debootstrap --variant=minbase bookworm "$root" "${1:-http://deb.debian.org/debian}" >"$work/debootstrap.log" 2>&1
mount -t proc proc "$root/proc"
cp /etc/resolv.conf "$root/etc/resolv.conf"
for file in /etc/apt/apt.conf.d/*proxy*; do [ ! -e "$file" ] || cp "$file" "$root/etc/apt/apt.conf.d/"; done
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" && chmod 755 "$root/usr/sbin/policy-rc.d"
in_root apt-get -q update >"$work/apt.log" 2>&1

step "installs"
install_deb "$deb"
in_root getent passwd smsbridge | grep -q ':/var/lib/smsbridge:' || fail "no user"
in_root id -nG smsbridge | grep -qw dialout || fail "the user cannot open serial ports"
same "mode of the configuration" "$(mode_of /etc/smsbridge/smsbridged.conf)" "640 root:smsbridge"
for file in lib/systemd/system/smsbridge.service lib/udev/rules.d/70-smsbridge.rules usr/share/man/man1/smsbridge.1.gz; do
    [ -s "$root/$file" ] || fail "no $file"
done
[ -L "$root/etc/systemd/system/multi-user.target.wants/smsbridge.service" ] || fail "not enabled"
in_root smsbridged --check >"$work/check.log" 2>&1 || fail "--check"

step "runs"
sed -i 's/^\[api\]$/&\nlisten = 127.0.0.1:0/; s/^#\[api\]$/[api]\nlisten = 127.0.0.1:0/; s/^#*\[links\]$/[links]\nlisten = 127.0.0.1:0/' "$conf"
install -d -m 750 -o "$(in_root id -u smsbridge)" -g "$(in_root id -g smsbridge)" "$data" # systemd's work
run_daemon "before the upgrade"
[ -s "$data/smsbridge.db" ] && [ -s "$data/token" ] || fail "no state"

step "upgrades, and keeps what is mine"
dpkg-deb -R "$deb" "$work/next"
sed -i 's/^Version: .*/&+1/' "$work/next/DEBIAN/control"
echo "# a new default" >>"$work/next/etc/smsbridge/smsbridged.conf"
dpkg-deb -b "$work/next" "$work/smsbridge_next.deb" >>"$work/apt.log"
cp "$conf" "$work/conf.mine"
cp "$work/smsbridge_next.deb" "$root/tmp/"
in_root dpkg --force-confdef --force-confold -i /tmp/smsbridge_next.deb >>"$work/apt.log" 2>&1
in_root dpkg-query -W -f '${Version} ${db:Status-Status}\n' smsbridge | grep -q '+1 installed$' || fail "not upgraded"
cmp "$conf" "$work/conf.mine" || fail "the configuration was changed"
grep -q 'a new default' "$conf.dpkg-dist" || fail "the new default is not beside it"
same "mode of the configuration" "$(mode_of /etc/smsbridge/smsbridged.conf)" "640 root:smsbridge"
run_daemon
grep -q '"recipient": "+4915112345678"' "$work/list.log" || fail "the message is lost"

step "is removed: configuration and messages stay"
in_root apt-get -q -y remove smsbridge >>"$work/apt.log" 2>&1
[ ! -e "$root/usr/sbin/smsbridged" ] || fail "a program is left"
cmp "$conf" "$work/conf.mine" || fail "the configuration is gone"
[ -s "$data/smsbridge.db" ] || fail "the messages are gone"

step "installs again over what stayed"
install_deb "$work/smsbridge_next.deb"
run_daemon
grep -q '"recipient": "+4915112345678"' "$work/list.log" || fail "the message is lost"

step "is purged: nothing stays"
in_root apt-get -q -y purge smsbridge >>"$work/apt.log" 2>&1
left=$(find "$root" -xdev -path "$root/proc" -prune -o -name '*smsbridge*' -print | grep -v -e "^$root/tmp/" -e "^$root/var/cache/" || true)
[ -z "$left" ] || fail "left behind: $left"
echo "the package installs, runs, upgrades, is removed and purged"
