# The OpenAFS servers: their file systems, configuration and processes. Sourced, not run.
# shellcheck shell=bash

write_hosts() {
  local host
  echo "127.0.0.1 localhost"
  for host in "${all_hosts[@]}"; do echo "${address[$host]} $host.$cell $host"; done
}

# One process per server holds its mount and host name namespaces open; commands and daemons enter them.
make_server_roots() {
  local host
  write_hosts >"$state/hosts"
  for host in "${servers[@]}"; do
    mkdir -p "$state/$host"/{root,etc-openafs/server,var-lib-openafs/{db,local},vicepa} "$state/logs/$host"
    chmod 700 "$state/$host/var-lib-openafs"/{db,local} "$state/$host/vicepa"
    nsenter --net="/run/netns/$(namespace "$host")" -- setsid unshare --mount --uts --propagation private -- \
      "$parts/server-root" "$state" "$host" "$host.$cell" </dev/null {lock_fd}>&- &
    disown
  done
  for host in "${servers[@]}"; do retry 5 alive "$state/$host/holder.pid"; done
}

# in_server HOST COMMAND...
in_server() {
  local host=$1
  shift
  nsenter -t "$(cat "$state/$host/holder.pid")" --mount --uts --net -- "$@"
}

# The same instead of the shell that calls it. Behind `&` none of ours stays then, which would hold our output open, and
# let whoever reads it through a pipe wait for the cell's end.
exec_in_server() {
  local host=$1
  shift
  exec nsenter -t "$(cat "$state/$host/holder.pid")" --mount --uts --net -- "$@"
}

write_cellservdb() { printf '>%s\t#test cell of afsfuse\n%s\t#fs1.%s\n' $cell "${address[fs1]}" $cell; }

configure_clients() {
  write_cellservdb >"$state/config/CellServDB"
  echo $cell >"$state/config/ThisCell"
}

# The database servers, on fs1 only: with one of them an election takes seconds instead of a minute.
write_bosconfig() {
  echo "restrictmode 0"
  echo "restarttime 16 0 0 0 0"
  echo "checkbintime 16 0 0 0 0"
  if [ "$1" = fs1 ]; then
    printf 'bnode simple %s 1\nparm /usr/lib/openafs/%s\nend\n' ptserver ptserver vlserver vlserver
  fi
}

configure_servers() {
  local host folder kvno type
  for host in "${servers[@]}"; do
    folder=$state/$host/etc-openafs
    write_cellservdb >"$folder/CellServDB"
    echo $cell >"$folder/ThisCell"
    cp "$folder/CellServDB" "$folder/ThisCell" "$folder/server/"
    echo admin >"$folder/server/UserList"
    write_bosconfig "$host" >"$folder/BosConfig"
    echo "${address[$host]}" >"$state/$host/var-lib-openafs/local/NetInfo"
  done
  kvno=$(with_realm klist -k "$state/kdc/afs.keytab" | awk '/afs\// {print $1; exit}')
  for type in 18 17; do
    in_server fs1 timeout 10 asetkey add rxkad_krb5 "$kvno" $type "$state/kdc/afs.keytab" "afs/$cell@$realm"
  done
  for host in "${servers[@]:1}"; do
    cp -p "$state"/fs1/etc-openafs/server/KeyFileExt "$state/$host/etc-openafs/server/"
  done
}

start_bosserver() {
  exec_in_server "$1" bash -c 'echo $$ >"$1"; exec setsid bosserver -nofork' - "$state/$1/bosserver.pid" \
    </dev/null >>"$state/logs/$1/bosserver.out" 2>&1 {lock_fd}>&- &
  disown
  retry 10 in_server "$1" timeout 8 bos status "${address[$1]}" -localauth
}

# File servers start when the databases have elected: one which finds no quorum waits 30 s before it asks again. The
# options are those which Debian's documentation proposes for a file server of moderate size.
start_servers() {
  local host lib=/usr/lib/openafs
  for host in "${servers[@]}"; do start_bosserver "$host"; done
  retry 40 in_server fs1 timeout 8 pts listentries -localauth -groups
  retry 40 in_server fs1 timeout 8 vos listvldb -localauth -noresolve -quiet
  for host in "${servers[@]}"; do
    in_server fs1 timeout 20 bos create "${address[$host]}" dafs dafs -localauth -cmd \
      "$lib/dafileserver -p 23 -busyat 600 -rxpck 400 -s 1200 -l 1200 -cb 65535 -b 240 -vc 1200" \
      "$lib/davolserver -p 16" "$lib/salvageserver" "$lib/dasalvager"
  done
  for host in "${servers[@]}"; do
    retry 40 in_server fs1 timeout 8 vos partinfo "${address[$host]}" a -localauth -noresolve
  done
}

create_users() {
  local user
  for user in "${users[@]}"; do
    in_server fs1 timeout 10 pts createuser "$user" -id "${user_id[$user]}" -localauth
  done
  in_server fs1 timeout 10 pts adduser admin system:administrators -localauth
}
