# One network namespace a host, joined by a bridge in a namespace of its own. Sourced, not run.
# shellcheck shell=bash

make_networks() {
  local host bridge
  bridge=$(namespace net)
  ip netns add "$bridge"
  ip -n "$bridge" link set lo up
  ip -n "$bridge" link add bridge0 type bridge forward_delay 0 stp_state 0
  ip -n "$bridge" link set bridge0 up
  for host in "${servers[@]}" "${clients[@]}"; do
    ip netns add "$(namespace "$host")"
    ip -n "$(namespace "$host")" link set lo up
    ip -n "$bridge" link add "$host" mtu 1500 type veth peer name eth0 mtu 1500 netns "$(namespace "$host")"
    ip -n "$bridge" link set "$host" master bridge0 up
    ip -n "$(namespace "$host")" address add "${address[$host]}/16" dev eth0
    ip -n "$(namespace "$host")" link set eth0 up
  done
}

pids_in() { ip netns pids "$(namespace "$1")" 2>/dev/null || true; }

# FUSE mounts whose daemon runs in one of the client namespaces would outlive it as dead mount points.
fuse_mounts() { awk '$3 ~ /^fuse/ && $3 != "fusectl" {print $2}' /proc/self/mounts; }

answers() { timeout -k 1 2 stat -f "$1" >/dev/null 2>&1; }

# Ends every process in the cell's namespaces: clients first and gently, since they may have data to store.
stop_everything() {
  local host pid tries mount
  local -a pids=() mounted=()
  for host in "${clients[@]}"; do mapfile -t -O "${#pids[@]}" pids < <(pids_in "$host"); done
  if [ ${#pids[@]} -gt 0 ]; then
    while read -r mount; do ! answers "$mount" || mounted+=("$mount"); done < <(fuse_mounts)
    kill -TERM "${pids[@]}" 2>/dev/null || true
    for tries in {1..20}; do
      [ -n "$(pids_in client; pids_in client2)" ] || break
      sleep 0.1
    done
  fi
  for tries in {1..50}; do
    pids=()
    for host in "${all_hosts[@]}" net; do mapfile -t -O "${#pids[@]}" pids < <(pids_in "$host"); done
    [ ${#pids[@]} -gt 0 ] || break
    kill -KILL "${pids[@]}" 2>/dev/null || true
    sleep 0.05
  done
  for mount in "${mounted[@]}"; do
    answers "$mount" || umount -l "$mount" 2>/dev/null || true
  done
  for host in "${all_hosts[@]}" net; do
    [ ! -e "/run/netns/$(namespace "$host")" ] || ip netns del "$(namespace "$host")"
  done
  [ ${#pids[@]} = 0 ] || echo "testcell: processes which do not end: ${pids[*]}" >&2
}
