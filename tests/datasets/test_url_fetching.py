"""A fetch reaches public places only, and ends within its limits."""

import ipaddress
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.datasets.urls import addresses, fetching
from core.datasets.urls.fetching import CalledOffError, FetchError, Limits
from core.store import version
from tests.datasets import servers
from tests.datasets.servers import Server

INSIDE = "leads to an address inside this machine or its network"
SHORT = Limits(connect_seconds=0.3, read_seconds=0.3, total_seconds=0.3, max_bytes=1000)
LONGER = Limits(connect_seconds=5, read_seconds=5, total_seconds=5, max_bytes=1000)


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve a few pages."""
    pages = {
        "/a.jpg": servers.answer(b"bytes of a", Content_Type="image/jpeg"),
        "/to-a": servers.redirect("a.jpg"),
        "/to-file": servers.redirect("file:///etc/passwd"),
        "/circle": servers.redirect("/circle-2"),
        "/circle-2": servers.redirect("/circle#again", status=301),
        "/drip": servers.dripping(b"a"),
        "/hang-up": servers.hanging_up,
    }
    with servers.serving(pages) as made:
        yield made


def fetch(url: str, limits: Limits = LONGER) -> fetching.Fetched:
    """Fetch from this machine, too."""
    return fetching.fetch(url, limits=limits, allow_private=True)


def refusal(url: str, **options: Any) -> FetchError:
    """Give the error of a fetch that is refused."""
    with pytest.raises(FetchError) as caught:
        fetching.fetch(url, **options)
    return caught.value


def names(monkeypatch: pytest.MonkeyPatch, table: dict[str, str | list[str]]) -> list[str]:
    """Have names lead where a test says, one address a question; gives what was asked."""
    asked: list[str] = []
    plain = socket.getaddrinfo

    def look_up(host: str, *rest: Any, **options: Any) -> Any:
        asked.append(host)
        found = table.get(host, host)
        return plain(found if isinstance(found, str) else found.pop(0), *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


def connections(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Refuse every connection from now on, and collect where they were to go."""
    tried: list[str] = []

    def refuse(where: tuple[str, int], *_: Any, **__: Any) -> None:
        tried.append(where[0])
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "create_connection", refuse)
    return tried


def test_a_fetch_gives_the_bytes_and_says_who_asks(server: Server) -> None:
    found = fetch(server.url("/a.jpg?size=2#top"))

    assert (found.content, found.url) == (b"bytes of a", server.url("/a.jpg?size=2"))
    ((path, headers),) = server.asked
    assert path == "/a.jpg?size=2"
    assert headers["Host"] == f"127.0.0.1:{server.port}"
    assert headers["User-Agent"].startswith(f"Winnow/{version.VERSION}")


def test_odd_signs_in_an_address_are_sent_encoded(server: Server) -> None:
    server.pages["/b%C3%A4r%20[1].jpg".replace("[1]", "%5B1%5D")] = servers.answer(b"bear")

    assert fetch(server.url("/bär%20[1].jpg")).content == b"bear"


def test_a_redirect_is_followed(server: Server) -> None:
    found = fetch(server.url("/to-a"))

    assert (found.content, found.url) == (b"bytes of a", server.url("/a.jpg"))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",  # decimal
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",  # the secrets of a machine in a cloud
        "100.64.0.1",
        "192.0.0.192",
        "168.63.129.16",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
        "[fe80::1]",
        "[fec0::1]",
        "[fd00:ec2::254]",
        "[ff0e::1]",
        "①②⑦.⓪.⓪.①",
    ],
)
def test_an_address_inside_is_refused_before_any_connection(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = connections(monkeypatch)

    error = refusal(f"http://{host}/a.jpg")

    assert error.reason.startswith(INSIDE)
    assert not error.retryable
    assert tried == []


@pytest.mark.parametrize(
    "ip", ["93.184.216.34", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::"]
)
def test_a_public_address_is_public_in_every_form(ip: str) -> None:
    assert addresses.is_public(ipaddress.ip_address(ip))


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/passwd", "does not begin with http"),
        ("ftp://a.example/a.jpg", "does not begin with http"),
        ("data:image/png;base64,AAAA", "does not begin with http"),
        ("gopher://a.example/", "does not begin with http"),
        ("//a.example/a.jpg", "does not begin with http"),
        ("http://me@a.example/", "carries a user name"),
        ("http://a.example\\@b.example/", "carries a user name"),
        ("http:///a.jpg", "names no host"),
        ("http://a..example/", "names a host that cannot exist"),
        ("http://a b.example/", "names a host that cannot exist"),
        ("http://\u2024/x.jpg", "names a host that cannot exist"),  # a sign that becomes a dot
        ("http://a\u2024\u2024b.example/", "names a host that cannot exist"),
        ("https://\u2025example/", "names a host that cannot exist"),
        ("http://a.example\u2026/", "names a host that cannot exist"),
        ("http://[fe80::1%25eth0]/", "names a network card of this machine"),
        ("http://a.example:0/", "names a port that does not exist"),
        ("http://a.example:65536/", "names a port that does not exist"),
        ("http://[::1/", "is not an address that can be read"),
        ("http://a.example/\r\nHost: b", "has a control character in it"),
        ("http://a.example/" + "a" * 4000, "is longer than 4000 characters"),
    ],
)
def test_an_address_that_is_not_plain_http_is_refused(url: str, reason: str) -> None:
    assert refusal(url).reason.startswith(reason)


@given(st.text(st.sampled_from("a.-\u2024\u2025\u3002\uff41①ß"), max_size=9))
def test_a_host_that_can_be_read_can_be_looked_up_and_asked_for_its_certificate(name: str) -> None:
    try:
        host = addresses.parse(f"https://{name}/").host
    except FetchError:
        return

    tls = ssl.create_default_context().wrap_bio(
        ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname=host
    )

    assert tls.server_hostname == host
    assert host.encode("idna").decode() == host


def test_a_name_that_no_look_up_can_take_is_told() -> None:
    with pytest.raises(FetchError) as caught:
        addresses.resolve("a..b.example", 80)

    assert (caught.value.reason, caught.value.retryable) == (
        "names a host that cannot exist",
        False,
    )


@given(st.one_of(st.text(max_size=30), st.text(max_size=30).map("http://a.example/".__add__)))
def test_whatever_can_be_read_makes_a_request_that_can_be_sent(url: str) -> None:
    try:
        address = addresses.parse(url)
    except FetchError:
        return

    again = addresses.parse(address.url)

    assert again == address
    h11.Request(method="GET", target=address.target, headers=[("Host", address.authority)])


def test_a_name_is_refused_when_any_of_its_addresses_is_inside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = [(2, 1, 6, "", ("93.184.216.34", 80)), (2, 1, 6, "", ("10.0.0.1", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
    tried = connections(monkeypatch)

    assert refusal("http://a.example/").reason == f"{INSIDE} (10.0.0.1)"
    assert tried == []


def test_the_connection_goes_to_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = names(monkeypatch, {"rebinding.example": ["93.184.216.34", "127.0.0.1"]})
    tried = connections(monkeypatch)

    error = refusal("http://rebinding.example/")

    assert asked == ["rebinding.example"]
    assert tried == ["93.184.216.34"]
    assert (error.reason, error.retryable) == (
        "cannot be connected to (Connection refused)",
        True,
    )


def test_a_name_that_leads_inside_at_the_next_redirect_is_refused(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(monkeypatch, {"a.example": ["127.0.0.2", "127.0.0.1"]})
    monkeypatch.setattr(addresses, "is_public", lambda ip: str(ip) == "127.0.0.2")
    url = server.url("/to-a", host="a.example")

    error = refusal(url, limits=LONGER)

    assert error.reason == f"is redirected to a.jpg, which {INSIDE} (127.0.0.1)"
    assert server.paths == ["/to-a"]


def test_a_redirect_from_outside_to_this_machine_is_refused(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "is_public", lambda ip: str(ip) == "127.0.0.2")
    server.pages["/inside"] = servers.redirect(server.url("/a.jpg"))

    error = refusal(server.url("/inside", host="127.0.0.2"), limits=LONGER)

    assert error.reason.endswith(f"which {INSIDE} (127.0.0.1)")
    assert server.paths == ["/inside"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/to-file", "is redirected to file:///etc/passwd, which does not begin with http"),
        ("/circle", "is redirected to /circle#again, which was asked before: a circle"),
        ("/drip", "takes longer than 0.3 s in all"),
        ("/nowhere", "answers 404"),
    ],
)
def test_an_answer_that_is_no_file_has_its_reason(server: Server, path: str, reason: str) -> None:
    error = refusal(server.url(path), limits=SHORT, allow_private=True)

    assert error.reason.startswith(reason)
    assert not error.retryable


def test_redirects_end_after_five(server: Server) -> None:
    for at in range(7):
        server.pages[f"/hop-{at}"] = servers.redirect(f"/hop-{at + 1}")
    server.pages["/hop-7"] = servers.answer(b"end")

    assert refusal(server.url("/hop-1"), limits=LONGER, allow_private=True).reason == (
        "is redirected more than 5 times"
    )
    assert fetch(server.url("/hop-2")).content == b"end"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_answer_that_may_pass_can_be_tried_again(server: Server, status: int) -> None:
    server.pages["/busy"] = servers.answer(b"", status=status)

    error = refusal(server.url("/busy"), allow_private=True)

    assert (error.reason, error.retryable) == (f"answers {status}", True)


def test_a_server_that_hangs_up_or_breaks_off_can_be_tried_again(server: Server) -> None:
    server.pages["/half"] = servers.answer(b"half", Content_Length="8")
    for path in ("/hang-up", "/half"):
        error = refusal(server.url(path), allow_private=True)

        assert error.reason.startswith("breaks off before its end")
        assert error.retryable


def test_a_server_that_says_nothing_is_left(server: Server) -> None:
    until = threading.Event()
    server.pages["/silent"] = servers.silent(until)

    limits = Limits(read_seconds=0.2)
    error = refusal(server.url("/silent"), limits=limits, allow_private=True)
    until.set()

    assert (error.reason, error.retryable) == ("is silent for longer than 0.2 s", True)


def test_a_fetch_can_be_called_off_while_it_waits(server: Server) -> None:
    until, off = threading.Event(), threading.Event()

    def page(_: object) -> None:
        off.set()
        until.wait(5)

    server.pages["/silent"] = page
    began = time.monotonic()

    with pytest.raises(CalledOffError):
        fetching.fetch(server.url("/silent"), allow_private=True, called_off=off.is_set)
    until.set()

    assert time.monotonic() - began < 2


def test_a_file_that_is_too_large_is_refused_by_its_promise_and_by_its_bytes(
    server: Server,
) -> None:
    def endless(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(bytes(100_000))

    server.pages["/promised"] = servers.answer(b"a", Content_Length="1001")
    server.pages["/real"] = endless
    server.pages["/just"] = servers.answer(bytes(1000))

    for path in ("/promised", "/real"):
        error = refusal(server.url(path), limits=LONGER, allow_private=True)
        assert (error.reason, error.retryable) == ("is larger than 0.001 MB", False)
    assert len(fetch(server.url("/just")).content) == 1000


def test_what_comes_compressed_is_refused(server: Server) -> None:
    server.pages["/bomb"] = servers.answer(b"x", Content_Encoding="gzip")

    reason = refusal(server.url("/bomb"), allow_private=True).reason

    assert reason == "comes compressed, which was not asked for"
    assert server.asked[0][1]["Accept-Encoding"] == "identity"


def test_proxies_of_the_environment_are_not_used(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    assert fetch(server.url("/a.jpg")).content == b"bytes of a"


@pytest.mark.parametrize(
    ("code", "reason", "retryable"),
    [
        (socket.EAI_NONAME, "names a host that does not exist", False),
        (socket.EAI_AGAIN, "names a host that cannot be looked up now", True),
    ],
)
def test_a_name_that_leads_nowhere_is_told(
    monkeypatch: pytest.MonkeyPatch, code: int, reason: str, retryable: bool
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(code, "no words of ours")

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    error = refusal("http://a.example/")

    assert (error.reason, error.retryable) == (reason, retryable)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Make a certificate for pictures.example that nobody vouches for, with its key."""
    path = tmp_path / "both.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    command += f" -subj /CN=x -addext subjectAltName=DNS:pictures.example -keyout {path}"
    try:
        made = subprocess.run(
            [*command.split(), "-out", str(tmp_path / "public.pem")],
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        pytest.skip("needs the openssl command")
    assert made.returncode == 0, made.stderr
    path.write_text(path.read_text() + (tmp_path / "public.pem").read_text())
    return path


def test_a_certificate_must_be_vouched_for_and_name_the_host(
    server: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(monkeypatch, {"pictures.example": "127.0.0.1", "other.example": "127.0.0.1"})
    trusting = ssl.create_default_context(cafile=str(certificate))

    with encrypted(certificate) as port:
        unknown = refusal(f"https://pictures.example:{port}/", allow_private=True)
        monkeypatch.setattr(fetching, "_tls", lambda: trusting)
        found = fetch(f"https://pictures.example:{port}/")
        other = refusal(f"https://other.example:{port}/", allow_private=True)
    plain = refusal(server.url("/a.jpg").replace("http:", "https:"), allow_private=True)

    assert unknown.reason.startswith("has a certificate that proves nothing")
    assert found.content == b"sealed"
    assert "Hostname mismatch" in other.reason
    assert plain.reason == "cannot agree with Winnow on an encrypted connection"


def test_a_name_that_no_certificate_can_have_is_told(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(monkeypatch, {"a..b.example": "127.0.0.1"})
    monkeypatch.setattr(addresses, "_host", lambda name: name)

    with encrypted(certificate) as port:
        error = refusal(f"https://a..b.example:{port}/", allow_private=True)

    assert (error.reason, error.retryable) == ("names a host that cannot exist", False)


@contextmanager
def encrypted(certificate: Path) -> Iterator[int]:
    """Serve one page over TLS while the block runs; gives the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as plain:
        thread = threading.Thread(target=answer_all, args=(plain, context), daemon=True)
        thread.start()
        yield plain.getsockname()[1]


def answer_all(plain: socket.socket, context: ssl.SSLContext) -> None:
    """Give every client the same answer until the listening socket is closed."""
    while True:
        try:
            client, _ = plain.accept()
        except OSError:
            return
        try:
            with context.wrap_socket(client, server_side=True) as sealed:
                sealed.recv(4096)
                sealed.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsealed")
        except OSError:
            continue
