"""Sends what is due as a process of its own, which a test kills; see ``main`` for its arguments."""

from __future__ import annotations

import json
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bannette import logs
from bannette.connect import load_keys
from bannette.connect.asking import Asking, AskingSettings
from bannette.connect.background import links_for
from bannette.connect.watching import Watching
from bannette.kube import ClusterApi
from bannette.notify.mail import Mailer
from bannette.notify.settings import MailSettings, Security


def main(arguments: dict[str, str]) -> None:
    logs.setup()
    ahead = timedelta(seconds=float(arguments["ahead"]))
    api = ClusterApi(arguments["server"], namespace="", token=arguments["token"], ca=Path(arguments["ca"]).read_text())
    mailer = Mailer(
        MailSettings(
            host="localhost", port=int(arguments["smtp"]), security=Security.NONE, sender="documents@acme.example"
        )
    )
    asking = Asking(
        api,
        mailer,
        settings=AskingSettings(),
        links=lambda now: links_for("https://connect.bannette.example", load_keys(Path(arguments["keys"])), now, {}),
        now=lambda: datetime.now(UTC) + ahead,
    )
    watching = Watching(api, [arguments["namespace"]])
    asking.listen(watching)
    watching.start()
    asking.start()
    print("started", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
