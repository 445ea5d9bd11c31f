#!/bin/bash
# SPDX-License-Identifier: MIT
#
# From a bare Debian 12 and a clone to the demo, or to the result of every test.
# The system is changed in one way only: Debian packages are installed. Everything else stays
# below build/ in the clone.
set -euo pipefail

usage() {
  cat <<'HELP'
usage: sudo cmake/bootstrap.sh demo [ARGUMENTS of 'vesc demo']   build, then run the demo
       sudo cmake/bootstrap.sh test [ARGUMENTS of 'ctest']       build, then run every test
       sudo cmake/bootstrap.sh build                             install and build only

Installs the Debian 12 packages of cmake/packages.txt, fetches the source of the installed Slurm
for its internal headers, and builds the 'release' preset in build/release. What is already there
is not done again.

  VESC_JOBS=N    compile with N processes (default: the number of processors)

exit codes: 0 done; 1 a step failed (the last line says what to do); 2 wrong usage
HELP
}

case "${1:-}" in
  demo|test|build) command=$1; shift ;;
  -h|--help) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac

die() { printf 'bootstrap: %s\n' "$*" >&2; exit 1; }

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[ "$(id -u)" = 0 ] || die "needs root, to install packages and to make network namespaces. Run: sudo cmake/bootstrap.sh $command"
# shellcheck disable=SC1091
. /etc/os-release
[ "${ID:-}" = debian ] && [ "${VERSION_ID:-}" = 12 ] ||
  die "made for Debian 12, this is ${PRETTY_NAME:-unknown}. Run it on a Debian 12 machine, or read cmake/packages.txt and build with: cmake --preset release"

mkdir -p "$root/build"
log=$root/build/bootstrap.log
: >"$log"
jobs=${VESC_JOBS:-$(nproc)}

# step TEXT ADVICE COMMAND...: runs COMMAND with its output in the log, and shows that it goes on.
step() {
  local text=$1 advice=$2 start=$SECONDS pid rc=0 tail_line
  shift 2
  printf '\n### %s\n' "$text" >>"$log"
  "$@" >>"$log" 2>&1 &
  pid=$!
  trap 'kill "$pid" 2>/dev/null; printf "\nbootstrap: interrupted; run the same command again to go on\n" >&2; exit 130' INT TERM
  while kill -0 "$pid" 2>/dev/null; do
    if [ -t 1 ]; then
      tail_line=$(tail -n 1 "$log" | tr -d '\r' | cut -c1-60)
      printf '\r\033[K%-34s %4d s  %s' "$text" "$((SECONDS - start))" "$tail_line"
      sleep 0.3
    else
      sleep 0.3
      if (( (SECONDS - start) / 20 > ${ticks:=0} )); then
        ticks=$(( (SECONDS - start) / 20 ))
        printf '%-34s %4d s  %s\n' "$text ..." "$((SECONDS - start))" "$(tail -n 1 "$log" | tr -d '\r' | cut -c1-80)"
      fi
    fi
  done
  ticks=0
  wait "$pid" || rc=$?
  trap - INT TERM
  [ -t 1 ] && printf '\r\033[K'
  if [ "$rc" != 0 ]; then
    tail -n 25 "$log" >&2
    die "'$text' failed; the whole output is in $log. $advice"
  fi
  printf '%-34s %4d s\n' "$text" "$((SECONDS - start))"
}

missing_packages() {
  local name
  sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$root/cmake/packages.txt" | while read -r name; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || echo "$name"
  done
}

install_packages() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get -q -o DPkg::Lock::Timeout=300 update
  # shellcheck disable=SC2086
  apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold \
    install --no-install-recommends $1
}

# The deb-src twin of every apt source of this machine, one-line and deb822, with the same URI,
# suites and Signed-By, in a private directory that apt is pointed to by option.
write_source_lists() {
  local to=$1 file
  mkdir -p "$to/parts" "$to/lists/partial" "$to/cache/archives/partial"
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -f "$file" ] || continue
    sed -n -E 's/^[[:space:]]*deb([[:space:]]+(\[[^]]*\][[:space:]]+)?[^c[:space:]].*)$/deb-src\1/p; s/^[[:space:]]*deb([[:space:]]+(\[[^]]*\][[:space:]]+)?c[^d].*)$/deb-src\1/p' \
      "$file" >"$to/parts/$(basename "$file" .list).list"
  done
  for file in /etc/apt/sources.list.d/*.sources; do
    [ -f "$file" ] || continue
    sed -E 's/^[Tt]ypes:.*/Types: deb-src/' "$file" >"$to/parts/$(basename "$file")"
  done
}

fetch_slurm_source() {
  local to=$1 version=$2 work=$root/build/slurm-source.partial
  rm -rf "$work" && mkdir -p "$work"
  write_source_lists "$work/apt"
  local options=(-q -o "Dir::Etc::SourceList=/dev/null" -o "Dir::Etc::SourceParts=$work/apt/parts"
    -o "Dir::State::Lists=$work/apt/lists" -o "Dir::Cache=$work/apt/cache" -o "APT::Sandbox::User=root")
  apt-get "${options[@]}" update || true # a third-party source without deb-src is not our failure
  (cd "$work" && apt-get "${options[@]}" source --download-only "slurm-wlm=$version")
  (cd "$work" && dpkg-source --no-check -x slurm-wlm_*.dsc tree)
  # The headers need config.h and slurm/slurm_version.h; the options are those of debian/rules.
  (cd "$work/tree" && ./configure --sysconfdir=/etc/slurm --with-munge --without-rpath \
    --disable-debug --enable-multiple-slurmd --with-pmix=/usr/lib/x86_64-linux-gnu/pmix2 ||
    ./configure --sysconfdir=/etc/slurm --with-munge --without-rpath --disable-debug --enable-multiple-slurmd)
  [ -f "$work/tree/config.h" ] && [ -f "$work/tree/slurm/slurm_version.h" ]
  echo "$version" >"$work/tree/.vesc-version"
  rm -rf "$to" && mv "$work/tree" "$to" && rm -rf "$work"
}

build() {
  # The clone may belong to the user who called sudo; git refuses to describe it for root otherwise.
  export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0="$root"
  cd "$root" && cmake --preset release && cmake --build --preset release -j "$jobs"
}

packages=$(missing_packages)
if [ -n "$packages" ]; then
  step "Installing Debian packages" "Mend apt (apt-get update) or the network, then run this again." \
    install_packages "$packages"
fi

slurm_version=$(dpkg-query -W -f='${source:Version}' slurmctld)
slurm_source=$root/build/slurm-source
if [ "$(cat "$slurm_source/.vesc-version" 2>/dev/null)" != "$slurm_version" ]; then
  step "Fetching Slurm's headers" "Check that the machine's apt sources carry the source of slurm-wlm $slurm_version." \
    fetch_slurm_source "$slurm_source" "$slurm_version"
fi

step "Building" "Read the first error above; after mending it run this again." build

case $command in
  demo) exec "$root/build/release/bin/vesc" demo "$@" ;;
  test) cd "$root" && exec ctest --preset release "$@" ;;
  build) echo "built: $root/build/release/bin" ;;
esac
