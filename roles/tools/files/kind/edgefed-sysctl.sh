#!/usr/bin/env bash
# The kubelet writes these settings, which have no namespace: they are the machine's. It is shown files that already hold the
# values that it wants, so that the machine keeps its own.
set -eu
mkdir -p /run/edgefed-sysctl
while read -r path value; do
  [ -e "/proc/sys/$path" ] || continue
  findmnt -n "/proc/sys/$path" >/dev/null && continue
  file="/run/edgefed-sysctl/${path//\//_}"
  echo "$value" > "$file"
  mount --bind "$file" "/proc/sys/$path" || true
done <<END
vm/overcommit_memory 1
vm/panic_on_oom 0
kernel/panic 10
kernel/panic_on_oops 1
kernel/keys/root_maxkeys 1000000
kernel/keys/root_maxbytes 25000000
END
