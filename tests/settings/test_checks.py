"""Values of settings that are URLs, networks and names of headers."""

import pytest

from plotroute.errors import BadSetting
from plotroute.settings import resolve


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("https://example.org", "https://example.org"),
        ("https://example.org/", "https://example.org"),
        ("http://example.org:8080/a/b/", "http://example.org:8080/a/b"),
        ("http://[::1]:8080/charts", "http://[::1]:8080/charts"),
        ("/charts", "/charts"),
        ("/user/ann@example.org/proxy/8000/", "/user/ann@example.org/proxy/8000"),
        ("/caf%C3%A9/.well-known/~ann/...", "/caf%C3%A9/.well-known/~ann/..."),
        ("/", ""),
        ("", ""),
    ],
)
def test_a_base_url_is_a_url_or_a_path_kept_without_its_last_slash(text, kept):
    assert resolve(flags={"base_url": text}).base_url == kept


@pytest.mark.parametrize(
    "text",
    [
        "charts",
        "example.org/charts",
        "//example.org/charts",
        "ftp://example.org/charts",
        "javascript:alert(1)",
        "https:/example.org",
        "https://",
        "https:///charts",
        "https://ann@example.org/charts",
        "https://example.org:charts",
        "https://example.org:65536/charts",
        "https://[::1",
        "https://[1]/charts",
        "https://exämple.org/",
        "https://example.org/charts?",
        "https://example.org/charts?a=b",
        "https://example.org/charts#",
        "https://example.org/charts//",
        "https://example.org//charts",
        "/charts/../x",
        "/charts/..",
        "/./charts",
        "/%2e%2e/charts",
        "/a%2Fb",
        "/a%00b",
        "/a%0d%0ab",
        "/a%zz",
        "/a b",
        "/a\\b",
        "/a\n",
        '/charts"',
        "/<charts>",
        "/ü",
        " /charts",
    ],
)
def test_a_base_url_that_links_cannot_begin_with_is_refused(text):
    with pytest.raises(BadSetting, match="the environment's PLOTROUTE_BASE_URL is"):
        resolve(environment={"PLOTROUTE_BASE_URL": text})


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1, 10.0.0.0/8,::1 unix", "127.0.0.1, 10.0.0.0/8, ::1, unix"),
        ("*", "*"),
        ("::ffff:10.0.0.0/104", "::ffff:10.0.0.0/104"),
        (" , ", ""),
    ],
)
def test_trusted_proxies_are_addresses_and_networks(text, kept):
    assert resolve(flags={"trusted_proxies": text}).trusted_proxies == kept


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("nginx", "nginx"),
        ("127.0.0.1, localhost", "localhost"),
        ("10.0.0.1/8", "host bits"),
        ("10.0.0.0/33", "10.0.0.0/33"),
        ("300.0.0.1", "300.0.0.1"),
        ("10.0.0.*", "10.0.0"),
        ("http://10.0.0.1", "http"),
    ],
)
def test_a_trusted_proxy_that_is_no_address_is_refused_by_name(text, wrong):
    with pytest.raises(BadSetting, match=wrong) as caught:
        resolve(flags={"trusted_proxies": text})
    assert str(caught.value).startswith("--trusted-proxies is")


@pytest.mark.parametrize("text", ["Remote User", "Remote_User", "X-User:", "-User", "Üser", "a\n"])
def test_a_user_header_is_the_name_of_a_header_that_has_one_spelling_in_wsgi(text):
    with pytest.raises(BadSetting, match="name of a header"):
        resolve(flags={"user_header": text, "trusted_proxies": "unix"})
