#!/bin/sh
# init.sh - the first process of the virtual machine: mounts, udev, the network, a shell that ttyS1 talks to, and then systemd in
# its place, which starts nothing by itself.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
mkdir -p /run/udev
install_dir() { mkdir -p "$3" && chown "$1" "$3" && chmod "$2" "$3"; }
install_dir smsbridge:smsbridge 750 /var/lib/smsbridge
chmod 1777 /tmp

systemd-udevd --daemon
modprobe -a e1000 xhci_pci
udevadm trigger --action=add --type=subsystems
udevadm trigger --action=add --type=devices
udevadm settle

ip link set lo up
ip addr add 10.0.2.15/24 dev eth0
ip link set eth0 up

# A command comes as a line of base64; back come its output, in base64 too, and its exit status.
stty -F /dev/ttyS1 raw -echo 115200
exec 3<>/dev/ttyS1
echo "up" >&3
while read -r line <&3; do
    echo "$line" | base64 -d > /run/command
    sh /run/command > /run/output 2>&1 3>&- </dev/null
    status=$?
    { base64 /run/output; echo "= $status"; } >&3
done &
exec 3>&-
mkdir -p /run/systemd/system
printf '[Unit]\nDefaultDependencies=no\n' > /run/systemd/system/vm.target
exec /usr/lib/systemd/systemd --unit=vm.target --log-target=kmsg --show-status=no
