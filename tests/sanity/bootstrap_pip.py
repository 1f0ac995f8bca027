"""Let ansible-test bootstrap pip from the package index alone.

It wants get-pip.py from a host that is often out of reach; an equal script around pip's own wheel, laid into its cache
beforehand, is taken instead. Usage: bootstrap_pip.py CACHE_FOLDER
"""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

from ansible_test._internal import python_requirements

SCRIPT = """\
import pathlib, sys
sys.path.insert(0, str(next(pathlib.Path(__file__).parent.glob("pip-{version}-*.whl"))))
from pip._internal.cli.main import main
sys.exit(main(["install", *(a for a in sys.argv[1:] if a not in ("--no-setuptools", "--no-wheel"))]))
"""


def main(cache: Path) -> None:
    found = re.search(r"pip='([\d.]+)'", inspect.getsource(python_requirements.get_venv_packages))
    if not found:
        sys.exit("ansible-test no longer names its pip version where bootstrap_pip.py looks for it")
    version = found.group(1)
    script = cache / f"get_pip_{version.replace('.', '_')}.py"
    if script.exists():
        return
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(cache), f"pip=={version}"], check=True)
    script.write_text(SCRIPT.format(version=version))


main(Path(sys.argv[1]))
