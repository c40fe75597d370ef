# SPDX-License-Identifier: LGPL-2.1-or-later
# Minimal Debian 12 roots for tools/test-clean and tools/test-elogind: make one, run commands in it, throw it away.
# shellcheck shell=bash
#
# Packages come from where the host's own apt gets them; downloads are kept in a cache folder, so that the second root
# costs no traffic. A command inside sees nothing of the host but its kernel and its network.

CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/trailkeep/debs

# need_root: roots are made with mknod, mount and chroot.
need_root() {
  [ "$(id -u)" -eq 0 ] || die "needs root (mount, chroot): run it as: sudo tools/$(basename "$0")"
  unshare --mount --pid --fork true 2>/dev/null || die "needs namespaces, which this container forbids"
}

# host_sources: the host's lists of package sources, as files that mmdebstrap reads.
host_sources() {
  local file
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list; do
    [ -s "$file" ] && grep -q bookworm "$file" && echo "$file"
  done
  return 0
}

# make_root FOLDER PACKAGE...: Debian 12 with what is essential, apt and these packages.
make_root() {
  local folder=$1 acquire sources
  shift
  mkdir -p "$CACHE"
  acquire=$(mktemp)
  apt-config dump Acquire >"$acquire"
  mapfile -t sources < <(host_sources)
  quietly mmdebstrap --mode=root --variant=minbase --aptopt="$acquire" --aptopt='APT::Install-Recommends "false"' \
    --include="$(IFS=,; echo "ca-certificates,$*")" --format=directory \
    --setup-hook='mkdir -p "$1/var/cache/apt/archives"' --setup-hook="sync-in '$CACHE' /var/cache/apt/archives" \
    --skip=download/empty --skip=essential/unlink --skip=cleanup/apt \
    --customize-hook="sync-out /var/cache/apt/archives '$CACHE'" \
    bookworm "$folder" "${sources[@]}" || die "no Debian root could be made"
  rm -f "$acquire"
  cp --dereference /etc/resolv.conf "$folder/etc/resolv.conf"
  cp /etc/hosts "$folder/etc/hosts"
}

# remove_root FOLDER: nothing is mounted there any more once the last command has ended.
remove_root() { rm -rf --one-file-system "$1"; }

# The mounts a root needs; they live in the namespace of the one command and vanish with it.
IN_ROOT='
  set -e
  root=$1 cache=$2
  shift 2
  mount --bind "$root" "$root" # a namespace of its own inside wants a / that is a mount
  mount -t proc proc "$root/proc"
  mount -t sysfs -o ro sysfs "$root/sys"
  mount -t tmpfs -o mode=755 dev "$root/dev"
  for node in null zero full random urandom tty; do
    touch "$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
  done
  for node in /dev/loop-control /dev/loop[0-9]*; do # tests that look at a medium mount one
    [ ! -e "$node" ] || cp --archive "$node" "$root/dev/"
  done
  mkdir "$root/dev/pts" "$root/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "$root/dev/pts"
  mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
  ln -s pts/ptmx "$root/dev/ptmx"
  ln -s /proc/self/fd "$root/dev/fd"
  ln -s /proc/self/fd/0 "$root/dev/stdin"
  ln -s /proc/self/fd/1 "$root/dev/stdout"
  ln -s /proc/self/fd/2 "$root/dev/stderr"
  mount --bind "$cache" "$root/var/cache/apt/archives"
  exec chroot "$root" "$@"'

# in_root FOLDER COMMAND...: runs it as root inside, in a process space of its own that ends with it.
in_root() {
  local folder=$1
  shift
  env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
    TERM="${TERM:-dumb}" CI="${CI:-}" \
    unshare --mount --pid --fork --kill-child bash -c "$IN_ROOT" in_root "$folder" "$CACHE" "$@" </dev/null
}

# clone_into FOLDER: what is committed, and nothing else of this tree.
clone_into() {
  if [ -n "$(git -C "$ROOT" status --porcelain)" ]; then
    echo "uncommitted changes are left out: a clean clone is what somebody else would get"
  fi
  quietly git clone --no-local "$ROOT" "$1/src/trailkeep"
}
