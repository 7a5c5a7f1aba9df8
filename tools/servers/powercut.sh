#!/usr/bin/env bash
# A disk whose power can be cut, and whose writes can be made to fail, for tests; needs root. A block device over a file, with a volatile
# write cache between: what was not flushed is lost with the power. nbdkit (cache, faults) -> nbdfuse -> loop device -> ext4, or raw.
#   powercut.sh install                     Debian's packages, where they are missing
#   powercut.sh up DIR ext4|raw [SECTOR]    makes a disk of 64 MiB and starts it; mounted at DIR/mnt, or as the device that DIR/device names
#   powercut.sh cut DIR                     the power fails and comes back; nobody may have files of it open any more
#   powercut.sh fail DIR | heal DIR         from now on what the cache holds cannot be written: every flush fails with EIO | no more
#   powercut.sh down DIR                    ends it and removes DIR
# DIR/io.log has a line for each write and flush that reached the disk.
set -euo pipefail

dir=${2:-}

# Waits until a command succeeds.
until_true () {
  for _ in $(seq 200); do
    "$@" > /dev/null 2>&1 && return
    sleep 0.05
  done
  echo "powercut.sh: never true: $*" >&2
  cat "$dir/nbdkit.log" "$dir/nbdfuse.log" >&2 || true
  exit 1
}

start () {
  rm -f "$dir/socket"
  mkdir -p "$dir/fuse" "$dir/mnt"
  # The cache lies before the filter that fails: a write is taken, and the flush tells. nbdkit ends at times when its parent has ended,
  # so a shell waits for it.
  setsid bash -c 'nbdkit "$@" & echo $! > "$0/nbdkit.pid"; wait' "$dir" -f -U "$dir/socket" --filter=log --filter=cache --filter=error \
    file "$dir/disk" cache=writeback logfile="$dir/io.log" logappend=true \
    error-pwrite=EIO error-pwrite-rate=100% error-pwrite-file="$dir/failing" > "$dir/nbdkit.log" 2>&1 &
  until_true nbdinfo --size "nbd+unix:///?socket=$dir/socket"
  setsid nbdfuse "$dir/fuse/disk" --unix "$dir/socket" > "$dir/nbdfuse.log" 2>&1 &
  echo $! > "$dir/nbdfuse.pid"
  until_true test -f "$dir/fuse/disk"
  losetup --find --show --sector-size "$(cat "$dir/sector")" "$dir/fuse/disk" > "$dir/device"
  [ "$(cat "$dir/kind")" = raw ] || mount "$(cat "$dir/device")" "$dir/mnt"
}

stop () {
  [ "$(cat "$dir/kind")" = raw ] || timeout 20 umount "$dir/mnt" 2> /dev/null || umount --lazy "$dir/mnt" || true
  losetup --detach "$(cat "$dir/device")" || true
  fusermount3 -u -z "$dir/fuse" || true
  for each in nbdfuse nbdkit; do
    pid=$(cat "$dir/$each.pid")
    kill "$pid" 2> /dev/null || true
    for _ in $(seq 100); do
      kill -0 "$pid" 2> /dev/null || break
      sleep 0.05
    done
  done
}

up () {
  mkdir -p "$dir"
  truncate -s 64M "$dir/disk"
  echo "$1" > "$dir/kind"
  echo "${2:-512}" > "$dir/sector"
  [ "$1" = raw ] || mkfs.ext4 -q -F "$dir/disk"
  start
}

case ${1:-} in
  install)
    # One `command -v` for all is content with any of them.
    is_ready () { for each in nbdkit nbdfuse nbdinfo fusermount3 mkfs.ext4 losetup; do command -v "$each" > /dev/null || return 1; done; }
    is_ready || { apt-get update; DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends nbdkit libnbd-bin fuse3 e2fsprogs; } > /dev/null
    is_ready ;;
  up) : "${dir:?which folder}"; up "${3:?ext4 or raw}" "${4:-}" ;;
  cut) : "${dir:?which folder}"; kill -9 "$(cat "$dir/nbdkit.pid")"; stop 2> /dev/null; rm -f "$dir/failing"; start ;;
  fail) touch "${dir:?which folder}/failing" ;;
  heal) rm -f "${dir:?which folder}/failing" ;;
  down) : "${dir:?which folder}"; stop 2> /dev/null; rm -rf "$dir" ;;
  *) sed -n '2,9s/^# //p' "$0"; exit 2 ;;
esac
