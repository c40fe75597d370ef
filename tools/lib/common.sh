# SPDX-License-Identifier: LGPL-2.1-or-later
# Shared by the commands in tools/: where things are, how they speak, how a tree is configured and tested.
# shellcheck shell=bash

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export PYTHONDONTWRITEBYTECODE=1
export LC_ALL=C.UTF-8
export PATH=$PATH:/usr/sbin:/sbin # nginx and gpsd, of which an ordinary user's path knows nothing

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  BOLD=$'\e[1m' GREEN=$'\e[32m' RED=$'\e[31m' PLAIN=$'\e[0m'
else
  BOLD='' GREEN='' RED='' PLAIN=''
fi

step() { printf '%s== %s%s\n' "$BOLD" "$*" "$PLAIN"; }
tick() { printf '%s✓%s %s\n' "$GREEN" "$PLAIN" "$*"; }
die() {
  printf '%s%s: %s%s\n' "$RED" "$(basename "$0")" "$*" "$PLAIN" >&2
  exit 1
}

# usage TEXT: what --help prints; the first comment block of the command itself.
usage() { sed -n '3,/^$/s/^# \{0,1\}//p' "$0"; }

# quietly COMMAND...: its output is shown only when it fails.
quietly() {
  local out status=0
  out=$("$@" 2>&1) || status=$?
  [ "$status" -eq 0 ] || printf '%s\n' "$out"
  return "$status"
}

# setup GROUP...: installs what is missing; quick when all is there.
setup() {
  local args=() group
  for group in "$@"; do args+=(--only "$group"); done
  "$ROOT/tools/setup" --quiet "${args[@]}"
}

# configure DIR OPTION...: makes or changes the build folder below the tree.
configure() {
  local dir=$1
  shift
  if [ -f "$ROOT/$dir/build.ninja" ]; then
    # The first takes the options, compiler arguments too; the second looks for folders that are new.
    quietly meson configure "$ROOT/$dir" "$@" && quietly meson setup --reconfigure "$ROOT/$dir" "$ROOT"
  else
    quietly meson setup "$ROOT/$dir" "$ROOT" "$@"
  fi
}

# compile DIR: prints what the compiler says, and only that.
compile() {
  local out status=0
  out=$(ninja -k 0 -C "$ROOT/$1" 2>&1) || status=$?
  if [ "$status" -ne 0 ]; then
    printf '%s\n' "$out" | grep -v -E '^(\[[0-9]+/[0-9]+\]|cc |ninja: )' || true
    die "$1 does not build"
  fi
}

# forget_results DIR: so that summarize() counts this run only.
forget_results() { rm -f "$ROOT/$1"/meson-logs/testlog*; }

# meson_test DIR MESON-TEST-ARGUMENT...: whatever it ends with, what counts is in the results it leaves.
meson_test() {
  local dir=$1
  shift
  meson test -C "$ROOT/$dir" --no-rebuild "$@" |
    grep -v -E -e '^$' -e '^(ninja: |>>> |Full log written)' -e '^[A-Z][A-Za-z ]*: +[0-9]+ *$' || true
}

# run_suites DIR MESON-TEST-ARGUMENT...: runs them and ends with the line "N passed, N failed, N skipped".
run_suites() {
  forget_results "$1"
  meson_test "$@"
  summarize "$ROOT/$1"
}

# summarize BUILD-FOLDER...: counts test cases, prints the logs of what failed and the reason of each skip.
summarize() {
  local args=()
  [ "${CI:-}" = true ] || args+=(--allow-skips)
  /usr/bin/python3 "$ROOT/tools/lib/summary.py" "${args[@]}" "$@"
}

# must_find WHAT COMMAND...: an analysis that does not fail over a planted fault is not worth running.
must_find() {
  local what=$1
  shift
  if bash -c '"$@"; exit $?' must_find "$@" >/dev/null 2>&1; then
    die "$what does not find the fault planted for it: its silence means nothing here"
  fi
}
