"""The mails that ask people to connect their accounts, and tell them what came of it: sent by nobody's hand."""

from bannette.connect.asking.compose import Links
from bannette.connect.asking.facts import ChannelFacts
from bannette.connect.asking.loop import Asking
from bannette.connect.asking.request import request_mail
from bannette.connect.asking.settings import AskingSettings, asking_settings

__all__ = ["Asking", "AskingSettings", "ChannelFacts", "Links", "asking_settings", "request_mail"]
