# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The node image of kind clusters, and the images within it, made of Debian packages and built programs where no registry answers.

Steps: a Debian system (kept in the cache); what kind and Kubernetes add to it; the images of the control plane, the network
plug-in, KubeFed and the stand-ins; these imported into the node's containerd; all of it as one compressed archive.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import Callable, Mapping

from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.archive import Image, write_archive, write_layer
from ansible_collections.edgefed.kubefed.plugins.module_utils.kind.commands import run, which
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError

SUITE = "bookworm"
STAND_IN_LABEL = "org.edgefed.stand-in-for"
_AGAIN = "correct what it names, and run again"
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MASQUERADE_PROGRAMS = ("xtables-legacy-multi", "xtables-nft-multi", "nft", "conntrack")
_CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
_NODE_PROGRAMS = {
    "containerd": "usr/local/bin",
    "ctr": "usr/local/bin",
    "containerd-shim-runc-v2": "usr/local/bin",
    "kubelet": "usr/bin",
    "kubeadm": "usr/bin",
    "kubectl": "usr/bin",
}
_CNI = ("host-local", "loopback", "ptp", "portmap", "bridge")


@dataclass(frozen=True)
class Materials:
    """What the image is made of: ``programs`` by name, the role's ``files``, the Debian ``mirror``, the images' names."""

    programs: dict[str, str]
    files: str
    packages: list[str]
    mirror: str
    arch: str
    kubernetes_version: str
    node_name: str
    kubefed_name: str
    net_name: str
    stand_ins: list[str]


@dataclass(frozen=True)
class Workplace:
    """Where it is made: ``base`` is kept for the next time, ``work`` is not; ``say`` begins a step, ``tick`` is called within."""

    base: str
    work: str
    say: Callable[[str], None]
    tick: Callable[[], None]

    def path(self, name: str) -> str:
        return os.path.join(self.work, name)

    @property
    def root(self) -> str:
        """The node's file system."""
        return self.path("root")


STEPS = 5
# What it mounts goes with it, and so does all that it starts, also when it is killed.
_OF_ITS_OWN = (which("unshare") or "unshare", "--mount", "--pid", "--fork", "--kill-child")


def make(materials: Materials, place: Workplace, target: str) -> list[str]:
    """Make the archive ``target``; gives the names of its images."""
    shutil.rmtree(place.work, ignore_errors=True)
    os.makedirs(place.work, mode=0o700)
    try:
        place.say("Debian system")
        _debian(materials, place)
        place.say("Kubernetes and kind's files in it")
        _furnish(materials, place)
        place.say("images within the node image")
        inner = _inner_images(materials, place)
        place.say("import into the node's containerd")
        _import(materials, place, inner)
        place.say("one compressed archive")
        return _pack(materials, place, inner, target)
    finally:
        shutil.rmtree(place.work, ignore_errors=True)


def _debian(materials: Materials, place: Workplace) -> None:
    if not os.path.exists(place.base):
        os.makedirs(os.path.dirname(place.base), exist_ok=True)
        downloads = os.path.join(os.path.dirname(place.base), "packages")
        os.makedirs(downloads, exist_ok=True)
        include = ",".join(materials.packages)
        command = [*_OF_ITS_OWN, "--mount-proc", which("debootstrap") or "debootstrap", "--variant=minbase"]
        command += [f"--cache-dir={downloads}", f"--include={include}"]
        todo = "check the network, the mirror (tools_kind_debian_mirror) and its proxy (http_proxy), and run again"
        run([*command, SUITE, place.root, materials.mirror], "Making a Debian system", todo, tick=place.tick, log=place.path("debian.log"))
        part = f"{place.base}.part"
        run(["tar", "-C", place.root, "--numeric-owner", "-cf", part, "."], "Keeping the Debian system", _AGAIN, tick=place.tick)
        os.rename(part, place.base)
        shutil.rmtree(downloads, ignore_errors=True)
        return
    os.makedirs(place.root)
    run(["tar", "-C", place.root, "--numeric-owner", "-xpf", place.base], "Unpacking the Debian system", _AGAIN, tick=place.tick)


def _furnish(materials: Materials, place: Workplace) -> None:
    root = place.root
    _kinds_files(materials, root)
    for name, folder in _NODE_PROGRAMS.items():
        _install(materials.programs[name], f"{root}/{folder}/{name}", 0o755)
    os.makedirs(f"{root}/opt/cni/bin", exist_ok=True)
    for plugin in _CNI:
        shutil.copy(f"{root}/usr/lib/cni/{plugin}", f"{root}/opt/cni/bin/{plugin}")
    shutil.rmtree(f"{root}/usr/lib/cni")
    _containers_spec(materials, root)
    _write(f"{root}/kind/version", materials.kubernetes_version)
    _own_files(materials, root)
    _slim(root)


def _kinds_files(materials: Materials, root: str) -> None:
    """As in the Dockerfile of kind's base image."""
    for folder in ("etc/systemd/system/kubelet.service.d", "etc/kubernetes/manifests", "etc/cni/net.d", "kind/manifests"):
        os.makedirs(f"{root}/{folder}", exist_ok=True)
    shutil.copytree(materials.programs["kind-files"], root, dirs_exist_ok=True, copy_function=shutil.copyfile)
    shutil.rmtree(f"{root}/LICENSES", ignore_errors=True)
    for folder in ("usr/local/bin", "kind/bin"):
        for name in os.listdir(f"{root}/{folder}"):
            os.chmod(f"{root}/{folder}/{name}", 0o755)
    # Where the lab's user may not raise a process' OOM score, as in many containers and virtual machines.
    _replace(f"{root}/etc/containerd/config.toml", "restrict_oom_score_adj = false", "restrict_oom_score_adj = true")
    units = f"{root}/usr/lib/systemd/system"
    for pattern in (
        f"{units}/multi-user.target.wants/*",
        f"{root}/etc/systemd/system/*.wants/*",
        f"{units}/local-fs.target.wants/*",
        f"{units}/sockets.target.wants/*udev*",
        f"{units}/sockets.target.wants/*initctl*",
        f"{units}/basic.target.wants/*",
        f"{units}/sysinit.target.wants/systemd-tmpfiles-setup.service",
    ):
        run(["sh", "-c", f"rm -f {pattern}"], "Taking out what a node's systemd does not start", _AGAIN)
    with open(f"{root}/etc/systemd/journald.conf", "a", encoding="utf-8") as file:
        file.write("ReadKMsg=no\n")
    if not os.path.lexists(f"{root}/usr/sbin/init"):
        os.symlink("/usr/lib/systemd/systemd", f"{root}/usr/sbin/init")
    _in_root(root, ["systemctl", "enable", "kubelet.service", "containerd.service", "undo-mount-hacks.service"])
    _in_root(root, ["systemctl", "mask", "systemd-binfmt.service"])


def _containers_spec(materials: Materials, root: str) -> None:
    spec = json.loads(run([materials.programs["ctr"], "oci", "spec"], "Asking ctr for its default container", _AGAIN))
    spec.setdefault("hooks", {}).setdefault("createContainer", []).append({"path": "/kind/bin/mount-product-files.sh"})
    spec["process"].pop("rlimits", None)
    _write(f"{root}/etc/containerd/cri-base.json", json.dumps(spec, indent=2))


def _own_files(materials: Materials, root: str) -> None:
    _install(f"{materials.files}/crictl", f"{root}/usr/local/bin/crictl", 0o755)
    _install(f"{materials.files}/edgefed-sysctl.sh", f"{root}/kind/bin/edgefed-sysctl.sh", 0o755)
    _install(f"{materials.files}/12-edgefed.conf", f"{root}/etc/systemd/system/kubelet.service.d/12-edgefed.conf", 0o644)
    os.makedirs(f"{root}/etc/systemd/system/systemd-sysctl.service.d")
    _install(f"{materials.files}/sysctl.conf", f"{root}/etc/systemd/system/systemd-sysctl.service.d/10-edgefed.conf", 0o644)
    for name in ("default-cni.yaml", "default-storage.yaml", "edgefed-dns.yaml"):
        _install(f"{materials.files}/{name}", f"{root}/kind/manifests/{name}", 0o644)


def _slim(root: str) -> None:
    for folder in (
        "var/cache/apt",
        "var/lib/apt/lists",
        "var/cache/debconf",
        "usr/share/doc",
        "usr/share/man",
        "usr/share/locale",
        "var/log",
    ):
        shutil.rmtree(f"{root}/{folder}", ignore_errors=True)
        os.makedirs(f"{root}/{folder}", exist_ok=True)


def _inner_images(materials: Materials, place: Workplace) -> list[Image]:
    """What kubeadm asks for, the network plug-in, KubeFed, and the stand-ins."""
    wanted = _in_root(place.root, ["kubeadm", "config", "images", "list", f"--kubernetes-version={materials.kubernetes_version}"])
    names = {name.split("/")[-1].split(":")[0]: name for name in wanted.split()}
    builder = _Builder(materials, place)
    images = [builder.program(names[name], materials.programs[name], f"usr/local/bin/{name}") for name in _CONTROL_PLANE]
    images += [
        builder.kube_proxy(names["kube-proxy"]),
        builder.program(names["etcd"], materials.programs["etcd"], "usr/local/bin/etcd"),
        builder.program(names["coredns"], materials.programs["coredns"], "coredns"),
        builder.pause(names["pause"]),
        builder.program(materials.net_name, materials.programs["net"], "net"),
        builder.kubefed(),
    ]
    return images + [builder.stand_in(name) for name in materials.stand_ins]


class _Builder:
    def __init__(self, materials: Materials, place: Workplace) -> None:
        self._materials = materials
        self._place = place

    def _layer(self, name: str, files: dict[str, str], links: dict[str, str] | None = None, folders: tuple[str, ...] = ("tmp",)) -> str:
        path = self._place.path(f"layer-{re.sub('[^a-z0-9]+', '-', name)}.tar")
        self._place.tick()
        write_layer(path, files, links or {}, folders)
        return path

    def program(self, name: str, source: str, member: str) -> Image:
        """An image of one static program and the certificates that it may need."""
        certificates = {"etc/ssl/certs/ca-certificates.crt": f"{self._place.root}/etc/ssl/certs/ca-certificates.crt"}
        return self._image((name,), self._layer(name, {member: source, **certificates}), {"Entrypoint": [f"/{member}"]})

    def pause(self, name: str) -> Image:
        sandbox = _sandbox(f"{self._place.root}/etc/containerd/config.toml")
        layer = self._layer(name, {"pause": self._materials.programs["pause"]}, folders=())
        return self._image(tuple(dict.fromkeys((name, sandbox))), layer, {"Entrypoint": ["/pause"], "User": "65535:65535"})

    def kubefed(self) -> Image:
        """One program under three names, as in upstream's image."""
        links = {f"hyperfed/{name}": "hyperfed" for name in ("controller-manager", "webhook", "kubefedctl")}
        layer = self._layer(self._materials.kubefed_name, {"hyperfed/hyperfed": self._materials.programs["kubefed"]}, links)
        return self._image((self._materials.kubefed_name,), layer, {"User": "1001", "Entrypoint": ["/hyperfed/controller-manager"]})

    def stand_in(self, name: str) -> Image:
        """Our web server under another image's name; label and page say what it is."""
        config = {
            "Entrypoint": ["/web"],
            "Env": [_PATH, f"EDGEFED_STAND_IN_FOR={name.removeprefix('docker.io/library/')}"],
            "ExposedPorts": {"80/tcp": {}},
            "StopSignal": "SIGQUIT",
            "Labels": {STAND_IN_LABEL: name},
        }
        return self._image((name,), self._layer("web", {"web": self._materials.programs["web"]}), config)

    def kube_proxy(self, name: str) -> Image:
        """The program with iptables (legacy, which the node's entrypoint selects, and nft) and every library of its plug-ins."""
        root = self._place.root
        libraries = "usr/lib/" + os.path.basename(os.path.dirname(_one(f"{root}/usr/lib", "*-linux-gnu/xtables")))
        plugins = [
            f"{libraries}/xtables/{plugin}" for plugin in sorted(os.listdir(f"{root}/{libraries}/xtables")) if plugin.endswith(".so")
        ]
        programs = [f"usr/sbin/{program}" for program in _MASQUERADE_PROGRAMS]
        needed = _libraries(root, [*programs, *plugins])
        files = {member: f"{root}/{member}" for member in [*programs, *plugins, *needed, "etc/protocols", "etc/services"]}
        files = {member: path for member, path in files.items() if os.path.exists(path)}
        files |= {"usr/local/bin/kube-proxy": self._materials.programs["kube-proxy"], "usr/bin/sh": f"{root}/usr/bin/dash"}
        names = [f"ip{six}tables{what}" for six in ("", "6") for what in ("", "-save", "-restore")]
        links = {f"usr/sbin/{link}": "xtables-legacy-multi" for link in names}
        links |= {"sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64", "bin": "usr/bin"}
        layer = self._layer(name, files, links, ("tmp", "run", "var/lib", "usr/lib64"))
        return self._image((name,), layer, {"Entrypoint": ["/usr/local/bin/kube-proxy"]})

    def _image(self, tags: tuple[str, ...], layer: str, config: Mapping[str, object]) -> Image:
        return Image(tags, layer, self._materials.arch, {"Env": [_PATH], **config})


def _libraries(root: str, members: list[str]) -> list[str]:
    """The shared libraries of these files, as names within ``root`` by real folder (``usr/lib/…``)."""
    said = _in_root(root, ["sh", "-c", "ldd " + " ".join(f"/{member}" for member in members)])
    found = sorted(set(re.findall(r"(/lib\S+)", said)) - {f"/{member}:" for member in members})
    return [f"usr{path}" for path in found if not path.endswith(":")]


def _sandbox(config: str) -> str:
    """The image that the node's containerd holds a pod's namespaces with."""
    with open(config, encoding="utf-8") as file:
        found = re.search(r'sandbox_image\s*=\s*"([^"]+)"', file.read())
    if found is None:
        raise EdgefedError(
            "kind's containerd configuration names no sandbox_image. Next: use the kind version of the version table.", code="kind"
        )
    return found.group(1)


def _import(materials: Materials, place: Workplace, images: list[Image]) -> None:
    archive = place.path("inner.tar")
    with open(archive, "wb") as file:
        write_archive(file, images)
    script = f"{materials.files}/import-images.sh"
    command = [*_OF_ITS_OWN, "--net", "bash", script, place.root, archive]
    run(command, "Importing images into the node's containerd", _AGAIN, tick=place.tick, log=place.path("import.log"))
    os.unlink(archive)


def _pack(materials: Materials, place: Workplace, inner: list[Image], target: str) -> list[str]:
    layer = place.path("node.tar")
    command = ["tar", "-C", place.root, "--numeric-owner", "--sort=name", "--one-file-system", "-cf", layer, "."]
    run(command, "Packing the node's file system", _AGAIN, tick=place.tick)
    shutil.rmtree(place.root)
    node = Image(
        (materials.node_name,),
        layer,
        materials.arch,
        {"Env": ["container=docker", _PATH], "StopSignal": "SIGRTMIN+3", "Entrypoint": ["/usr/local/bin/entrypoint", "/sbin/init"]},
    )
    # Those that a user may want to load again into a node; the others can only be had within the node image.
    loose = [image for image in inner if image.tags[0] in (materials.kubefed_name, *materials.stand_ins)]
    part = f"{target}.part"
    zstd = subprocess.Popen([which("zstd") or "zstd", "-q", "-T0", "-6", "-f", "-o", part], stdin=subprocess.PIPE)
    try:
        if zstd.stdin is None:
            raise EdgefedError("zstd takes no input. Next: run again.", code="cannot_run")
        with zstd.stdin as stream:
            write_archive(stream, [node, *loose])
        zstd.wait()
    finally:
        if zstd.poll() is None:
            zstd.kill()
            zstd.wait()
    if zstd.returncode:
        raise EdgefedError(f"Compressing the node image failed ({zstd.returncode}). Next: see that the disk is not full.", code="command")
    os.rename(part, target)
    return [tag for image in [node, *loose] for tag in image.tags]


def _in_root(root: str, command: list[str]) -> str:
    chroot = [which("chroot") or "chroot", root, "/usr/bin/env", "-i", _PATH, *command]
    return run(chroot, f"Running {command[0]} in the node's file system", _AGAIN)


def _install(source: str, target: str, mode: int) -> None:
    shutil.copyfile(source, target)
    os.chmod(target, mode)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _replace(path: str, old: str, new: str) -> None:
    with open(path, encoding="utf-8") as file:
        content = file.read()
    _write(path, content.replace(old, new))


def _one(folder: str, pattern: str) -> str:
    head, _dummy, tail = pattern.partition("/")
    for name in sorted(os.listdir(folder)):
        if re.fullmatch(head.replace("*", ".*"), name) and os.path.isdir(f"{folder}/{name}/{tail}"):
            return f"{folder}/{name}/{tail}"
    raise EdgefedError(f"The Debian system has no {folder}/{pattern}. Next: remove the cached one, and run again.", code="kind")
