#!/bin/bash
# SPDX-License-Identifier: MIT
# The virtual WAN: accuracy, changes of links, isolation, and nothing left behind.
. "$(dirname "$0")/lib.sh"

counts() { echo "$(ls /proc | grep -c '^[0-9]') $(wc -l </proc/self/mountinfo) $(ls /sys/class/net | wc -l) $(ls /run/netns 2>/dev/null | wc -l)"; }
mounts_before=$(wc -l </proc/self/mountinfo) devices_before=$(ls /sys/class/net | sort | tr '\n' ' ')

wan_up --matrix "$matrix" --hosts 16 --seed 3 --attach ctl=0
said=$(timeout 60 "$vesc" wan ping --name "$name" --out "$scratch/measured") || fail "pairs are off: $said"
expect '240 ordered pairs: 0 off .* 0 unanswered' "$said" "every pair within max(0.5 ms, 2 %)"
[ "$(grep -vc '^#' "$scratch/measured")" = 16 ] || fail "the measured matrix has not 16 rows"

host() { timeout 20 "$vesc" wan exec --name "$name" "$@"; }
[ "$(host h5 -- hostname)" = h5 ] || fail "hostname"
host h5 -- touch /tmp/mine /run/mine
[ ! -e /tmp/mine ] && ! host h6 -- test -e /tmp/mine || fail "/tmp is shared"
expect '^lo wan0 $' "$(host h5 -- ls /sys/class/net | sort | tr '\n' ' ')" "its own sysfs"
code=0; host h5 -- sh -c 'exit 7' || code=$?
[ $code = 7 ] || fail "exit code of exec: $code"
ok "hosts have their own name, /tmp, /run and sysfs; exec passes the exit code on"

median() { host h0 -- ping -q -c 5 -i 0.05 -W 2 h1 | awk -F/ '/^rtt/ {print int($5 + 0.5)}'; }
base=$(median)
timeout 10 "$vesc" wan slow --name "$name" h0 h1 --to 700
expect '^(699|70[0-3])$' "$(median)" "a slowed link"
timeout 10 "$vesc" wan cut --name "$name" h0 h1
! host h0 -- ping -q -c 2 -i 0.2 -W 1 h1 >/dev/null || fail "a cut link carries packets"
timeout 10 "$vesc" wan restore --name "$name" h0 h1
[ "$(median)" -le $((base + 1)) ] || fail "a restored link"
ok "cut and restored"

expect "^WAN '$name': 17 hosts" "$(timeout 10 "$vesc" wan status --name "$name")" "status"
expect "^$name\$" "$(timeout 10 "$vesc" wan list)" "list"

# A bad line: loss, jitter and a cap, on the real relay.
timeout 30 "$vesc" wan up --name "$name-b" --matrix <(printf '0 20\n20 0\n') --loss 0.1 --jitter-ms 10 --mbit 8 >/dev/null
bad() { timeout 40 "$vesc" wan exec --name "$name-b" h0 -- "$@"; }
said=$(bad ping -q -c 300 -i 0.01 -W 2 h1)
# Lost on either way: 1 - 0.9^2 = 19 %; 300 pings stay within 11 to 27 % but once in 10,000 runs.
lost=$(grep -oE '[0-9.]+% packet loss' <<<"$said" | cut -d% -f1)
awk -v l="$lost" 'BEGIN {exit !(l >= 11 && l <= 27)}' || fail "loss of 19 % asked for: $said"
# Two jitters of 0 to 10 ms: mean 30 ms, deviation 4.1 ms.
awk -F/ '/^rtt/ {exit !($5 > 28.5 && $5 < 32 && $7 > 2.5 && $7 < 6)}' <<<"$said" || fail "jitter of 10 ms a way asked for: $said"
ok "loss of $lost % and jitter: $(grep '^rtt' <<<"$said")"
timeout 10 "$vesc" wan down --name "$name-b"
timeout 30 "$vesc" wan up --name "$name-b" --matrix <(printf '0 20\n20 0\n') --mbit 8 >/dev/null
cat >"$scratch/flood.py" <<'END'
import socket, sys, time
# A second of datagrams at three times the cap; the receiver counts what arrives in its second.
if sys.argv[1] == "send":
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    end = time.monotonic() + 2
    while time.monotonic() < end:
        s.sendto(b"x" * 1172, (sys.argv[2], 9999))
        time.sleep(0.0004)
else:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("", 9999))
    s.settimeout(10)
    s.recv(2000)
    start, got = time.monotonic(), 0
    while time.monotonic() < start + 1:
        got += len(s.recv(2000)) + 28
    print(round(got * 8 / 1e6, 2))
END
timeout 20 "$vesc" wan exec --name "$name-b" h1 -- python3 -c "$(cat "$scratch/flood.py")" receive >"$scratch/mbit" & receiver=$!
sleep 0.5
bad python3 -c "$(cat "$scratch/flood.py")" send "$(timeout 5 "$vesc" wan status --name "$name-b" --json | grep -oE '"address": "[0-9.]+' | sed -n 2p | grep -oE '[0-9.]+$')"
wait $receiver
awk '{exit !($1 > 6.8 && $1 < 8.8)}' "$scratch/mbit" || fail "8 Mbit/s asked for: $(cat "$scratch/mbit")"
ok "a cap of 8 Mbit/s lets $(cat "$scratch/mbit") Mbit/s through"
timeout 10 "$vesc" wan down --name "$name-b"

# Two WANs at once, the same addresses in both.
timeout 30 "$vesc" wan up --name "$name-b" --matrix <(printf '0 50\n50 0\n') >/dev/null
expect '^(50|51)$' "$(timeout 20 "$vesc" wan exec --name "$name-b" h0 -- ping -q -c 3 -i 0.1 h1 | awk -F/ '/^rtt/ {print int($5)}')" "a second WAN has its own delays"
[ "$(median)" -le $((base + 1)) ] || fail "the first WAN is disturbed by the second"
code=0; timeout 10 "$vesc" wan up --name "$name-b" --matrix "$matrix" 2>"$scratch/said" || code=$?
expect 'is up already' "$(cat "$scratch/said")" "a name in use is refused"

# kill -9 of the relay takes all hosts with it; of a host's first process, that host.
relay=$(timeout 5 "$vesc" wan status --name "$name-b" --json | grep -oE '"relay_pid": [0-9]+' | grep -oE '[0-9]+$')
timeout 60 "$vesc" wan exec --name "$name-b" h0 -- sleep 55 &
sleep 0.3
kill -9 "$relay"
until_ok 5 bash -c "! pgrep -fx 'sleep 55' >/dev/null" || fail "a process outlived its WAN"
timeout 10 "$vesc" wan down --name "$name-b"
init=$(timeout 5 "$vesc" wan status --name "$name" --json | grep -oE '"init_pid": [0-9]+' | head -1 | grep -oE '[0-9]+$')
first_relay=$(timeout 5 "$vesc" wan status --name "$name" --json | grep -oE '"relay_pid": [0-9]+' | grep -oE '[0-9]+$')
kill -9 "$init"
timeout 20 "$vesc" wan down --name "$name"
timeout 20 "$vesc" wan down --name "$name"
[ ! -e "/run/vesc/$name" ] && [ ! -e "/run/vesc/$name-b" ] || fail "a directory is left"
[ "$(wc -l </proc/self/mountinfo)" = "$mounts_before" ] || fail "a mount is left"
[ "$(ls /sys/class/net | sort | tr '\n' ' ')" = "$devices_before" ] || fail "a device is left"
gone() { ! ps -o pid= -p "$relay" "$init" "$first_relay" | grep -q .; }
until_ok 10 gone || fail "a process is left: $(ps -o pid,stat,comm -p "$relay" "$init" "$first_relay")"
ok "nothing is left after kill -9 and down"
