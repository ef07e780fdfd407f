# The realm: configuration, database, principals, keytabs, and the KDC itself, which runs on fs1. Sourced, not run.
# shellcheck shell=bash

write_krb5_configuration() {
  mkdir -p "$state/config" "$state/keytabs" "$state/kdc"
  cat >"$state/config/krb5.conf" <<TEXT
[libdefaults]
  default_realm = $realm
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  udp_preference_limit = 1400
[realms]
  $realm = {
    kdc = ${address[fs1]}
    admin_server = ${address[fs1]}
  }
[domain_realm]
  $cell = $realm
  .$cell = $realm
[logging]
  kdc = FILE:$state/logs/krb5kdc.log
TEXT
  cat >"$state/kdc/kdc.conf" <<TEXT
[kdcdefaults]
  kdc_listen = 88
  kdc_tcp_listen = 88
[realms]
  $realm = {
    database_name = $state/kdc/principal
    key_stash_file = $state/kdc/stash
    acl_file = $state/kdc/kadm5.acl
    max_life = 25h
    max_renewable_life = 7d
    master_key_type = aes256-cts-hmac-sha1-96
    supported_enctypes = aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal
    default_principal_flags = +preauth
  }
TEXT
}

# The KDC's tools and daemon see the cell's configuration only.
with_realm() { env KRB5_CONFIG="$state/config/krb5.conf" KRB5_KDC_PROFILE="$state/kdc/kdc.conf" "$@"; }

start_kdc() {
  local user
  write_krb5_configuration
  with_realm timeout 20 kdb5_util -P "$RANDOM$RANDOM$RANDOM" create -s -r "$realm"
  {
    echo "addprinc -randkey afs/$cell"
    echo "ktadd -norandkey -k $state/kdc/afs.keytab afs/$cell"
    for user in "${users[@]}"; do
      echo "addprinc -pw $user $user"
      echo "ktadd -norandkey -k $state/keytabs/$user.keytab $user"
    done
  } | with_realm timeout 20 kadmin.local -r "$realm"
  chmod 644 "$state"/keytabs/*.keytab
  # With exec no shell of ours stays: it would hold our output open.
  exec_in_server fs1 env KRB5_CONFIG="$state/config/krb5.conf" KRB5_KDC_PROFILE="$state/kdc/kdc.conf" \
    setsid krb5kdc -n -r "$realm" -P "$state/kdc.pid" </dev/null >>"$state/logs/krb5kdc.out" 2>&1 {lock_fd}>&- &
  disown
  retry 10 kdc_answers
}

kdc_answers() {
  alive "$state/kdc.pid" && with_realm nsenter --net="/run/netns/$(namespace client)" -- \
    timeout 5 kinit -c "FILE:$state/kdc/probe" -k -t "$state/keytabs/admin.keytab" admin
}
