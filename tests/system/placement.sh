#!/bin/bash
# SPDX-License-Identifier: MIT
# --max-rtt on a real realm: kept, refused with a sentence, and no way round it; groups that change
# while jobs wait and run; what is measured counts, not what drives the relay.
. "$(dirname "$0")/lib.sh"

# The relay says 20 ms everywhere; what is published as measured says otherwise, and wins.
grouped 6 >"$scratch/flat" && sed -i 's/100/20/g' "$scratch/flat"
wan_up --matrix "$scratch/flat" --attach ctl=0
realm_up --slurm-conf SchedulerParameters=permit_job_expansion,bf_interval=2,bf_continue,bf_max_job_test=2000,sched_min_interval=100000,batch_sched_delay=1
statistics=/run/vesc/$name/realm/state/vesc-statistics.json
refused 'cannot be promised now: .*no snapshot' sbatch -N2 --max-rtt=10ms --wrap hostname
id=$(submit -N2 --wrap 'true'); until_ok 20 is_state "$id" COMPLETED || fail "without a snapshot other jobs run as in stock"
grouped 6 "0 1 2" "3 4" >"$scratch/a"
publish "$scratch/a"
until_ok 10 has_features '^h2 .*vesc_1345us_1' || fail "the groups did not arrive"
ok "groups are those of the measured matrix"

id=$(submit -N3 --max-rtt=2ms --wrap 'sleep 1'); until_ok 20 is_state "$id" COMPLETED || fail "a job of 3 within 2 ms: $(job_state "$id")"
expect '^h0 h1 h2 $' "$(nodes_of "$id" | sort | tr '\n' ' ')" "a job of 3 runs on the group of 3"
expect 'means the tier of 1.88 ms' "$(cat "$scratch/said")" "the tier is named"
refused 'largest group at 1.88 ms has 3 nodes' sbatch -N4 --max-rtt=2ms --wrap hostname
refused 'largest group at 1.88 ms has 3 nodes.*--max-rtt=' srun -N4 --max-rtt=2ms hostname
refused 'largest group' salloc -N4 --max-rtt=2ms true
for bad in ten -1 0 '1e9 ms' 10 0ms 5s; do refused 'is not a round-trip time.*for example 10ms' sbatch -N2 --max-rtt="$bad" --wrap hostname; done
expect 'anywhere' "$(user sbatch -N3 --wrap true 2>&1)" "without the option: tightest first, and it says so"
[ "$(user srun -N3 --max-rtt=2ms hostname 2>/dev/null | sort | tr '\n' ' ')" = "h0 h1 h2 " ] || fail "srun --max-rtt"
ok "srun --max-rtt"
expect '^--max-rtt|  --max-rtt=TIME' "$(user sbatch --help)" "in --help"

# No way round.
refused 'spread-job' sbatch -N2 --max-rtt=2ms --spread-job --wrap hostname
refused 'contiguous' sbatch -N2 --max-rtt=2ms --contiguous --wrap hostname
refused 'cannot be combined' sbatch -N2 --max-rtt=2ms -C 'a|b' --wrap hostname
refused 'belong to the scheduler' sbatch -N2 -C vesc_any --wrap hostname
refused 'at most 64' sbatch -N1 -C "[$(seq -s '|' -f 'f%g' 1 70)]" --wrap hostname
refused 'takes the place of a constraint' sbatch -N2 --max-rtt=2ms --prefer=vesc --wrap hostname
refused 'with those of --nodelist' sbatch -N2 --max-rtt=2ms -w h0,h3 --wrap hostname
id=$(submit -N3 --max-rtt=2ms --array=1-2 --wrap 'sleep 0.5'); until_ok 30 bash -c "! timeout 10 $vesc realm exec --wan $name -- squeue -h -j $id | grep -q ." || fail "array"
ok "an array"
refused 'largest group' sbatch -N2 --max-rtt=2ms : -N4 --max-rtt=2ms --wrap hostname
# Each component keeps its own promise; one without a limit runs beside it.
id=$(submit -N2 --max-rtt=2ms -w h3,h4 --exclusive : -N2 --max-rtt=2ms --exclusive --wrap 'sleep 2')
id=${id%%[;+]*}
until_ok 40 is_state "$id" RUNNING || fail "a heterogeneous job: $(job_state "$id")"
expect '^h[012] h[012] $' "$(nodes_of "$((id + 1))" | sort | tr '\n' ' ')" "each component of a heterogeneous job keeps its limit"
until_ok 20 is_state "$id" COMPLETED || fail "the heterogeneous job does not end"
id=$(submit -N2 : -N2 --wrap true); id=${id%%[;+]*}
until_ok 40 is_state "$id" COMPLETED || fail "a heterogeneous job without a limit: $(job_state "$id")"
ok "a heterogeneous job without a limit runs"
# Expanding is permitted here; a promised allocation is not to be had that way.
target=$(submit -N2 --max-rtt=2ms --wrap 'sleep 30'); until_ok 20 is_state "$target" RUNNING || fail "the target does not run"
refused 'cannot be expanded' sbatch -N1 --dependency="expand:$target" --wrap hostname
waiting=$(submit -N1 --hold --wrap hostname)
! admin scontrol update jobid="$waiting" dependency="expand:$target" >/dev/null 2>&1 || fail "expanded by update"
user scancel "$target" "$waiting"
target=$(submit -N1 --wrap 'sleep 30'); until_ok 20 is_state "$target" RUNNING || fail "the plain target does not run"
refused 'cannot expand another' sbatch -N2 --max-rtt=2ms --dependency="expand:$target" --wrap hostname
user sbatch -N1 --dependency="expand:$target" --wrap true >/dev/null 2>&1 || fail "a job without a promise can be expanded"
ok "without a promise a job can be expanded"
user scancel -u researcher
until_ok 20 bash -c "! timeout 10 $vesc realm exec --wan $name -- squeue -h | grep -q ." || fail "jobs remain"

# A waiting job: not by scontrol either, root or not.
blocker=$(submit -N3 -w h0,h1,h2 --exclusive --wrap 'sleep 60')
until_ok 20 is_state "$blocker" RUNNING || fail "the blocker does not run"
id=$(submit -N3 --max-rtt=2ms --exclusive --wrap 'sleep 1')
sleep 1; expect PENDING "$(job_state "$id")" "a job that could run later waits"
admin scontrol update jobid="$id" features= >/dev/null 2>&1 || true
expect 'vesc_max_1882us' "$(admin scontrol show job "$id")" "root cannot take the promise away"
! admin scontrol update jobid="$id" features='[a|b]' >/dev/null 2>&1 || fail "own alternatives by update"
! admin scontrol update jobid="$id" numnodes=5 >/dev/null 2>&1 || fail "grown beyond its groups by update"
ok "scontrol update keeps the promise"
! admin scontrol update jobid="$id" prefer=vesc >/dev/null 2>&1 || fail "a preference by update"
! admin scontrol update jobid="$id" features="$(seq -s '|' -f 'f%g' 1 70)" >/dev/null 2>&1 || fail "70 alternatives by update"
expect 'vesc_max_1882us' "$(admin scontrol show job "$id")" "the promise stands after all of them, and slurmctld too"
# The default follows a change of the job.
default=$(submit -N2 --exclusive --wrap 'sleep 1')
expect 'Prefer=\[vesc_.*\|vesc_any\]' "$(admin scontrol show job "$default")" "without a limit: a preference"
admin scontrol update jobid="$default" features=vesc numnodes=3-3
expect 'Features=vesc .*Prefer=vesc&\[vesc_1345us_1\|vesc_any\]' "$(admin scontrol -o show job "$default")" "the preference follows an update"
user scancel "$default"
refused 'cannot be expanded' sbatch -N1 --dependency="expand:$id" --wrap hostname

# The groups change: the waiting job follows, the running one is untouched.
grouped 6 "0 1" "3 4 5" >"$scratch/b"
publish "$scratch/b"
until_ok 25 is_state "$id" COMPLETED || fail "the waiting job did not follow: $(admin scontrol show job "$id")"
expect '^h3 h4 h5 $' "$(nodes_of "$id" | sort | tr '\n' ' ')" "a waiting job follows the groups"
expect RUNNING "$(job_state "$blocker")" "the running job is untouched"
user scancel "$blocker"

# Every slot is reassigned while jobs wait; none may land on a looser group.
blocker=$(submit -N6 --exclusive --wrap 'sleep 60')
until_ok 20 is_state "$blocker" RUNNING || fail "the second blocker does not run"
ids=(); for _ in 1 2 3 4; do ids+=("$(submit -N2 --max-rtt=2ms --wrap 'sleep 0.2')"); done
for groups in "0 3;1 4;2 5" "0 5;1 3;2 4" "0 1;2 3;4 5"; do
  IFS=';' read -ra parts <<<"$groups"
  grouped 6 "${parts[@]}" >"$scratch/c"; publish "$scratch/c"; sleep 0.7
done
user scancel "$blocker"
for id in "${ids[@]}"; do
  until_ok 40 is_state "$id" COMPLETED || fail "job $id is $(job_state "$id") after the groups changed"
  expect '^(h0 h1 |h2 h3 |h4 h5 )$' "$(nodes_of "$id" | sort | tr '\n' ' ')" "job $id is inside a group of now"
done
expect '^0$' "$(user squeue -h -t PD | wc -l)" "nothing stays held"
# h2 and h3 were in other groups before, with equal records: a pair across groups must be refused.
refused 'with those of --nodelist' sbatch -N2 --max-rtt=2ms -w h1,h2 --wrap hostname

expect '"verified":[1-9][0-9]*,"faults":0' "$(cat "$statistics")" "no config record holds nodes of different slots, equal ones are merged"

# A site can leave jobs without a limit to stock Slurm.
conf=/run/vesc/$name/realm/etc/slurm/vesc.conf
sed -i 's/"tightest"/"stock"/' "$conf"
says_nothing() { ! user sbatch -N2 --wrap true 2>&1 | grep -q anywhere; }
until_ok 10 says_nothing || fail "default_placement = stock is not followed"
sed -i 's/"stock"/"tightest"/' "$conf"
ok "default_placement = stock"

# Inside an allocation srun checks it.
said=$(user sbatch -N2 --max-rtt=2ms --wait -o inner.out --wrap 'srun --max-rtt=2ms hostname; srun --max-rtt=0.3ms hostname' 2>&1) || true
expect 'h[0-5]' "$(cat "$home/inner.out")" "srun inside: kept"
expect 'are known to keep' "$(cat "$home/inner.out")" "srun inside: refused with what is known"

# The snapshot stale: refused with its age; and back again.
sed -i 's/^stale_after_s.*/stale_after_s = 1/' "$conf"
admin pkill -STOP -x vesc-schedd
until_ok 15 bash -c "timeout 20 $vesc realm exec --wan $name -- sbatch -N2 --max-rtt=2ms --wrap true 2>&1 | grep -q 'the snapshot is stale: [0-9]* s old'" || fail "a stale snapshot is trusted"
id=$(submit -N2 --wrap true); until_ok 20 is_state "$id" COMPLETED || fail "other jobs run with a stale snapshot"
sed -i 's/^stale_after_s.*/stale_after_s = 300/' "$conf"
until_ok 10 user sbatch -N2 --max-rtt=2ms --wrap true >/dev/null 2>&1 || fail "a fresh snapshot is not trusted again"
ok "a stale snapshot"

# The snapshot corrupt: jobs with a limit are refused, others run, slurmctld lives.
head -c 100 /dev/urandom >"/run/vesc/$name/realm/published/snapshot"
until_ok 10 bash -c "! timeout 20 $vesc realm exec --wan $name -- sbatch -N2 --max-rtt=2ms --wrap true >/dev/null 2>&1" || fail "a corrupt snapshot is trusted"
refused 'cannot be promised now: the snapshot is damaged' sbatch -N2 --max-rtt=2ms --wrap hostname
id=$(submit -N2 --wrap true); until_ok 20 is_state "$id" COMPLETED || fail "other jobs run with a corrupt snapshot"
sleep 2
expect '^1$' "$(grep -c 'is refused, other jobs run.*damaged' "$ctld_log")" "one line in the log"
