#!/usr/bin/env bash
# A Ceph of one node with its S3 gateway on 127.0.0.1, for tests; needs root. Keys: test / testsecret, path style.
#   ceph.sh install          Debian's packages, where they are missing
#   ceph.sh up DIR [PORT]    starts it, everything in memory and below DIR; ready when it returns; its monitor takes PORT + 5820 and PORT + 9309
#   ceph.sh down DIR         stops it
set -euo pipefail

config () {
  cat > "$dir/ceph.conf" <<CONF
[global]
fsid = $fsid
mon host = [v2:127.0.0.1:$((port + 5820)),v1:127.0.0.1:$((port + 9309))]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
auth allow insecure global id reclaim = false
keyring = $dir/keyring
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
mon warn on pool no redundancy = false
mon allow pool size one = true
mon osd full ratio = 0.99
mon osd nearfull ratio = 0.98
mon osd backfillfull ratio = 0.985
mon data avail warn = 1
mon data avail crit = 1
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 6G
run dir = $dir/run
admin socket = $dir/run/\$name.asok
pid file = $dir/run/\$name.pid
log file = $dir/run/\$name.log
mon data = $dir/mon
osd data = $dir/osd
mgr data = $dir/mgr
rgw data = $dir/rgw
crash dir = $dir/run
osd class load list = *
osd class default list = *
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$port tcp_nodelay=1
rgw enable usage log = false
rgw dns name = localhost
rgw max chunk size = 4194304
rgw gc obj min wait = 0
rgw thread pool size = 64
rgw multipart min part size = 102400
CONF
}

wait_for () { for _ in $(seq 300); do "$@" > /dev/null 2>&1 && return; sleep 0.1; done; echo "ceph.sh: gave up waiting for: $*" >&2; exit 1; }
osd_is_up () { ceph -c "$dir/ceph.conf" osd stat 2> /dev/null | grep -q '1 up'; }

up () {
  rm -rf "$dir"
  mkdir -p "$dir"/{mon,osd,mgr,rgw,run}
  fsid=$(cat /proc/sys/kernel/random/uuid)
  config
  local conf="$dir/ceph.conf" keys="$dir/keyring"
  ceph-authtool -C "$keys" --gen-key -n mon. --cap mon 'allow *' > /dev/null
  ceph-authtool "$keys" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *' > /dev/null
  ceph-authtool "$keys" --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *' --cap mgr 'allow profile osd' > /dev/null
  ceph-authtool "$keys" --gen-key -n client.rgw --cap mon 'allow rw' --cap osd 'allow rwx' > /dev/null
  monmaptool --create --fsid "$fsid" --addv a "[v2:127.0.0.1:$((port + 5820)),v1:127.0.0.1:$((port + 9309))]" "$dir/monmap" > /dev/null
  ceph-mon -c "$conf" --mkfs -i a --monmap "$dir/monmap" --keyring "$keys"
  ceph-mon -c "$conf" -i a
  local osd; osd=$(cat /proc/sys/kernel/random/uuid)
  ceph -c "$conf" osd new "$osd" > /dev/null
  ceph-osd -c "$conf" -i 0 --mkfs --osd-uuid "$osd" > "$dir/run/mkfs.log" 2>&1
  ceph-osd -c "$conf" -i 0 > /dev/null 2>&1
  wait_for osd_is_up
  radosgw -c "$conf" -n client.rgw --keyring "$keys"
  wait_for curl -sf -o /dev/null "http://127.0.0.1:$port/"
  radosgw-admin -c "$conf" -n client.rgw --keyring "$keys" user create --uid=test --display-name=test --access-key=test --secret-key=testsecret > /dev/null 2>&1
}

# Gateway, then storage, then monitor: a storage daemon whose monitor is gone never ends.
down () {
  local name file pid
  for name in client.rgw osd.0 mon.a; do
    file="$dir/run/$name.pid"
    [ -f "$file" ] || continue
    pid=$(cat "$file")
    kill "$pid" 2> /dev/null || true
    for _ in $(seq 60); do kill -0 "$pid" 2> /dev/null || break; sleep 0.1; done
    kill -9 "$pid" 2> /dev/null || true
  done
  rm -rf "$dir"
}

dir=${2:-}
port=${3:-7480}
case ${1:-} in
  install)
    command -v radosgw > /dev/null && command -v ceph-osd > /dev/null && command -v curl > /dev/null && exit 0
    export DEBIAN_FRONTEND=noninteractive
    apt-get update > /dev/null
    apt-get install -y --no-install-recommends ceph-mon ceph-osd radosgw ceph-common curl > /dev/null ;;
  up) : "${dir:?which folder}"; up ;;
  down) : "${dir:?which folder}"; down ;;
  *) sed -n '2,5s/^# //p' "$0"; exit 2 ;;
esac
