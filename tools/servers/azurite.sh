#!/usr/bin/env bash
# Azurite, Microsoft's emulator of Azure Storage, on 127.0.0.1, for tests; needs npm alone. Account devstoreaccount1 with its public key.
#   azurite.sh install          its packages, where they are missing
#   azurite.sh up DIR [PORT]    starts it, all in memory, its process id in DIR; ready when it returns
#   azurite.sh down DIR         stops it
set -euo pipefail

here=$(cd "$(dirname "$0")/azurite" && pwd)
dir=${2:-}
port=${3:-10010}

up () {
  mkdir -p "$dir"
  # The SDK's version of the protocol is newer than what Azurite knows.
  nohup node "$here/node_modules/azurite/dist/src/blob/main.js" --blobHost 127.0.0.1 --blobPort "$port" --silent --disableTelemetry --skipApiVersionCheck --inMemoryPersistence > "$dir/log" 2>&1 &
  echo $! > "$dir/pid"
  for _ in $(seq 200); do
    (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null && return
    kill -0 "$(cat "$dir/pid")" 2> /dev/null || { cat "$dir/log" >&2; exit 1; }
    sleep 0.1
  done
  echo "azurite.sh: it does not answer" >&2
  exit 1
}

down () {
  [ -f "$dir/pid" ] && kill "$(cat "$dir/pid")" 2> /dev/null || true
  rm -rf "$dir"
}

case ${1:-} in
  install) [ -d "$here/node_modules/azurite" ] || (cd "$here" && npm ci --no-audit --no-fund > /dev/null) ;;
  up) : "${dir:?which folder}"; up ;;
  down) : "${dir:?which folder}"; down ;;
  *) sed -n '2,5s/^# //p' "$0"; exit 2 ;;
esac
