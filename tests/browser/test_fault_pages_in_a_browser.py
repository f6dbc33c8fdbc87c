"""What can go wrong is a page that says so, in both languages, and that can be read as well as the others."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

import pytest

from tests.browser.person import Person
from tests.connect.office import NAME, Office
from tests.connect.test_wrong_links import cut, forged, tampered

pytestmark = pytest.mark.apiserver

GO = {"en": "Continue to Microsoft", "fr": "Continuer chez Microsoft"}
Way = Callable[[Office, Person, str], None]


def link_spoilt_by(spoil: Callable[[str], str]) -> Way:
    return lambda office, person, _: person.open(spoil(office.link()))


def expired(office: Office, person: Person, _: str) -> None:
    person.open(office.link(days=-0.001))


def gone(office: Office, person: Person, _: str) -> None:
    link = office.link()
    office.delete("collectionchannels", NAME)
    person.open(link)


def not_ready(office: Office, person: Person, _: str) -> None:
    link = office.link()
    office.delete("secrets", f"{NAME}-onedrive")
    person.open(link)


def no_page(_: Office, person: Person, locale: str) -> None:
    person.open(f"{person.ours}/nothing")


def wrong_account(office: Office, person: Person, locale: str) -> None:
    office.simulator.control.person("paul@acme.example")
    person.open(office.link())
    person.press(GO[locale])
    person.agree("paul@acme.example")


def declined(office: Office, person: Person, locale: str) -> None:
    person.open(office.link())
    person.press(GO[locale])
    person.agree(office.simulator.user, button="Cancel")


def administrator(office: Office, person: Person, locale: str) -> None:
    office.simulator.control.settings(person_says="admin")
    person.open(office.link())
    person.press(GO[locale])


def wrong_registration(office: Office, person: Person, locale: str) -> None:
    office.simulator.control.application(redirect_uris={f"{person.ours}/callback": "web"})
    person.open(office.link())
    person.press(GO[locale])
    person.agree(office.simulator.user)


def unavailable(office: Office, person: Person, locale: str) -> None:
    person.open(office.link())
    person.press(GO[locale])
    office.simulator.control.add_faults("sign-in unavailable")
    person.agree(office.simulator.user)


def cookies_lost(office: Office, person: Person, locale: str) -> None:
    person.open(office.link())
    person.page.context.clear_cookies()
    person.press(GO[locale])


def too_late(office: Office, person: Person, locale: str) -> None:
    person.open(office.link())
    person.press(GO[locale])
    office.put_pending({state: {**one, "expires": time.time() - 1} for state, one in office.pending.items()})
    person.agree(office.simulator.user)


def disconnected(office: Office, person: Person, locale: str) -> None:
    person.open(office.link())
    person.press(GO[locale])
    office.change_secret({"metadata": {"annotations": {"bannette.io/disconnection": "another"}}})
    person.agree(office.simulator.user)


def replayed(office: Office, person: Person, locale: str) -> None:
    """The answer of Microsoft once more, with the cookie of the visit, after somebody signed in later."""
    person.open(office.link())
    person.press(GO[locale])
    cookies = person.page.context.cookies()
    person.agree(office.simulator.user)
    office.change_secret({"metadata": {"annotations": {"bannette.io/connection-id": "that of a later sign-in"}}})
    person.page.context.add_cookies([cookie for cookie in cookies if "visit-" in cookie["name"]])
    person.open(next(address for address in person.addresses if "/callback?" in address))


def of_another_browser(office: Office, person: Person, locale: str) -> None:
    person.open(office.link())
    person.press(GO[locale])
    person.press(office.simulator.user)
    person.page.context.clear_cookies()
    person.press("Accept")


def policy(office: Office, person: Person, locale: str) -> None:
    person.open(office.link())
    person.press(GO[locale])
    office.simulator.control.add_faults("conditional access")
    person.agree(office.simulator.user)


def other_person(office: Office, person: Person, locale: str) -> None:
    """The account was made anew at Microsoft, under the name of the one that had been connected."""
    person.open(office.link())
    person.press(GO[locale])
    person.agree(office.simulator.user)
    tokens = base64.b64decode(office.secret["data"]["token-cache"])
    changed = tokens.replace(b'"home_account_id": "', b'"home_account_id": "0')
    assert changed != tokens
    office.change_secret({"data": {"token-cache": base64.b64encode(changed).decode()}})
    lost = {"type": "Connected", "status": "False", "reason": "AccountGone", "message": "It is gone."}
    conditions = [{**lost, "lastTransitionTime": "2099-01-01T00:00:00Z"}]
    office.change("collectionchannels", NAME, {"status": {"conditions": conditions}}, status=True)
    person.open(office.link())
    person.look(f"ask-lost.{locale}")
    person.press(GO[locale])
    person.agree(office.simulator.user)


def application(office: Office, person: Person, _: str) -> None:
    office.delete("collectionchannels", NAME)
    account = {"tenantId": office.simulator.tenant_id, "user": office.simulator.user, "clientId": "x"}
    office.create_channel({"application": {**account, "credentialsSecret": {"name": "x"}}})
    person.open(office.link())


# what happens -> the headings
FAULTS: dict[str, tuple[Way, dict[str, str]]] = {
    "tampered": (link_spoilt_by(tampered), {"en": "This link isn’t valid", "fr": "Ce lien n’est pas valable"}),
    "forged": (link_spoilt_by(forged), {"en": "This link isn’t valid", "fr": "Ce lien n’est pas valable"}),
    "cut": (link_spoilt_by(cut), {"en": "This link isn’t valid", "fr": "Ce lien n’est pas valable"}),
    "expired": (expired, {"en": "This link has expired", "fr": "Ce lien a expiré"}),
    "gone": (gone, {"en": "This link leads nowhere any more", "fr": "Ce lien ne mène plus nulle part"}),
    "not-ready": (not_ready, {"en": "Not ready yet", "fr": "Ce n’est pas encore prêt"}),
    "no-page": (no_page, {"en": "There is no such page", "fr": "Cette page n’existe pas"}),
    "wrong-account": (wrong_account, {"en": "That was another account", "fr": "C’était un autre compte"}),
    "declined": (declined, {"en": "You declined", "fr": "Vous avez refusé"}),
    "administrator": (
        administrator,
        {"en": "Your administrator must agree", "fr": "Votre administrateur doit donner son accord"},
    ),
    "wrong-registration": (
        wrong_registration,
        {"en": "Something is set up wrongly", "fr": "Un réglage est incorrect"},
    ),
    "unavailable": (unavailable, {"en": "Not available at the moment", "fr": "Indisponible pour le moment"}),
    "cookies-lost": (cookies_lost, {"en": "Please try once more", "fr": "Recommencez, s’il vous plaît"}),
    "policy": (policy, {"en": "Your organisation doesn’t allow it", "fr": "Votre organisation ne le permet pas"}),
    "other-person": (
        other_person,
        {"en": "That isn’t the account of before", "fr": "Ce n’est pas le compte d’avant"},
    ),
    "nothing-to-connect": (application, {"en": "Nothing is to be connected", "fr": "Il n’y a rien à connecter"}),
    "too-late": (too_late, {"en": "The sign-in took too long", "fr": "La connexion a pris trop de temps"}),
    "disconnected": (
        disconnected,
        {"en": "The account was disconnected meanwhile", "fr": "Le compte a été déconnecté entre-temps"},
    ),
    "replayed": (replayed, {"en": "This sign-in is over", "fr": "Cette connexion est terminée"}),
    "of-another-browser": (
        of_another_browser,
        {"en": "This sign-in wasn’t begun here", "fr": "Cette connexion n’a pas été commencée ici"},
    ),
}


@pytest.mark.parametrize("locale", ["en", "fr"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_page_says_what_is_wrong(office, pages, new_person, fault, locale):
    office.open(locale=locale)
    happen, headings = FAULTS[fault]
    person = new_person(locale=locale)
    happen(office, person, locale)
    assert person.heading == headings[locale]
    person.look(f"fault-{fault}.{locale}")
