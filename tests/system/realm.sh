#!/bin/bash
# SPDX-License-Identifier: MIT
# The realm: an unmodified MPI program, kill -9 of each daemon, reconfigure and log rotation while
# jobs run, and two realms at once.
. "$(dirname "$0")/lib.sh"

grouped 4 "0 1 2 3" >"$scratch/m" && sed -i 's/\b1\b/4/g' "$scratch/m"
wan_up --matrix "$scratch/m" --attach ctl=0
realm_up
expect 'slurmctld answers' "$(timeout 20 "$vesc" realm status --wan "$name")" "status"
expect '^uid=61000\(researcher\)' "$(user id)" "jobs belong to an ordinary user"

cp "$VESC_BIN/jobs/poisson" "$VESC_BIN/../share/vesc/poisson.sbatch" "$home/"
user sbatch --wait -N4 poisson.sbatch >/dev/null 2>&1 || fail "the MPI job: $(cat "$home"/poisson-*.out)"
expect 'right$' "$(cat "$home"/poisson-*.out)" "an unmodified MPI program runs"
! grep -qiE 'warn|error:|timeout|timed out' "$home"/poisson-*.out || fail "MPI complains: $(cat "$home"/poisson-*.out)"
ok "without a warning"

# A job runs on while slurmctld and a slurmd are killed; both come back by themselves.
id=$(submit -N4 --wrap 'srun sleep 25')
until_ok 15 is_state "$id" RUNNING || fail "the long job does not run"
# slurmctld saves its jobs every five seconds; one killed before that forgets a start (stock Slurm).
sleep 7
on ctl pkill -9 -x slurmctld
until_ok 30 is_state "$id" RUNNING || fail "slurmctld did not come back"
on h1 pkill -9 -x slurmd
until_ok 30 on h1 pgrep -x slurmd >/dev/null || fail "slurmd did not come back"
on h2 pkill -9 -x munged
until_ok 30 on h2 pgrep -x munged >/dev/null || fail "munged did not come back"
# Reconfigure and rotation meanwhile: 22.05.8 puts CPU counts into dynamic nodes' ports there.
admin scontrol reconfigure
on ctl pkill -HUP -x slurmctld
on ctl pkill -USR2 -x slurmctld
until_ok 60 is_state "$id" COMPLETED || fail "the job did not end: $(admin scontrol show job "$id")"
ok "a job outlives slurmctld, a slurmd, munged, reconfigure, SIGHUP and log rotation"
all_idle() { [ "$(admin sinfo -h -N -o '%t' | sort | uniq -c | tr -s ' ')" = " 4 idle" ]; }
until_ok 60 all_idle || fail "nodes are not idle: $(admin sinfo -N)"
until_ok 30 user srun -N4 true || fail "no job runs after it"
ok "all nodes are idle and run jobs"

# A second realm at the same time.
timeout 30 "$vesc" wan up --name "$name-b" --matrix <(printf '0 1\n1 0\n') --attach ctl=0 >/dev/null
timeout 90 "$vesc" realm up --wan "$name-b" >/dev/null 2>&1 || fail "the second realm"
expect '^2$' "$(timeout 30 "$vesc" realm exec --wan "$name-b" -- srun -N2 hostname | wc -l)" "two realms at once"
user srun -N4 true || fail "the first realm is disturbed"

# A keeper killed takes its host's daemons along; down cleans the rest.
keeper=$(timeout 10 "$vesc" realm status --wan "$name" --json | grep -A1 '"host": "h3"' | grep -oE '"keeper_pid": [0-9]+' | grep -oE '[0-9]+$')
kill -9 "$keeper"
until_ok 10 bash -c "timeout 20 $vesc realm status --wan $name | grep -q 'keeper GONE'" || fail "status does not see a dead keeper"
timeout 30 "$vesc" realm down --wan "$name"
[ ! -e "/run/vesc/$name/realm" ] || fail "files of the realm are left"
! timeout 10 "$vesc" wan exec --name "$name" h0 -- pgrep -x 'slurmd|munged' || fail "daemons are left"
ok "down leaves nothing"
