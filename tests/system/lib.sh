# SPDX-License-Identifier: MIT
#
# What the system tests share: a WAN and a realm of their own, clean-up whatever happens, checks
# that say what they saw, and the last lines of the right log on a failure. Sourced, not run.
set -euo pipefail
vesc=${VESC_BIN:?the directory of the built programs}/vesc
matrix=$VESC_BIN/../share/vesc/planetlab490.xz
name=t$$
home=/run/vesc/$name/realm/home/researcher
ctld_log=/run/vesc/$name/realm/log/slurmctld.log

[ "$(id -u)" = 0 ] || { echo "the system tests need root"; exit 1; }
scratch=$(mktemp -d)
finish() {
  local code=$?
  if [ $code != 0 ]; then
    echo "--- last lines of slurmctld.log"
    tail -n 25 "$ctld_log" 2>/dev/null || true
  fi
  for wan in "$name" "$name-b"; do timeout 30 "$vesc" wan down --name "$wan" || true; done
  rm -rf "$scratch"
  exit $code
}
trap finish EXIT
trap 'exit 130' INT TERM

fail() { echo "FAILED: $*"; exit 1; }
ok() { echo "ok: $*"; }
expect() { # expect TEXT-OF-PATTERN OUTPUT WHAT
  grep -qE -- "$1" <<<"$2" || fail "$3: expected /$1/ in: $2"
  ok "$3"
}
wan_up() { timeout 30 "$vesc" wan up --name "$name" "$@" >"$scratch/wan"; }
realm_up() { timeout 90 "$vesc" realm up --wan "$name" "$@" >"$scratch/realm" 2>"$scratch/progress" || fail "realm up: $(cat "$scratch/progress")"; }
user() { timeout 40 "$vesc" realm exec --wan "$name" --timeout 35 -- "$@"; }
admin() { timeout 40 "$vesc" realm exec --wan "$name" --user root --timeout 35 -- "$@"; }
on() { local host=$1; shift; timeout 40 "$vesc" realm exec --wan "$name" --user root --host "$host" --timeout 35 -- "$@"; }
# Hands a matrix to vesc-schedd.
publish() { cp "$1" "/run/vesc/$name/realm/measured/.new" && mv "/run/vesc/$name/realm/measured/.new" "/run/vesc/$name/realm/measured/rtt.matrix"; }
# until SECONDS COMMAND...: until it succeeds.
until_ok() {
  local end=$((SECONDS + $1)); shift
  until "$@"; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.2
  done
}
job_state() { user scontrol -o show job "$1" | grep -oE -m1 'JobState=[A-Z_]+' | cut -d= -f2; }
is_state() { [ "$(job_state "$1")" = "$2" ]; }
submit() { user sbatch --parsable -o /dev/null "$@" 2>"$scratch/said"; }
refused() { # refused PATTERN COMMAND...: it must fail and say so
  local pattern=$1 said; shift
  if said=$(user "$@" 2>&1); then fail "accepted: $*: $said"; fi
  expect "$pattern" "$said" "refused: $(cut -c1-70 <<<"$*")"
}
nodes_of() { user scontrol -o show job "$1" | grep -oE ' NodeList=[^ ]+' | cut -d= -f2 | xargs -r timeout 10 "$vesc" realm exec --wan "$name" -- scontrol show hostnames; }
has_features() { admin sinfo -h -N -o '%N %f' | grep -qE "$1"; }
# A symmetric matrix: groups of hosts 1 ms apart inside, 100 ms between. grouped N "0 1 2" "3 4"...
grouped() {
  local n=$1; shift
  awk -v n="$n" -v groups="$(IFS=';'; echo "$*")" 'BEGIN {
    count = split(groups, parts, ";");
    for (g = 1; g <= count; g++) { m = split(parts[g], members, " "); for (i = 1; i <= m; i++) group[members[i]] = g }
    for (i = 0; i < n; i++) { line = "";
      for (j = 0; j < n; j++) line = line (j ? " " : "") (i == j ? 0 : ((i in group) && (j in group) && group[i] == group[j]) ? 1 : 100);
      print line } }'
}
