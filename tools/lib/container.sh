# SPDX-License-Identifier: LGPL-2.1-or-later
# A root booted with its own systemd, for tools/test-booted: boot it, run commands in it, end it.
# shellcheck shell=bash
#
# systemd-nspawn in name spaces and a cgroup of its own, without systemd, machined or a network on the host: so it works
# inside another container too. The cgroup is one new folder of the unified hierarchy; no other process is moved.

CONTAINER_PID=''

# cgroup2_folder: where the unified hierarchy is mounted, if it is.
cgroup2_folder() { findmnt --noheadings --first-only --types cgroup2 --output TARGET; }

# why_no_container: prints what is missing for one; nothing when it can be made.
why_no_container() {
  local folder probe
  folder=$(cgroup2_folder) || true
  probe=$folder/trailkeep-probe-$$
  if [ "$(id -u)" -ne 0 ]; then
    echo "needs root (mount, name spaces): run it as: sudo tools/$(basename "$0")"
  elif [ -z "$folder" ]; then
    echo "needs the unified cgroup hierarchy (cgroup2), which is not mounted here"
  elif ! { mkdir "$probe" && rmdir "$probe"; } 2>/dev/null; then
    echo "needs $folder to be writable"
  elif ! unshare --mount --pid --cgroup --fork true 2>/dev/null; then
    echo "needs name spaces, which this container forbids"
  fi
}

# Runs in the new name spaces: a view of the unified hierarchy alone, from the container's own cgroup down.
IN_NAMESPACES='
  set -e
  mount -t proc proc /proc
  umount -l /sys/fs/cgroup
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  exec systemd-nspawn --quiet --boot --register=no --keep-unit --private-network --link-journal=no --resolv-conf=off \
    --timezone=off --console=passive "$@"'

# boot_root FOLDER NSPAWN-ARGUMENT...: boots it in the background and returns when it is up.
# Sets CONTAINER_PID, which ends with the container, and CONTAINER_CGROUP.
boot_root() {
  local folder=$1 n
  shift
  CONTAINER_CGROUP=$(cgroup2_folder)/trailkeep-booted-$$
  mkdir -p "$CONTAINER_CGROUP"
  # shellcheck disable=SC2016 # expanded by the inner shells
  SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 \
    bash -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' boot "$CONTAINER_CGROUP" \
    unshare --pid --fork --kill-child --mount --cgroup --propagation private \
    bash -c "$IN_NAMESPACES" boot --directory="$folder" --machine=tracker "$@" >"$folder.console" 2>&1 </dev/null &
  CONTAINER_PID=$!
  for ((n = 0; n < 600; n++)); do
    kill -0 "$CONTAINER_PID" 2>/dev/null || break
    # Fails at once while nobody listens; then waits until the last job of the boot has ended.
    case $(in_container systemctl is-system-running --wait 2>/dev/null) in
      running | degraded) return 0 ;;
    esac
    sleep 0.05
  done
  cat "$folder.console"
  end_container
  return 1
}

# container_init: the process that is number 1 in there, as the host sees it.
container_init() {
  local child
  [ -n "$CONTAINER_PID" ] || return 1
  child=$(pgrep --parent "$CONTAINER_PID" | head -n 1) && child=$(pgrep --parent "$child" | head -n 1) && echo "$child"
}

# in_container COMMAND...: runs it as root inside.
in_container() {
  local init
  init=$(container_init) || return 1
  nsenter --target "$init" --mount --uts --ipc --net --pid --cgroup -- /usr/bin/env -i \
    PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 SYSTEMD_COLORS=0 SYSTEMD_PAGER='' "$@" </dev/null
}

# end_container: ends it if it has not ended, and leaves nothing of it.
end_container() {
  [ -n "$CONTAINER_PID" ] || return 0
  kill -KILL "$CONTAINER_PID" 2>/dev/null || true
  wait "$CONTAINER_PID" 2>/dev/null || true
  CONTAINER_PID=''
  # Not empty until the kernel has reaped the last of them.
  for ((n = 0; n < 100; n++)); do
    find "$CONTAINER_CGROUP" -depth -type d -delete 2>/dev/null || true
    [ -d "$CONTAINER_CGROUP" ] || return 0
    sleep 0.05
  done
  echo "left behind: $CONTAINER_CGROUP" >&2
}
