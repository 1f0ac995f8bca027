# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is done to have a control plane, or none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane import plan
from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane.plan import Current, Desired, Step
from ansible_collections.edgefed.kubefed.plugins.module_utils.control_plane.release import Release

NS = "kube-federation-system"
VALUES = {"controllermanager": {"controller": {"tag": "v0.10.0"}}}
WEBHOOKS = ("mutation.core.kubefed.io", "validations.core.kubefed.io")
CONFIG = {
    "metadata": {"namespace": NS, "annotations": {"meta.helm.sh/release-name": "kubefed", "meta.helm.sh/release-namespace": NS}},
    "spec": {"scope": "Cluster"},
}
RELEASE = Release("kubefed", NS, 1, "deployed", "kubefed-0.0.6", "0.10.0", VALUES, runs_pods=False, record="r1")
WISH = Desired(where="cluster local", namespace=NS, version="0.10.0", values=VALUES)
EMPTY = Current(crds_missing=("kubefedconfigs.core.kubefed.io",))
THERE = Current(namespace_there=True, namespace_ours=True, releases=[RELEASE], config=CONFIG, webhooks=WEBHOOKS)
IMAGES = {"kubefed-controller-manager": "0.10.0", "kubefed-admission-webhook": "0.10.0"}
UNNAMED = replace(EMPTY, namespace_there=True, namespace_named=False)
PODS = replace(THERE, releases=[replace(RELEASE, runs_pods=True)], deployments=IMAGES)


def test_nothing_to_do() -> None:
    """What is there is what is asked for: no chart, no steps, no diff."""
    for current in (THERE, PODS):
        found = plan.plan_present(current, WISH)
        assert not found.changed
        assert (found.chart, found.steps, found.before, found.after) == ("none", (), {}, {})


def test_install_on_an_empty_cluster() -> None:
    """The namespace first."""
    found = plan.plan_present(EMPTY, WISH)
    assert (found.chart, found.steps) == ("install", (Step("create_namespace", NS),))
    assert found.before["release"] is None and found.after["release"]["values"] == VALUES


@pytest.mark.parametrize(
    ("current", "puts"),
    [
        (EMPTY, True),
        (replace(PODS, config=None), True),
        # A controller manager made it, while a Helm that was cut off, or that failed over it, had not.
        (replace(PODS, config={**CONFIG, "metadata": {"namespace": NS}}, releases=[replace(RELEASE, status="failed")]), True),
        (replace(PODS, releases=[replace(RELEASE, status="failed")]), False),
        (PODS, False),
    ],
)
def test_config_comes_before_the_controller_manager(current: Current, puts: bool) -> None:
    """Helm makes the Deployments first; a controller manager that finds no KubeFedConfig makes one that Helm does not take."""
    wish = replace(WISH, config=CONFIG)
    steps = plan.plan_present(current, wish).steps
    assert (Step("put_config", plan.CONFIG) in steps) is puts
    assert Step("put_config", plan.CONFIG) not in plan.plan_present(current, WISH).steps, "processes start after the chart"


def test_completed_after_the_chart() -> None:
    """The second call restarts a webhook whose pods still have the certificate of before."""
    assert not plan.plan_present(PODS, WISH, chart_done=True).changed
    older = replace(PODS, older_pods=(plan.WEBHOOK, plan.CONTROLLER))
    assert plan.plan_present(older, WISH, chart_done=True).steps == (Step("restart", plan.WEBHOOK),)


@pytest.mark.parametrize("status", ["pending-install", "pending-upgrade", "pending-rollback", "failed", "uninstalling", "unknown"])
def test_cut_off_release_is_installed_afresh(status: str) -> None:
    """Helm's records go, and the webhook configurations, which could block the adoption of what is there."""
    current = replace(THERE, releases=[RELEASE, replace(RELEASE, revision=2, status=status, record="r2")])
    found = plan.plan_present(current, WISH)
    assert found.chart == "install"
    assert found.steps == (
        Step("drop_superseded", "kubefed"),
        Step("drop_record", "r1"),
        Step("drop_record", "r2"),
        Step("delete_webhook", WEBHOOKS[0]),
        Step("delete_webhook", WEBHOOKS[1]),
    )
    assert status in found.reasons[0]


@pytest.mark.parametrize(
    ("current", "lost"),
    [
        (replace(THERE, crds_missing=("kubefedclusters.core.kubefed.io",)), "CRD kubefedclusters.core.kubefed.io"),
        (replace(THERE, config=None), 'KubeFedConfig "kubefed"'),
        (replace(THERE, webhooks=WEBHOOKS[:1]), "webhook configuration validations.core.kubefed.io"),
        (replace(PODS, deployments={plan.CONTROLLER: "0.10.0"}), "Deployment kubefed-admission-webhook"),
    ],
)
def test_lost_parts_come_back(current: Current, lost: str) -> None:
    """An upgrade would not bring CRDs back; an install does, and adopts the rest."""
    found = plan.plan_present(current, WISH)
    assert found.chart == "install"
    assert lost in found.reasons[0]
    assert Step("drop_record", "r1") in found.steps


def test_values_that_differ_are_an_upgrade() -> None:
    """Shown in the diff, secrets veiled."""
    wish = replace(WISH, values={**VALUES, "controllermanager": {"controller": {"tag": "v0.10.0", "env": {"PROXY_PASSWORD": "hunter2"}}}})
    found = plan.plan_present(THERE, wish)
    assert (found.chart, found.steps, found.reasons) == ("upgrade", (), ("values differ",))
    assert "hunter2" not in repr(found.after)
    assert found.after["release"]["values"]["controllermanager"]["controller"]["env"] == {"PROXY_PASSWORD": "VALUE_HIDDEN"}


FOREIGN = {**CONFIG, "metadata": {"namespace": NS}}
THEIRS = {**CONFIG, "metadata": {"namespace": NS, "annotations": {"meta.helm.sh/release-name": "kf", "meta.helm.sh/release-namespace": NS}}}


@pytest.mark.parametrize(
    ("current", "wish", "code", "says"),
    [
        (
            replace(THERE, releases=[replace(RELEASE, version="0.9.2")]),
            WISH,
            "other_version",
            ("0.9.2", "0.10.0", "kubefed_version: 0.9.2"),
        ),
        (replace(PODS, deployments={plan.CONTROLLER: "0.9.1"}), WISH, "other_version", ("0.9.1", "teardown.yml")),
        (
            replace(THERE, releases=[replace(RELEASE, version="0.9.2", status="failed")]),
            WISH,
            "other_version",
            ("0.9.2",),
        ),
        (THERE, replace(WISH, scope="Namespaced"), "other_scope", ("scope Cluster", "kubefed_scope: Cluster")),
        (UNNAMED, replace(WISH, scope="Namespaced"), "namespace_label", (f"kubectl label namespace {NS} name={NS} --overwrite",)),
        (replace(THERE, releases=[], config=FOREIGN), WISH, "foreign", ("without Helm", "of unknown version")),
        (replace(THERE, releases=[], config=THEIRS), WISH, "foreign", ('release "kf"', "kubefed_release_name: kf")),
        (replace(EMPTY, elsewhere={"fed": "Cluster"}), WISH, "other_control_plane", ("federation_namespace: fed",)),
        (replace(EMPTY, elsewhere={"fed": "Namespaced"}), WISH, "other_control_plane", ("fed",)),
        (
            EMPTY,
            replace(WISH, values={"controllermanager": {"clusterHealthCheckPeriod": "3s"}}),
            "settings_in_values",
            ("controllermanager.clusterHealthCheckPeriod", "kubefed_settings.cluster_health_check.period"),
        ),
    ],
)
def test_objections(current: Current, wish: Desired, code: str, says: tuple[str, ...]) -> None:
    """What is not ours, or another version, is reported and left alone."""
    found = plan.objection(current, wish)
    assert found is not None and found.code == code
    assert "Next:" in found.message
    for word in says:
        assert word in found.message


@pytest.mark.parametrize(
    ("current", "wish"),
    [
        (EMPTY, WISH),
        (THERE, WISH),
        (PODS, WISH),
        (replace(THERE, releases=[]), WISH),
        (UNNAMED, WISH),
        (replace(EMPTY, namespace_named=False), replace(WISH, scope="Namespaced")),
        (replace(EMPTY, elsewhere={"fed": "Namespaced"}), replace(WISH, scope="Namespaced")),
        (
            replace(THERE, releases=[replace(RELEASE, version="0.10.0-ours")]),
            replace(WISH, values={"controllermanager": {"controller": {"tag": "v0.10.0-ours"}}}),
        ),
    ],
)
def test_no_objection(current: Current, wish: Desired) -> None:
    """Ours, nothing, what a cut-off install of ours left, one beside another namespaced one, an image of one's own."""
    assert plan.objection(current, wish) is None


CRDS = ("federateddeployments.types.kubefed.io", "kubefedclusters.core.kubefed.io")
LEAVING = replace(THERE, crds=CRDS, lock_there=True)


@pytest.mark.parametrize(
    ("current", "wish", "code", "says"),
    [
        (replace(LEAVING, clusters=("cddev", "zj")), WISH, "joined", ("cddev, zj", "unjoin.yml")),
        (replace(LEAVING, federated={CRDS[0]: 2}), WISH, "federated_objects", ("2 federateddeployments", "kubefed_purge: true")),
        (replace(LEAVING, federated={CRDS[0]: 2}, clusters=("zj",)), WISH, "federated_objects", ("while the members are joined",)),
        (replace(LEAVING, federated={CRDS[0]: 2}, clusters=("zj",)), replace(WISH, purge=True), "joined", ("zj",)),
        (replace(LEAVING, crds_missing=CRDS[1:]), WISH, "crds_missing", (CRDS[1], "control_plane.yml")),
        (replace(LEAVING, releases=[], config=FOREIGN), WISH, "foreign", ("without Helm",)),
    ],
)
def test_absent_objections(current: Current, wish: Desired, code: str, says: tuple[str, ...]) -> None:
    """Nothing is removed that somebody still uses."""
    found = plan.absent_objection(current, wish)
    assert found is not None and found.code == code
    for word in says:
        assert word in found.message


def test_absent_in_two_parts() -> None:
    """Webhooks before the chart; objects, CRDs and the namespace after it."""
    first = plan.plan_absent(LEAVING, WISH)
    assert first.chart == "uninstall"
    assert first.steps == (Step("delete_webhook", WEBHOOKS[0]), Step("delete_webhook", WEBHOOKS[1]))
    second = plan.plan_absent(replace(LEAVING, releases=[], webhooks=()), WISH, chart_done=True)
    assert second.chart == "none"
    assert [step.verb for step in second.steps] == ["release_objects"] * 2 + ["delete_crd"] * 2 + ["delete_namespace"]


def test_absent_keeps_what_is_not_ours() -> None:
    """A namespace that was there before stays, without KubeFed's lock; CRDs stay for another control plane."""
    theirs = replace(LEAVING, releases=[], webhooks=(), config=None, namespace_ours=False)
    assert plan.plan_absent(theirs, WISH).steps[-1] == Step("delete_lock")
    shared = replace(theirs, elsewhere={"fed": "Namespaced"}, federated={CRDS[0]: 3})
    assert plan.absent_objection(shared, WISH) is None
    assert plan.plan_absent(shared, WISH).steps == (Step("delete_lock"),)


def test_absent_again() -> None:
    """Nothing there, nothing done."""
    assert plan.absent_objection(EMPTY, WISH) is None
    assert not plan.plan_absent(EMPTY, WISH).changed
    assert not plan.plan_absent(replace(EMPTY, namespace_there=True), WISH).changed


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        ("Cluster", {"mutation.core.kubefed.io", "validations.core.kubefed.io"}),
        ("Namespaced", {"mutation.core.kubefed.io-fed", "validations.core.kubefed.io-fed"}),
    ],
)
def test_webhook_names(scope: str, names: set[str]) -> None:
    """As the chart names them."""
    assert set(plan.webhook_names(scope, "fed")) == names
