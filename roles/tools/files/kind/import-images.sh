#!/usr/bin/env bash
# import-images.sh ROOT ARCHIVE: put a docker archive's images into the containerd of the file system at ROOT, unpacked.
# Runs in namespaces of its own (unshare --mount --pid --net), so that nothing of it is left when it ends.
set -euo pipefail
root=$1 archive=$2
mount --make-rprivate /
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mkdir -p "$root/run/edgefed"
touch "$root/run/edgefed/images.tar"
mount --bind "$archive" "$root/run/edgefed/images.tar"
in_root() { chroot "$root" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
in_root containerd >"$root/tmp/containerd.log" 2>&1 &
daemon=$!
for _ in $(seq 100); do
  in_root ctr version >/dev/null 2>&1 && break
  kill -0 "$daemon" 2>/dev/null || { cat "$root/tmp/containerd.log" >&2; exit 1; }
  sleep 0.1
done
in_root ctr --namespace=k8s.io images import --label=io.cri-containerd.pinned=pinned /run/edgefed/images.tar
# The layers are unpacked: what they came in would only make each node bigger. Manifests and configurations are small, and stay.
layers=$(in_root ctr --namespace=k8s.io content ls | awk '$2 ~ /MB$/ || $3 ~ /^Mi?B$/ {print $1}')
for digest in $layers; do in_root ctr --namespace=k8s.io content rm "$digest"; done
in_root ctr --namespace=k8s.io images ls -q
kill "$daemon"
wait "$daemon" || true
for digest in $layers; do rm -f "$root/var/lib/containerd/io.containerd.content.v1.content/blobs/sha256/${digest#sha256:}"; done
