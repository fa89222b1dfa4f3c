"""Run by the scripts' interpreter, which may be older than ours, to say what it is. Standard library only."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import site
import sys
import sysconfig
from pathlib import Path
from typing import Any


def inspect() -> dict[str, Any]:
    """Version, installed distributions, and the folders that this interpreter needs in order to run."""
    packages: dict[str, str] = {}
    for found in importlib.metadata.distributions():
        name = found.metadata["Name"]
        if name:
            packages.setdefault(name, found.version)  # the first on the path is the one that is imported
    user_site = site.getusersitepackages() if site.ENABLE_USER_SITE else ""
    has_user_site = bool(user_site) and Path(user_site).is_dir()
    return {
        "executable": sys.executable,
        "version": platform.python_version(),
        "packages": packages,
        "prefix": sys.prefix,
        "base_prefixes": sorted({sys.base_prefix, sys.base_exec_prefix}),
        "site_packages": sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
        + [user_site] * has_user_site,
        "user_base": site.getuserbase() if has_user_site else None,
    }


if __name__ == "__main__":
    json.dump(inspect(), sys.stdout)
