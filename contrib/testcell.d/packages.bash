# What must be installed, and how `up --install` does it without starting or configuring any service. Sourced, not run.
# shellcheck shell=bash

packages=(openafs-fileserver openafs-dbserver openafs-client openafs-krb5 krb5-kdc krb5-admin-server krb5-user iproute2
  python3 procps util-linux)
services=(openafs-client openafs-fileserver krb5-kdc krb5-admin-server)
installation= # the folder of an installation under way

missing_packages() {
  local name
  for name in "${packages[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || echo "$name"
  done
}

require_packages() {
  local -a missing
  mapfile -t missing < <(missing_packages)
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$1" = yes ]; then
    install_packages "${missing[@]}"
  else
    die "missing packages: ${missing[*]}
testcell: run '$0 up --install', which starts no service, or:
  apt-get install --no-install-recommends ${missing[*]}"
  fi
}

# Answers to the questions of packages which are not installed yet; an existing installation keeps its own.
preseed() {
  case " $* " in
    *" openafs-client "*)
      echo "openafs-client openafs-client/thiscell string test.afsfuse"
      echo "openafs-client openafs-client/cachesize string 50000"
      echo "openafs-client openafs-client/run-client boolean false"
      ;;
  esac
  if [ ! -e /etc/krb5.conf ]; then
    echo "krb5-config krb5-config/default_realm string LOCALDOMAIN"
    echo "krb5-config krb5-config/add_servers boolean false"
  fi
}

# apt_get POLICY ARGUMENTS...: apt-get in a mount namespace where POLICY lies over policy-rc.d, which forbids all
# service starts.
apt_get() {
  local policy=$1
  shift
  # shellcheck disable=SC2016
  DEBIAN_FRONTEND=noninteractive unshare --mount bash -c \
    'mount --bind "$1" /usr/sbin/policy-rc.d && shift && exec timeout 400 apt-get -qq -o DPkg::Lock::Timeout=120 "$@"' \
    - "$policy" "$@" </dev/null
}

install_packages() {
  local service
  local -a missing=("$@") install
  install=(install -y --no-install-recommends "${missing[@]}")
  echo "testcell: installing ${missing[*]}"
  begin_installation
  for service in "${services[@]}"; do
    [ -e "/lib/systemd/system/$service.service" ] || echo "$service" >>"$installation/new-services"
  done
  preseed "${missing[@]}" | debconf-set-selections
  { apt_get "$installation/policy" "${install[@]}" \
    || { apt_get "$installation/policy" update && apt_get "$installation/policy" "${install[@]}"; }; } \
      >"$installation/log" 2>&1 \
    || { tail -n 30 "$installation/log" >&2; die "apt-get could not install: ${missing[*]}"; }
  # The packages enable their services for the next boot; an empty cell server or KDC has no use there.
  if [ -s "$installation/new-services" ] && command -v systemctl >/dev/null; then
    xargs systemctl disable --quiet <"$installation/new-services" >/dev/null 2>&1 || true
  fi
  end_installation
}

begin_installation() {
  installation=$(mktemp -d)
  printf '#!/bin/sh\nexit 101\n' >"$installation/policy"
  chmod 755 "$installation/policy"
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    touch "$installation/policy-is-ours"
    cp -p "$installation/policy" /usr/sbin/policy-rc.d
  fi
}

end_installation() {
  [ -n "$installation" ] || return 0
  [ ! -e "$installation/policy-is-ours" ] || rm -f /usr/sbin/policy-rc.d
  rm -rf "$installation"
  installation=
}
