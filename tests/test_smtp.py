"""Over a safe line, and to nobody but our own people: what speaks to the mail server."""

import ssl

import pytest
import servers
from digest_workspace import make_workspace
from smtp_server import run_smtp

from digest.records import OutgoingMail
from digest.smtp import check_login, deliver
from harvester.config import load_config
from harvester.errors import (
    DeliveryRefused,
    ServiceDown,
)


@pytest.mark.parametrize(
    "stranger",
    ["li@globex.example", "x@evil-acme.example", "x@acme.example.evil.example", "x@acme.example>\r\nRCPT TO:<y@z"],
)
def test_no_mail_leaves_for_a_stranger(workspace, mail_server, stranger):
    mail = OutgoingMail("<1@acme.example>", "answers@acme.example", (stranger,), b"Subject: x\r\n\r\nx\r\n", "", "")
    with pytest.raises(DeliveryRefused):
        deliver(workspace.config, mail, ("marketing@acme.example", stranger), lambda delivery: None)
    assert mail_server.connections == 0


def test_our_own_domains_and_configured_recipients_are_no_strangers(tmp_path, mail_server):
    workspace = make_workspace(tmp_path / "work", mail_server.port, to=("agency@elsewhere.example",))
    mail = OutgoingMail("<1@acme.example>", "answers@acme.example", (), b"Subject: x\r\n\r\n.dot\r\n..\r\n", "", "")
    recipients = ("agency@elsewhere.example", "ana@team.acme.example", "Owner@acme.example")
    assert deliver(workspace.config, mail, recipients, lambda delivery: None).accepted == recipients
    assert mail_server.took[0][1] == mail.raw  # dots arrive as they are


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    servers.make_certificates(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    return folder, context


def smtp_settings(tmp_path, port, security, ca_file="", password="canary-7fb1e2"):
    path = tmp_path / "answers.toml"
    path.write_text(
        f'[company]\nname = "Acme"\ndomains = ["acme.example"]\n[smtp]\nhost = "localhost"\nport = {port}\n'
        f'security = "{security}"\nca_file = "{ca_file}"\nusername = "answers@acme.example"\npassword = "{password}"\n'
        "timeout_seconds = 5\n"
    )
    return load_config(path).smtp


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_login_over_tls_with_an_own_ca(tmp_path, certificates, security):
    folder, context = certificates
    with run_smtp(user="answers@acme.example", password="canary-7fb1e2", **{security: context}) as server:
        check_login(smtp_settings(tmp_path, server.port, security, folder / "ca.pem"))
        with pytest.raises(ServiceDown, match="ca_file"):
            check_login(smtp_settings(tmp_path, server.port, security))
        with pytest.raises(ServiceDown, match="username and password") as caught:
            check_login(smtp_settings(tmp_path, server.port, security, folder / "ca.pem", password="wrong-1f2e"))
        assert "wrong-1f2e" not in repr(caught.value) + str(caught.value.__cause__)


def test_starttls_is_never_skipped_when_the_server_has_none(tmp_path, mail_server):
    with pytest.raises(ServiceDown, match="starttls"):
        check_login(smtp_settings(tmp_path, mail_server.port, "starttls"))
    assert mail_server.took == []
