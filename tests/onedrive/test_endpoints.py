from __future__ import annotations

import pytest

from bannette.errors import PersonNeeded
from bannette.onedrive import endpoints_for

GLOBAL = endpoints_for("Global", {})
OWN = endpoints_for(
    "Global",
    {
        "BANNETTE_GRAPH_URL": "https://graph.test:8443",
        "BANNETTE_AUTHORITY_URL": "https://login.test/",
        "BANNETTE_DOWNLOAD_HOSTS": "files.test, .cdn.test,10.0.0.7:9000",
        "SSL_CERT_FILE": "/ca.crt",
    },
)


@pytest.mark.parametrize(
    ("cloud", "graph", "login"),
    [
        ("Global", "https://graph.microsoft.com", "https://login.microsoftonline.com"),
        ("USGovernment", "https://graph.microsoft.us", "https://login.microsoftonline.us"),
        ("China", "https://microsoftgraph.chinacloudapi.cn", "https://login.partner.microsoftonline.cn"),
    ],
)
def test_each_cloud_has_its_own(cloud, graph, login):
    endpoints = endpoints_for(cloud, {})
    assert (endpoints.graph, endpoints.authority, endpoints.known_authority) == (graph, login, True)


def test_the_environment_leads_elsewhere():
    assert (OWN.graph, OWN.authority, OWN.ca_file) == ("https://graph.test:8443", "https://login.test", "/ca.crt")
    assert not OWN.known_authority


@pytest.mark.parametrize("value", ["http://graph.test", "https://graph.test/v1.0", "graph.test", "https://u@g.test"])
def test_only_https_origins_are_taken(value):
    with pytest.raises(PersonNeeded, match="BANNETTE_GRAPH_URL"):
        endpoints_for("Global", {"BANNETTE_GRAPH_URL": value})


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://graph.microsoft.com/v1.0/x", True),
        ("https://GRAPH.microsoft.com:443/x", True),
        ("http://graph.microsoft.com/v1.0/x", False),
        ("https://graph.microsoft.com.attacker.example/x", False),
        ("https://graph.microsoft.com@attacker.example/x", False),
        ("https://attacker.example@graph.microsoft.com/x", False),
        ("https://graph.microsoft.com:444/x", False),
        ("//graph.microsoft.com/x", False),
        ("https://[broken/x", False),
    ],
)
def test_tokens_go_to_the_graph_origin_only(url, expected):
    assert GLOBAL.is_graph(url) is expected


@pytest.mark.parametrize(
    ("endpoints", "url", "expected"),
    [
        (GLOBAL, "https://acme-my.sharepoint.com/_layouts/15/download.aspx?x=1", True),
        (GLOBAL, "https://public.bn.files.1drv.com/y4m", True),
        (GLOBAL, "https://my.microsoftpersonalcontent.com/personal/x", True),
        (GLOBAL, "http://acme-my.sharepoint.com/x", False),
        (GLOBAL, "https://acme-my.sharepoint.com:8443/x", False),
        (GLOBAL, "https://acme-my.sharepoint.com.attacker.example/x", False),
        (GLOBAL, "https://sharepoint.com/x", False),
        (GLOBAL, "https://169.254.169.254/latest/meta-data", False),
        (GLOBAL, "https://127.0.0.1/x", False),
        (GLOBAL, "https://[::1]/x", False),
        (GLOBAL, "https://localhost/x", False),
        (GLOBAL, "https://user@acme-my.sharepoint.com/x", False),
        (OWN, "https://graph.test:8443/_download/x", True),
        (OWN, "https://graph.test/_download/x", False),
        (OWN, "https://files.test/x", True),
        (OWN, "https://a.cdn.test/x", True),
        (OWN, "https://10.0.0.7:9000/x", True),
        (OWN, "https://10.0.0.7/x", False),
        (OWN, "https://10.0.0.8/x", False),
    ],
)
def test_content_comes_from_known_hosts_only(endpoints, url, expected):
    assert endpoints.may_download(url) is expected
