"""kubectl, which does ``exec`` without a kubelet: the command runs on this machine, in the folders of the pod's claims.

Usage: ``python kubectl_without_kubelet.py KUBECTL VOLUMES ARGUMENTS…``; VOLUMES has ``<namespace>/<claim>``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path


def main() -> None:
    kubectl, volumes, *arguments = sys.argv[1:]
    if "exec" not in arguments or "--" not in arguments:
        os.execv(kubectl, [kubectl, *arguments])
    split = arguments.index("--")
    before, command = arguments[:split], arguments[split + 1 :]
    name = before[before.index("exec") + 1]
    namespace = before[before.index("-n") + 1]
    got = subprocess.run(
        [kubectl, "-n", namespace, "get", "pod", name, "-o", "json"], check=True, capture_output=True, text=True
    )
    spec = json.loads(got.stdout)["spec"]
    claims = {one["name"]: one["persistentVolumeClaim"]["claimName"] for one in spec["volumes"] if len(one) == 2}
    for mount in spec["containers"][0]["volumeMounts"]:
        if mount["name"] in claims:
            folder = Path(volumes) / namespace / claims[mount["name"]]
            folder.mkdir(parents=True, exist_ok=True)
            command = [word.replace(mount["mountPath"], str(folder), 1) for word in command]
    sys.exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    main()
