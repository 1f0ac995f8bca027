# make demo | test | down | lint: everything else is a part of these. Set-up happens by itself.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:
.DEFAULT_GOAL := help

VENV := .venv
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,$(if $(shell $(name) -c 'import sys; sys.version_info >= (3, 11) and print("good")' 2>/dev/null),$(name))))
CACHE := .cache
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
export ANSIBLE_HOME := $(CURDIR)/$(CACHE)/ansible
export ANSIBLE_FORCE_COLOR ?= $(if $(MAKE_TERMOUT),1,0)
export PYTHONDONTWRITEBYTECODE := 1
# Long work is watched also through a pipe, as in CI.
export PYTHONUNBUFFERED := 1
# Ansible refuses a locale that is not UTF-8, and bare machines often have none.
export LC_ALL := C.UTF-8
INVENTORY ?= inventories/lab
# What makes the lab's clusters: embedded, or kind.
LAB_DRIVER ?= embedded
PLAYBOOK := ansible-playbook -i $(INVENTORY) -e tools_link_dir=$(CURDIR)/$(VENV)/bin
comma := ,
STEP = @printf '\n==> %s (%s s since start)\n' "$(1)" "$$(( $$(date +%s) - $(STARTED) ))"
STARTED := $(shell date +%s)

.PHONY: help
help:
	@echo 'make demo   the article, live: three clusters, KubeFed, joined, resources propagated, verified, a name in DNS'
	@echo '           LAB_DRIVER=kind: on kind clusters, with real nodes, pods and packets'
	@echo 'make down   remove every lab cluster, process and file it made'
	@echo 'make test   all tests (what CI runs)'
	@echo 'make lint   only lint;  make unit   only unit tests;  make kind   only the tests on kind clusters'
	@echo 'make faults every request spoiled, whole: docs/reliability.md;  make bench   measured on the lab of make demo'

$(VENV)/.user: requirements.lock
	@if [ -z "$(PYTHON)" ]; then echo 'edgefed needs Python 3.11 or later, and found none. Install one, for example: apt-get install python3 python3-venv' >&2; exit 1; fi
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo 'This Python cannot make virtual environments. Install what is missing, for example: apt-get install python3-venv' >&2; exit 1; }
	@echo '==> Python environment in $(VENV)'
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@touch $@

$(VENV)/.test: $(VENV)/.user test-requirements.lock
	@echo '==> Python packages of the tests'
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r test-requirements.lock
	@touch $@

$(VENV)-2.18/.test: test-requirements-2.18.lock
	@echo '==> Python environment with ansible-core 2.18'
	@test -x $(VENV)-2.18/bin/python || $(PYTHON) -m venv $(VENV)-2.18
	@$(VENV)-2.18/bin/python -m pip install --quiet --disable-pip-version-check -r test-requirements-2.18.lock
	@touch $@

$(VENV)-faults/.test: tests/faults/requirements.lock
	@echo '==> Python environment of the proxy that spoils requests'
	@test -x $(VENV)-faults/bin/python || $(PYTHON) -m venv $(VENV)-faults
	@$(VENV)-faults/bin/python -m pip install --quiet --disable-pip-version-check -r tests/faults/requirements.lock
	@touch $@

.PHONY: demo
demo: $(VENV)/.user
	@$(PLAYBOOK) -e lab_driver=$(LAB_DRIVER) -e lab_names_required=false playbooks/site.yml playbooks/lab_names.yml
	@printf '\nDone in %s s. Look around:  kubectl --kubeconfig .edgefed/kubeconfig --context cddev get all -A\n' "$$(( $$(date +%s) - $(STARTED) ))"
	@printf 'kubectl, helm and kubefedctl are in %s/bin; the report is .edgefed/report.html; make down removes it all.\n' "$(VENV)"

.PHONY: down
down: $(VENV)/.user
	@$(PLAYBOOK) playbooks/lab_down.yml
	@# What is not the lab's stays: clusters of other inventories in the merged kubeconfig, with their report.
	@if ! grep -q '^ *- ' .edgefed/kubeconfig 2>/dev/null; then rm -rf .edgefed; fi

.PHONY: lint
lint: $(VENV)/.test
	$(call STEP,lint)
	ruff check .
	ruff format --check .
	mypy -p ansible_collections.edgefed.kubefed.plugins.module_utils
	mypy -p edgefed_dns
	yamllint --strict .
	ansible-lint --offline --strict
	antsibull-docs lint-collection-docs .
	antsibull-changelog lint

.PHONY: unit
unit: $(VENV)/.test tools
	$(call STEP,unit tests)
	pytest tests/unit controller/tests

.PHONY: tools
tools: $(VENV)/.user
	$(call STEP,tools: cached$(comma) downloaded or built)
	@$(PLAYBOOK) playbooks/tools.yml

# Tests on a federation, in two halves that can run side by side. Each has a lab of its own beside the demo's: its own folder, names, ports.
IT = $(CURDIR)/$(CACHE)/integration/$@
IT_PLAYBOOK = AWX_PRIVATE_DATA_DIR=$(IT) $(PLAYBOOK) $(IT_LAB)
OF_RESOURCES := $(wildcard $(addprefix tests/integration/test_,federated_*.py dns_*.py plain_in_the_lab.py preview_*.py verify.py))
# A line for each test, so that the log shows where it is.
PYTEST := pytest -vv --durations=15 --durations-min=5

# Programs of the system that tests look with.
.PHONY: programs
programs:
	@if ! command -v ps >/dev/null || ! command -v ss >/dev/null; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -q >/dev/null && apt-get install -y -q procps iproute2 >/dev/null; \
	  else echo 'The tests need ps and ss. Next: apt-get install procps iproute2' >&2; exit 1; fi; fi

.PHONY: federation federation-members federation-resources
federation: federation-members federation-resources
federation-members: IT_LAB := -e lab_prefix=itm- -e lab_port_base=24000
federation-members: IT_TESTS := tests/integration $(addprefix --ignore=,$(OF_RESOURCES))
federation-resources: IT_LAB := -e lab_prefix=itr- -e lab_port_base=20000
federation-resources: IT_TESTS := $(OF_RESOURCES)
federation-members federation-resources: $(VENV)/.test programs tools
	$(call STEP,integration tests on a federation of their own: $@)
	@mkdir -p $(IT)
	@trap '$(IT_PLAYBOOK) playbooks/lab_down.yml' EXIT; \
	for step in lab_up kubeconfig control_plane join; do $(IT_PLAYBOOK) playbooks/$$step.yml; done; \
	EDGEFED_LAB_KUBECONFIG=$(IT)/.edgefed/kubeconfig $(PYTEST) -m lab $(IT_TESTS)

.PHONY: standalone
standalone: $(VENV)/.test programs tools
	$(call STEP,integration tests that bring what they need)
	$(PYTEST) -m "not lab" tests/integration

.PHONY: integration
integration: federation standalone

.PHONY: molecule
molecule: $(VENV)/.test tools
	$(call STEP,Molecule scenario default)
	molecule test -s default

.PHONY: dns
dns: $(VENV)/.test tools
	$(call STEP,Molecule scenario dns)
	molecule test -s dns

# kind needs podman or Docker. Root on Debian or Ubuntu gets podman; anybody else is told, and nothing counts as passed.
KIND_PACKAGES := podman runc conmon netavark aardvark-dns iptables nftables iproute2 debootstrap zstd
.PHONY: kind
kind: $(VENV)/.test tools
	$(call STEP,Molecule scenario kind)
	@tests/kind/run $(KIND_PACKAGES)

.PHONY: kind-image
kind-image: $(VENV)/.user
	$(call STEP,images of kind clusters: one archive in the cache)
	@$(PLAYBOOK) -e lab_driver=kind -e lab_kind_images=build -e tools_check_machine=false playbooks/tools.yml

# The whole matrix, which takes long, and a seeded sample of it with what failed last (make test).
.PHONY: faults faults-sample
faults: export EDGEFED_FAULTS ?= all
faults: export EDGEFED_FAULTS_LANES ?= 4
faults faults-sample: $(VENV)/.test $(VENV)-faults/.test programs tools
	$(call STEP,requests that are cut$(comma) refused$(comma) held or the last)
	pytest tests/faults
	@if [ "$@" = faults ]; then PYTHONPATH=tests:collections python -m faults.report; fi

# The first two on the lab of make demo, the others on 21 clusters of their own. Results in benchmarks/results.
.PHONY: bench
bench: $(VENV)/.test tools
	$(call STEP,benchmarks)
	@if [ ! -s .edgefed/kubeconfig ]; then echo 'The benchmarks need a lab. Next: make demo' >&2; exit 1; fi
	@python benchmarks/tasks.py .edgefed/kubeconfig
	@PYTHONPATH=collections python benchmarks/failover.py --state .edgefed --dns 127.0.0.1:10053 --ingress-port 8088 \
	  --results benchmarks/results/failover.json
	@PYTHONPATH=collections python benchmarks/members.py
	@PYTHONPATH=collections python benchmarks/resources.py

.PHONY: sanity
sanity: $(VENV)/.test
	$(call STEP,ansible-test sanity on a built copy)
	tests/sanity/run

.PHONY: package
package: $(VENV)/.test tools
	$(call STEP,the built collection$(comma) installed in an empty folder)
	pytest tests/package

.PHONY: oldest
oldest: $(VENV)-2.18/.test tools
	$(call STEP,ansible-core 2.18)
	PATH=$(CURDIR)/$(VENV)-2.18/bin:$(PATH) tests/oldest/run

# First what fails fast; then side by side what mostly waits, the longest first. Labs cost processor time even when they idle, so three at most.
.PHONY: test
test: lint unit $(VENV)-2.18/.test $(VENV)-faults/.test
	$(call STEP,the rest side by side$(comma) logs in $(CACHE)/logs)
	@python tests/side_by_side.py 3 $(CACHE)/logs standalone kind federation-members federation-resources molecule dns sanity package oldest faults-sample
	$(call STEP,all tests passed)

.PHONY: lock
lock: $(VENV)/.test
	@uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate requirements.txt -o requirements.lock
	@uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate -c requirements.lock test-requirements.txt -o test-requirements.lock
	@uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate -c test-requirements.lock controller/requirements.txt -o controller/requirements.lock
	@uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate -c tests/oldest/constraints.txt requirements.txt tests/oldest/requirements.txt -o test-requirements-2.18.lock
