#!/bin/sh
# After `make install` on a running system, and before `make uninstall`: tells systemd and udev.  Elsewhere it does nothing.
#   installed.sh /usr/local/lib | installed.sh --gone
set -eu
[ -d /run/systemd/system ] || exit 0
if [ "$1" = --gone ]; then
    systemctl disable --now smsbridge.service || true
    exit 0
fi
systemd-sysusers "$1/sysusers.d/smsbridge.conf"
systemd-tmpfiles --create "$1/tmpfiles.d/smsbridge.conf"
udevadm control --reload
udevadm trigger --action=add --subsystem-match=tty
systemctl daemon-reload
echo "start it, now and with every boot: systemctl enable --now smsbridge"
