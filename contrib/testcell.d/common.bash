# Names, addresses and the few functions which every part of contrib/testcell uses. Sourced, not run.
# shellcheck shell=bash disable=SC2034

cell=test.afsfuse
realm=TEST.AFSFUSE
state=${AFSFUSE_TESTCELL_DIR:-/var/tmp/afsfuse-testcell}
marker=$state/.afsfuse-testcell
lock=/run/lock/afsfuse-testcell.lock
current_step=start
building=no

clients=(client client2)
servers=(fs1 fs2)
all_hosts=(fs1 fs2 client client2)
users=(admin alice bob)
declare -A address=([fs1]=10.248.0.11 [fs2]=10.248.0.12 [client]=10.248.0.101 [client2]=10.248.0.102)
declare -A user_id=([admin]=1 [alice]=1001 [bob]=1002)

namespace() { echo "afsfuse-$1"; }

die() {
  echo "testcell: $*" >&2
  exit 2
}

require_root() {
  [ "$(id -u)" = 0 ] || die "namespaces and mounts need root; try: sudo $0 $command"
}

# One `up` or `down` at a time. The lock file is removed at the end, so whoever waited on a removed one starts again.
take_lock() {
  mkdir -p "${lock%/*}"
  while :; do
    exec {lock_fd}>"$lock"
    flock -w 180 "$lock_fd" || die "another testcell command holds $lock"
    [ "$(stat -c %i "$lock" 2>/dev/null)" = "$(stat -L -c %i "/proc/self/fd/$lock_fd")" ] && return
    exec {lock_fd}>&-
  done
}

release_lock() {
  rm -f "$lock"
  exec {lock_fd}>&-
}

# Whether the process in a pid file lives.
alive() {
  local pid
  pid=$(cat "$1" 2>/dev/null) && [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null
}

# retry SECONDS COMMAND...: until it succeeds. The command must end by itself: AFS tools, which wait for minutes, come
# with timeout(1).
retry() {
  local until=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$until" ] || { echo "gave up: $*"; return 1; }
    sleep 0.3
  done
}

make_state() {
  mkdir -p "$state"
  [ "$(stat -c %u "$state")" = 0 ] || die "$state belongs to another user"
  [ -z "$(ls -A "$state")" ] || die "$state is not empty and not ours; set AFSFUSE_TESTCELL_DIR or remove it"
  chmod 755 "$state"
  touch "$marker"
  mkdir -p "$state/logs"
  echo "${servers[*]}" >"$state/servers"
}

remove_state() {
  [ -e "$marker" ] || return 0
  rm -rf --one-file-system "$state"
}

discard_all_but_logs() {
  find "$state" -mindepth 1 -maxdepth 1 ! -name logs ! -name "${marker##*/}" -exec rm -rf --one-file-system {} +
}

print_environment() {
  local name
  cat <<TEXT
export AFSFUSE_TESTCELL=$(printf %q "$here/testcell")
export AFSFUSE_TESTCELL_DIR=$(printf %q "$state")
export AFSFUSE_TESTCELL_CELL=$cell
export AFSFUSE_TESTCELL_REALM=$realm
export AFSFUSE_TESTCELL_CONFIG=$(printf %q "$state/config")
export AFSFUSE_TESTCELL_KEYTABS=$(printf %q "$state/keytabs")
export AFSFUSE_TESTCELL_LOGS=$(printf %q "$state/logs")
export KRB5_CONFIG=$(printf %q "$state/config/krb5.conf")
TEXT
  for name in "${all_hosts[@]}"; do
    [ -e "/run/netns/$(namespace "$name")" ] || continue
    echo "export AFSFUSE_TESTCELL_${name^^}=${address[$name]}"
    echo "export AFSFUSE_TESTCELL_${name^^}_NETNS=/run/netns/$(namespace "$name")"
    [ ! -e "$state/$name/holder.pid" ] || echo "export AFSFUSE_TESTCELL_${name^^}_PID=$(cat "$state/$name/holder.pid")"
  done
}
