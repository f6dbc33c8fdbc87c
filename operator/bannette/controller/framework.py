"""kopf, imported without the Kubernetes client that it would look for.

kopf asks for the classes of that client's models, to recognise them in what handlers return; ours return nothing. The
client would take 0.3 s and 20 MB.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import cast

_CLIENT = "kubernetes"

_found = sys.modules.get(_CLIENT)
# None in place of a module: an import of it fails, as where it isn't installed, and kopf goes on without it.
sys.modules[_CLIENT] = cast("ModuleType", None)
try:
    import kopf
finally:
    del sys.modules[_CLIENT]
    if _found is not None:
        sys.modules[_CLIENT] = _found

__all__ = ["kopf"]
