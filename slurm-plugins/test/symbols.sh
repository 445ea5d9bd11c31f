#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Opens every plugin file as slurmctld would judge it: the symbols it must have, its type, its
# version, and no undefined symbol that none of the installed daemons and libraries has. slurmctld
# ends itself on a plugin that lacks one, so this must never be found out there.
# usage: symbols.sh PLUGIN-DIRECTORY SLURM-VERSION-NUMBER
set -euo pipefail
directory=$1 version=$(printf '%d' "$2")
fail() { echo "symbols: $*" >&2; exit 1; }

defined() { nm -D --defined-only "$1" | awk '{print $3}' | sed 's/@.*//' | sort -u; }

check() {
  local file=$directory/$1
  shift
  [ -f "$file" ] || fail "$file is missing"
  local have
  have=$(defined "$file")
  for symbol in plugin_name plugin_type plugin_version "$@"; do
    grep -qx "$symbol" <<<"$have" || fail "$file does not export $symbol"
  done
  local extra
  extra=$(grep -vxE 'plugin_(name|type|version)|spank_plugin_version|init|fini|job_submit|job_modify|slurm_spank_.*|.*@@.*' <<<"$have" || true)
  [ -z "$extra" ] || fail "$file exports more than it should: $extra"
}

check job_submit_vesc.so init fini job_submit job_modify
check spank_vesc.so slurm_spank_init slurm_spank_init_post_opt slurm_spank_task_init
[ -f "$directory/libvesc-slurmctld.so" ] || fail "libvesc-slurmctld.so is missing"

# Type and version, read out of the read-only data by address.
at() { nm -D "$1" | awk -v s="$2" '$3 == s {print $1}'; }
grep -qa 'job_submit/vesc' "$directory/job_submit_vesc.so" || fail "job_submit_vesc.so has another plugin_type"
grep -qa 'spank' "$directory/spank_vesc.so" || fail "spank_vesc.so has another plugin_type"
for plugin in job_submit_vesc spank_vesc; do
  address=$((16#$(at "$directory/$plugin.so" plugin_version)))
  got=$(objdump -s --start-address=$address --stop-address=$((address + 4)) "$directory/$plugin.so" | awk 'END {print $2}')
  value=$((16#${got:6:2}${got:4:2}${got:2:2}${got:0:2}))
  [ "$value" = "$version" ] || fail "$plugin.so has plugin_version $value, Slurm is $version"
done

# What is left open must exist in slurmctld and its libraries (or, for SPANK, in the clients').
known=$(mktemp)
trap 'rm -f "$known"' EXIT
libraries=$(for file in "$directory"/*.so /usr/sbin/slurmctld /usr/bin/sbatch; do ldd "$file" | awk '/=> \//{print $3}'; done | sort -u)
for file in /usr/sbin/slurmctld "$directory/libvesc-slurmctld.so" /usr/lib/x86_64-linux-gnu/slurm-wlm/libslurmfull.so $libraries; do
  defined "$file"
done | sort -u >"$known"
for file in "$directory"/*.so; do
  open=$(nm -D --undefined-only "$file" | awk '$1 == "U" {print $2}' | sed 's/@.*//' | sort -u | comm -23 - "$known")
  # SPANK's own calls are in the programs that open SPANK plugins.
  [ "$(basename "$file")" = spank_vesc.so ] && open=$(grep -v '^spank_' <<<"$open" || true)
  [ -z "$open" ] || fail "$(basename "$file") needs symbols that nobody has: $open"
done
echo "symbols: all as Slurm wants them"
