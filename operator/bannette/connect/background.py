"""What the service does without being asked by a browser: beside the pages, in threads of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from bannette.connect.asking import Asking, Links, asking_settings
from bannette.connect.attendant import Attendant
from bannette.connect.desk import Untold
from bannette.connect.doorstep import Remind, Reminder
from bannette.connect.links import LIFETIME, make_link
from bannette.connect.metrics import AskingFigures, Metrics
from bannette.connect.settings import Settings, namespaces_of, redirect_uri_of
from bannette.connect.watching import Watching
from bannette.kube import ClusterApi
from bannette.notify.mail import Mailer
from bannette.notify.settings import MailSettings
from bannette.onedrive import admin_consent_url, endpoints_for
from bannette.web.sealing import Keys


class Background:
    """Does what annotations of channels ask for, and sends mails, if a server for mails is named.

    Raises:
        PersonNeeded: a setting isn't what it must be.
    """

    def __init__(self, environ: Mapping[str, str], settings: Settings, api: ClusterApi, metrics: Metrics) -> None:
        self._watching = Watching(api, namespaces_of(environ))
        self._attendant = Attendant(api, environ, metrics=metrics)
        self._attendant.listen(self._watching)
        self._asking: Asking | None = None
        self._reminder: Reminder | None = None
        if environ.get("BANNETTE_SMTP_HOST", "").strip():
            # The keys are read for each mail: they change while the service runs.
            mailer = Mailer(MailSettings.from_environment(environ))
            self._asking = Asking(
                api,
                mailer,
                settings=asking_settings(environ),
                links=lambda now: links_for(settings.public_url, settings.load_keys(), now, environ),
                metrics=metrics,
            )
            self._asking.listen(self._watching)
            self._reminder = Reminder(api)

    def start(self) -> None:
        self._watching.start()
        self._attendant.start()
        if self._asking is not None:
            self._asking.start()
        if self._reminder is not None:
            self._reminder.start()

    def stop(self) -> None:
        """End, once the mails that are under way are sent."""
        self._watching.stop()
        self._attendant.stop()
        if self._reminder is not None:
            self._reminder.stop()
        if self._asking is not None:
            self._asking.stop()

    def is_healthy(self) -> bool:
        """Tell whether all of it is still at work."""
        parts = (self._watching, self._attendant, self._asking, self._reminder)
        return all(part is None or part.is_healthy() for part in parts)

    @property
    def untold(self) -> Untold:
        """What has the operator told later of a Secret that changed."""
        return self._attendant.owe

    @property
    def remind(self) -> Remind | None:
        """What has a mail sent again; None if no mails are sent."""
        return self._reminder.ask if self._reminder is not None else None

    @property
    def asking(self) -> Callable[[], AskingFigures] | None:
        """What tells how it stands with those who are asked; None if no mails are sent."""
        return self._asking.figures if self._asking is not None else None


def links_for(public_url: str, keys: Keys, now: datetime, environ: Mapping[str, str]) -> Links:
    """Return what makes the links of one mail.

    Args:
        environ: what redirects Microsoft's endpoints.
    """
    expires = now + LIFETIME
    return Links(
        page=lambda channel: (make_link(public_url, channel, keys, expires=expires), expires),
        consent=lambda channel: admin_consent_url(
            endpoints_for(channel.cloud.value, environ),
            channel.application,
            redirect_uri=redirect_uri_of(public_url),
        ),
    )
