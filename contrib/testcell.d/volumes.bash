# The volumes and what is in them from the start. Sourced, not run.
# shellcheck shell=bash

vos() { in_server fs1 timeout 60 vos "$@" -localauth; }

# volume SERVER NAME VOLDUMP-OPTIONS...: a read-write volume with that content, its backup volume excepted.
volume() {
  local server=$1 name=$2
  shift 2
  "$parts/voldump.py" write --name "$name" "$@" >"$state/$name.dump"
  vos restore -server "${address[$server]}" -partition a -name "$name" -file "$state/$name.dump" -noresolve
  rm "$state/$name.dump"
}

# Read-only replicas on every server; a release takes 5 s, most of it waiting, so all go at once.
replicate() {
  local name host pid
  local -a releases=()
  for name in "$@"; do
    for host in "${servers[@]}"; do
      vos addsite -server "${address[$host]}" -partition a -id "$name" -noresolve
    done
    vos release "$name" -noresolve &
    releases+=($!)
  done
  for pid in "${releases[@]}"; do wait "$pid"; done
}

create_volumes() {
  local last=${servers[-1]} readers=(--acl system:anyuser=rl) everyone=(--acl system:anyuser=all) name
  local -a mounts=()
  for name in open open2 proj readonly alice bob odd; do
    mounts+=(--mount "$name=#$name." --mount ".$name=%$name.")
  done
  volume fs1 root.afs "${readers[@]}" --mount "$cell=#$cell:root.cell." --mount ".$cell=%$cell:root.cell."
  volume fs1 root.cell "${readers[@]}" --file "README=The test cell of afsfuse" "${mounts[@]}"
  volume fs1 open "${everyone[@]}"
  volume "$last" open2 "${everyone[@]}"
  volume fs1 proj --quota 5000 "${everyone[@]}"
  volume "$last" readonly "${readers[@]}" --file "README=replicated" --file "docs/manual=read it" \
    --directory empty --symlink "latest=docs/manual"
  volume fs1 alice --owner "${user_id[alice]}" --acl "${user_id[alice]}=all"
  volume "$last" bob --owner "${user_id[bob]}" --acl "${user_id[bob]}=all"
  volume fs1 odd "${readers[@]}" --mount "no-volume=#no.such.volume." --mount "no-cell=#no.such.cell:root.cell." \
    --mount "explicit=#$cell:open." --mount "replica=#readonly.readonly." --mount "backup=#readonly.backup." \
    --mount "loop=#odd." --symlink "absolute=/etc/hostname" --symlink "relative=../open/x" --symlink "dangling=nowhere"
  replicate root.afs root.cell readonly
  vos backup readonly
}

# `vos listvldb`, one line a volume: name and sites.
volume_lines() {
  awk '/^[^ ]/ {name = $1} /server .* partition/ {sites[name] = sites[name] " " $2 "(" $5 ")"; if (!seen[name]++) order[++n] = name}
    END {for (i = 1; i <= n; i++) printf "volume %-10s%s\n", order[i], sites[order[i]]}'
}
