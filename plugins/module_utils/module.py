# Copyright: (c) 2026, edgefed contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The two wrappers' common part: a module's ``run`` called, its outcome turned into a task result.

A module file holds ``ARGUMENT_SPEC`` and ``run(params, check, diff, connect) -> Result``. ``main()`` calls
:func:`run_as_module`; the action plugin of the same name calls the same ``run`` in process.
"""

from __future__ import annotations

import traceback
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.edgefed.kubefed.plugins.module_utils.client import connect, forget
from ansible_collections.edgefed.kubefed.plugins.module_utils.outcome import EdgefedError, Result
from ansible_collections.edgefed.kubefed.plugins.module_utils.urls import has_credentials

_ADDRESSES = ("proxy_url", "mirrors")

Run = Callable[[dict[str, Any], bool, bool, Callable[..., Any]], Result]


def task_result(run: Run, params: dict[str, Any], check: bool, diff: bool) -> dict[str, Any]:
    """Call ``run`` and give the task result; a failure is a result with ``failed``, never an exception.

    The only broad ``except`` of the collection is here: no traceback reaches a user, a bug says so and where.
    """
    try:
        return run(params, check, diff, connect).as_task_result(diff)
    except EdgefedError as error:
        return {
            "failed": True,
            "changed": False,
            "msg": error.message,
            "code": error.code,
            "details": error.details,
        }
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return {
            "failed": True,
            "changed": False,
            "code": "bug",
            "details": {},
            "msg": (
                f"This is a bug in edgefed: {type(error).__name__} in {where.name}, line {where.lineno} of "
                f"{where.filename.rsplit('/', 1)[-1]}. Please report it with the task and the versions "
                "(ansible --version). Nothing more was done by this task."
            ),
        }
    finally:
        forget()


def harmless_paths(argument_spec: dict[str, Any], params: dict[str, Any]) -> set[str]:
    """What is ``no_log`` for what it may hold, and does not here, so that messages can name it.

    A kubeconfig may be given with its content, or by a mere path; an address may hold credentials, or none.
    """
    found: set[str] = set()
    for name, option in argument_spec.items():
        value = params.get(name)
        if not option.get("no_log"):
            continue
        if option.get("type") == "raw" and isinstance(value, str):
            found.add(value)
        elif name.endswith(_ADDRESSES):
            addresses = value.values() if isinstance(value, dict) else [value]
            found |= {str(address) for address in addresses if address and not has_credentials(str(address))}
    return found


def run_as_module(run: Run, argument_spec: dict[str, Any], **constraints: Any) -> None:
    """``main()`` of every module. ``constraints``: ``mutually_exclusive``, ``required_if``, … of AnsibleModule."""
    module = AnsibleModule(argument_spec=argument_spec, supports_check_mode=True, **constraints)
    module.no_log_values -= harmless_paths(argument_spec, module.params)
    result = task_result(run, module.params, module.check_mode, module._diff)
    if result.pop("failed", False):
        module.fail_json(**result)
    for warning in result.pop("warnings", []):
        module.warn(warning)
    module.exit_json(**result)
