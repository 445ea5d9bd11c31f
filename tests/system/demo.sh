#!/bin/bash
# SPDX-License-Identifier: MIT
# The demo as a user runs it, and Ctrl-C in the middle of it.
. "$(dirname "$0")/lib.sh"
cd "$scratch"
timeout 200 "$vesc" demo --seed 2 --json out.json --raw raw --picture p.svg >out.txt 2>&1 || fail "demo: $(cat out.txt)"
for key in hosts stock vesc ratio optimal_diameter_ms ok; do grep -q "\"$key\"" out.json || fail "out.json lacks $key"; done
grep -q '^<svg' p.svg || fail "no picture"
[ -s raw/seed-2/log/slurmctld.log ] || fail "no logs in --raw"
expect 'stock / VESC' "$(cat out.txt)" "the table"
expect 'no group of 4 nodes' "$(cat out.txt)" "the refusal"

timeout -s INT 6 "$vesc" demo --seed 1 >int.txt 2>&1 &
wait $! || true
expect 'interrupted; the realm and the WAN are taken down' "$(cat int.txt)" "Ctrl-C"
! ls /run/vesc 2>/dev/null | grep -q '^demo-' || fail "the demo left a WAN"
ok "nothing is left after Ctrl-C"
! timeout 10 "$vesc" demo --seeds 5-1 2>err.txt || fail "a bad range is accepted"
expect 'is not a range' "$(cat err.txt)" "a bad range"
