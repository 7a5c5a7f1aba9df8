#!/usr/bin/env bash
# fake-gcs-server, an emulator of Google Cloud Storage in Go, on 127.0.0.1, for tests; needs Go, for its first installation alone.
#   gcs.sh install          builds it, at the version below, where it is missing
#   gcs.sh up DIR [PORT]    starts it, all in memory, its process id in DIR; ready when it returns
#   gcs.sh down DIR         stops it
set -euo pipefail

version=v1.56.1
bin=${XDG_CACHE_HOME:-$HOME/.cache}/streambed/fake-gcs-server-$version
dir=${2:-}
port=${3:-10020}

install () {
  [ -x "$bin/fake-gcs-server" ] && return
  command -v go > /dev/null || { echo "gcs.sh: needs Go" >&2; exit 1; }
  GOBIN="$bin" go install "github.com/fsouza/fake-gcs-server@$version" 2> /dev/null
}

up () {
  mkdir -p "$dir"
  nohup "$bin/fake-gcs-server" -backend memory -scheme http -host 127.0.0.1 -port "$port" -public-host "127.0.0.1:$port" -log-level error > "$dir/log" 2>&1 &
  echo $! > "$dir/pid"
  for _ in $(seq 200); do
    (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null && return
    kill -0 "$(cat "$dir/pid")" 2> /dev/null || { cat "$dir/log" >&2; exit 1; }
    sleep 0.1
  done
  echo "gcs.sh: it does not answer" >&2
  exit 1
}

down () {
  [ -f "$dir/pid" ] && kill "$(cat "$dir/pid")" 2> /dev/null || true
  rm -rf "$dir"
}

case ${1:-} in
  install) install ;;
  up) : "${dir:?which folder}"; up ;;
  down) : "${dir:?which folder}"; down ;;
  *) sed -n '2,5s/^# //p' "$0"; exit 2 ;;
esac
