#!/usr/bin/env bash
# A small virtual machine with Debian's own kernel, for tests of what the kernel at hand lacks: an NFS server and client, SCSI disks
# with reservations. Software emulation: no /dev/kvm is needed. It sees this machine's `/` read-only; what it writes stays in its memory.
#   vm.sh install                 Debian's packages, where they are missing; needs root
#   vm.sh run JOB [SECONDS]       boots, runs the bash script JOB with the checkout's path, and prints its console; 300 seconds at most.
#                                 The exit status is 0 when the job came to its end, whose last line is `vm: the job ended`.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
packages='qemu-system-x86 linux-image-amd64 busybox-static cpio kmod nfs-kernel-server nfs-common iproute2 e2fsprogs sg3-utils nvme-cli'
# Loaded before there is a root file system, in this order.
modules='virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci netfs fscache 9pnet 9p 9pnet_virtio overlay'

kernel () { ls /lib/modules 2> /dev/null | sort -V | while read -r each; do [ -f "/boot/vmlinuz-$each" ] && echo "$each"; done | grep -v cloud | tail -1; }

is_ready () {
  # One `command -v` for all is content with any of them.
  for each in qemu-system-x86_64 busybox cpio rpc.nfsd mount.nfs4 ip mkfs.ext4 sg_persist nvme; do command -v "$each" > /dev/null || return 1; done
  [ -n "$(kernel)" ]
}

install () {
  is_ready && return
  apt-get update > /dev/null
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $packages > /dev/null
  is_ready
}

run () {
  job=$(realpath "$1")
  version=$(kernel)
  : "${version:?no kernel in /boot}"
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work"/root/{bin,proc,sys,dev,mnt,lib}
  cp "$(command -v busybox)" "$work/root/bin/busybox"
  for module in $modules; do
    cp "$(find "/lib/modules/$version" -name "$module.ko" | head -1)" "$work/root/lib/"
  done
  sed -e "s#@MODULES@#$modules#" -e "s#@JOB@#$job#" -e "s#@CHECKOUT@#$(dirname "$(dirname "$here")")#" "$here/vm/init" > "$work/root/init"
  chmod +x "$work/root/init"
  (cd "$work/root" && find . | cpio -o -H newc 2> /dev/null | gzip -1) > "$work/initrd"
  timeout "${2:-300}" qemu-system-x86_64 -accel tcg,thread=single -cpu max -smp 1 -m 2560 -nographic -no-reboot -net none \
    -kernel "/boot/vmlinuz-$version" -initrd "$work/initrd" -append 'console=ttyS0 panic=-1 quiet' \
    -fsdev local,id=host,path=/,security_model=none,readonly=on,multidevs=remap -device virtio-9p-pci,fsdev=host,mount_tag=host \
    < /dev/null | sed -u 's/\r//g' | tee "$work/console"
  grep -q '^vm: the job ended$' "$work/console"
}

case ${1:-} in
  install) install ;;
  run) : "${2:?which job}"; run "$2" "${3:-}" ;;
  *) sed -n '2,6s/^# //p' "$0"; exit 2 ;;
esac
