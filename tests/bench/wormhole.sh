#!/usr/bin/env bash
# One file by wormhole-william, with a rendezvous server and a transit relay of its own, all in a network of their own:
#   unshare -rnm wormhole.sh FILE
# in an empty directory. The file goes to got/; prints the seconds from the start of the receiver to its end.
set -euo pipefail
ip link set lo up
# It looks this name up whatever relay it is told.
cp /etc/hosts hosts
echo "127.0.0.1 transit.magic-wormhole.io" >>hosts
mount --bind hosts /etc/hosts
trap 'kill $(jobs -p) 2>/dev/null' EXIT
twistd3 -n --pidfile=mailbox.pid wormhole-mailbox --port=tcp:4000:interface=127.0.0.1 >mailbox.log 2>&1 &
twistd3 -n --pidfile=relay.pid transitrelay --port=tcp:4001:interface=127.0.0.1 >relay.log 2>&1 &
for port in 4000 4001; do
  for ((i = 0; i < 300; i++)); do
    (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
    sleep 0.1
  done
done
wormhole() { wormhole-william --relay-url ws://127.0.0.1:4000/v1 "$@"; }
wormhole send --hide-progress --code 7-bench-code "$1" >send.log 2>&1 &
sender=$!
for ((i = 0; i < 300; i++)); do
  grep -q 7-bench-code send.log && break
  sleep 0.1
done
mkdir got
cd got
began=$EPOCHREALTIME
wormhole recv --hide-progress 7-bench-code <<<y >../recv.log 2>&1 || { cat ../recv.log ../send.log; exit 1; }
ended=$EPOCHREALTIME
wait "$sender"
echo "$((${ended/./} - ${began/./}))" | sed 's/......$/.&/; s/^\./0./'
