"""What a web developer sees: addresses, statuses, headers, bodies."""

import json
from io import BytesIO

import pytest
from PIL import Image

from plotroute.routing.representations import DOCUMENTS

PLOTS = """
from typing import Annotated, Literal
import numpy as np
from pydantic import Field
from plotroute import CannotDraw, Plots

plots = Plots()

@plots.dataset(ttl="forever", source=True)
def hours():
    return np.arange(5.0)

@plots.dataset(ttl="forever", source=["temperature", "day"])
def weather():
    import pandas as pd
    return pd.DataFrame({"temperature": [5.0, 4, 3, 2, 1], "day": pd.date_range("2024-01-01", periods=5)})

@plots.dataset(ttl="forever", source=True)
def values(name: str):
    return np.arange(5.0) * len(name)

@plots.dataset(ttl="forever")
def secret():
    return np.arange(5.0)

@plots.plot
def line(ax, hours, method: Literal["linear", "cubic"] = "linear", n: Annotated[int, Field(ge=2, le=30)] = 30):
    ax.plot(hours)

@plots.plot("of/<customer>/revenue", aliases=["old/<customer>", "/revenue/<customer>"], max_age="10m")
def revenue(ax, hours, customer: int):
    ax.plot(hours * customer)

@plots.plot("/fixed.png", ttl="1h")
def fixed(ax):
    ax.plot(np.random.rand(9))

@plots.plot
def live(ax):
    ax.plot(np.random.rand(9))

@plots.plot(ttl="forever", size=(300, 200))
def sized(ax, title: str = ""):
    ax.plot([1, 2])
    ax.set_title(title)

@plots.plot
def fails(hours):
    raise KeyError("secret detail of /etc")

@plots.plot
def refuses(hours):
    raise CannotDraw("no orders in this week")
"""


@pytest.fixture
def client(make_client):
    return make_client(PLOTS)


def size_of(reply):
    return Image.open(BytesIO(reply.data)).size


@pytest.mark.parametrize(
    ("suffix", "type", "magic"),
    [
        ("", "image/png", b"\x89PNG"),
        (".png", "image/png", b"\x89PNG"),
        (".svg", "image/svg+xml", b"<?xml"),
        (".pdf", "application/pdf", b"%PDF"),
        (".webp", "image/webp", b"RIFF"),
        (".jpg", "image/jpeg", b"\xff\xd8"),
    ],
)
def test_a_picture_in_every_format(client, suffix, type, magic):
    reply = client.get(f"/plots/hours/line{suffix}")
    assert (reply.status_code, reply.content_type) == (200, type)
    assert reply.data.startswith(magic)
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Cache-Control"] == "no-cache"
    assert reply.headers.get("Vary") == ("Accept" if suffix == "" else None)
    assert reply.headers["Content-Disposition"] == f'inline; filename="hours-line.{suffix[1:] or "png"}"'


def test_an_svg_may_do_nothing_when_it_is_opened_by_itself(client):
    policy = client.get("/plots/hours/line.svg").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy


@pytest.mark.parametrize(
    "address", ["/plots/hours/line.gif", "/plots/hours/line.PNG", "/plots/hours", "/plots/hours/line/"]
)
def test_what_is_no_address_is_404(client, address):
    reply = client.get(address, headers={"Accept": "application/json"})
    assert (reply.status_code, reply.json["code"]) == (404, "unknown_plot")
    assert reply.headers["Cache-Control"] == "no-store"


def test_a_near_miss_names_the_plot(client):
    assert client.get("/plots/hours/lime").json["nearest"] == "/plots/hours/line"


def test_the_page_of_an_unknown_address_links_to_the_nearest(client):
    page = client.get("/plots/huors/line.svg", headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert 'Did you mean <a href="/plots/hours/line.svg">/plots/hours/line.svg</a>?' in page.text
    assert client.get("/plots/hours/line.svg").status_code == 200
    for address in ("/plots/minutes/bars", "/plots/hours/circle"):
        other = client.get(address, headers={"Accept": "text/html"})
        assert (other.status_code, "Did you mean" in other.text) == (404, False), address


def test_head_tells_the_same_without_a_body(client):
    got, told = client.get("/plots/hours/line"), client.head("/plots/hours/line")
    assert told.status_code == 200
    assert told.data == b""
    for name in ("Content-Type", "Content-Length", "ETag", "Cache-Control", "Vary"):
        assert told.headers.get(name) == got.headers.get(name)


def test_options_and_other_methods(client):
    reply = client.options("/plots/hours/line")
    assert (reply.status_code, reply.headers["Allow"]) == (204, "GET, HEAD, OPTIONS")
    assert client.options("/plot.png").headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    for method in ("post", "put", "patch", "delete"):
        reply = getattr(client, method)("/plots/hours/line")
        assert (reply.status_code, reply.json["code"]) == (405, "method_not_allowed")
        assert reply.headers["Allow"] == "GET, HEAD, OPTIONS"


def test_path_parameters_and_aliases(client):
    own = client.get("/plots/of/7/revenue")
    assert own.status_code == 200
    assert client.get("/plots/old/7").data == client.get("/revenue/7").data == own.data
    assert client.get("/plots/of/8/revenue").data != own.data
    assert own.headers["Cache-Control"] == "max-age=600"
    wrong = client.get("/plots/of/seven/revenue")
    assert (wrong.status_code, wrong.json["errors"][0]["parameter"]) == (400, "customer")


def test_all_that_is_wrong_with_a_request_is_told_at_once(client):
    reply = client.get("/plots/hours/line?method=cubik&n=99&foo=1")
    assert reply.status_code == 400
    assert reply.content_type == "application/problem+json"
    problem = reply.json
    assert problem["type"] == "urn:plotroute:invalid_parameters"
    assert problem["title"] == "3 parameters are wrong"
    assert [(e["parameter"], e["code"], e["sent"]) for e in problem["errors"]] == [
        ("method", "not_allowed", "cubik"),
        ("n", "out_of_bounds", "99"),
        ("foo", "unknown", "1"),
    ]
    assert problem["errors"][0]["nearest"] == "cubic"
    assert problem["request_id"] == reply.headers["X-Request-ID"]


@pytest.mark.parametrize("query", ["n=%FF%FE", "&".join(f"a{i}=1" for i in range(600)), "n=" + "9" * 5000])
def test_a_query_that_makes_no_sense_is_400(client, query):
    reply = client.get(f"/plots/hours/line?{query}")
    assert (reply.status_code, reply.json["code"]) == (400, "invalid_parameters")
    assert len(reply.data) < 4000


def test_a_url_that_is_too_long_is_414(make_client):
    assert make_client(PLOTS, max_url=256).get("/plots/hours/line?_=" + "x" * 300).status_code == 414


def test_cache_busting_names_are_ignored(client):
    assert (
        client.get("/plots/hours/line?_=123").headers["ETag"]
        == client.get("/plots/hours/line").headers["ETag"]
    )


def test_one_picture_has_one_name_however_it_is_asked_for(client):
    tags = {
        client.get(f"/plots/hours/line{query}").headers["ETag"]
        for query in ("", "?n=30", "?n=&method=", "?method=linear&n=30", "?n=30&method=linear")
    }
    assert len(tags) == 1


class TestConditional:
    def test_keyed_plots_answer_304_and_say_why(self, client):
        etag = client.get("/plots/hours/line").headers["ETag"]
        for sent in (etag, etag[2:], f'"other", {etag}', "*"):
            reply = client.get("/plots/hours/line", headers={"If-None-Match": sent})
            assert (reply.status_code, reply.data) == (304, b"")
            assert reply.headers["ETag"] == etag
            assert reply.headers["Cache-Control"] == "no-cache"
            assert "Content-Type" not in reply.headers
        assert client.get("/plots/hours/line", headers={"If-None-Match": '"x"'}).status_code == 200

    def test_timed_plots_keep_their_picture_for_their_ttl(self, client):
        first, second = client.get("/fixed.png"), client.get("/fixed.png")
        assert first.data == second.data
        assert client.get("/fixed.png", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304

    def test_live_plots_are_drawn_for_every_request(self, client):
        first, second = client.get("/plots/live"), client.get("/plots/live")
        assert first.data != second.data
        assert first.headers["Cache-Status"] == "plotroute; fwd=bypass"
        assert client.get("/plots/live", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200

    def test_the_cache_tells_what_it_did(self, client):
        first, second = client.get("/plots/hours/line"), client.get("/plots/hours/line")
        assert first.headers["Cache-Status"] == "plotroute; fwd=uri-miss; stored"
        assert second.headers["Cache-Status"] == "plotroute; hit"
        for reply in (first, second):
            assert [part.split(";")[0] for part in reply.headers["Server-Timing"].split(", ")] == [
                "data",
                "draw",
                "encode",
            ]


class TestSizes:
    @pytest.mark.parametrize(
        ("query", "size"),
        [
            ("width=320&height=200", (320, 200)),
            ("width=320&height=200&dpr=2", (640, 400)),
            ("width=160&dpr=1.5", (240, 180)),
            ("height=240", (320, 240)),
            ("dpr=2", (1280, 960)),
            ("width=100&height=100&dpr=99", (400, 400)),
            ("width=100&height=100&dpr=0.1", (100, 100)),
        ],
    )
    def test_a_picture_has_the_size_that_was_asked_for(self, client, query, size):
        assert size_of(client.get(f"/plots/hours/line?{query}")) == size

    def test_declared_sizes_hold_where_nobody_asks(self, client):
        assert size_of(client.get("/plots/sized")) == (300, 200)
        assert client.get("/plots/sized.schema.json").json["size"] == {"width": 300, "height": 200}

    @pytest.mark.parametrize(
        "query", ["width=0", "width=8001", "width=8000&height=8000", "height=-1", "dpr=big"]
    )
    def test_sizes_beyond_reason_are_400(self, client, query):
        assert client.get(f"/plots/hours/line?{query}").status_code == 400

    def test_a_download_says_so(self, client):
        reply = client.get("/plots/hours/line.svg?download=1")
        assert reply.headers["Content-Disposition"] == 'attachment; filename="hours-line.svg"'


class TestAdHoc:
    def test_a_line_through_the_points_of_the_query(self, client):
        reply = client.get("/plot.png?x=1,2,3,4&y=100,200,300,400")
        assert (reply.status_code, reply.content_type) == (200, "image/png")
        assert client.get("/plot.png?x=1,2,3,4&y=100,200,300,401").data != reply.data

    def test_without_a_query_it_says_how_to_ask(self, client):
        assert client.get("/plot.png").status_code == 200

    @pytest.mark.parametrize(
        "address",
        [
            "/hours/weather.temperature/plot.png",
            "/plot.png?x=hours&y=weather.temperature",
            "/weather.day/hours/plot.png",
            "/plot.png?x=hours&y=values:wind",
            "/plot.png?y=hours",
            "/plot.png?x=2024-01-01,2024-02-01,2024-03-01&y=1,nan,3",
        ],
    )
    def test_sources_of_values_by_name(self, client, address):
        assert client.get(address).status_code == 200

    def test_both_ways_to_name_sources_are_one_picture(self, client):
        by_path = client.get("/hours/weather.temperature/plot.png")
        by_query = client.get("/plot.png?x=hours&y=weather.temperature")
        assert by_path.headers["ETag"] == by_query.headers["ETag"]

    def test_two_names_of_one_function_are_two_sources(self, client):
        both = client.get("/plot.png?x=values:ab&y=values:abcd")
        assert both.status_code == 200
        assert both.data != client.get("/plot.png?x=values:abcd&y=values:ab").data

    @pytest.mark.parametrize("name", ["secret", "hour", "weather", "weather.pressure", "numpy"])
    def test_only_what_its_author_offers_is_a_source(self, client, name):
        reply = client.get(f"/plot.png?x={name}&y=hours")
        assert (reply.status_code, reply.json["code"]) == (404, "unknown_source")
        assert "secret" not in reply.json["allowed"]

    @pytest.mark.parametrize(
        "query",
        ["x=1,2,3&y=4,5", "x=1,,3&y=4,5,6", "x=1,two,3&y=4,5,6", "x=1,2", "x=1,inf&y=1,2", "x=1&x=2&y=3&z=4"],
    )
    def test_malformed_values_get_a_clear_error(self, client, query):
        reply = client.get(f"/plot.png?{query}")
        assert (reply.status_code, reply.json["code"]) == (400, "invalid_parameters")
        assert reply.json["errors"][0]["message"]

    def test_post_takes_the_same_as_json(self, client):
        posted = client.post("/plot.png", json={"x": [1, 2, 3, 4], "y": [100, 200, 300, 400]})
        assert posted.status_code == 200
        assert posted.data == client.get("/plot.png?x=1,2,3,4&y=100,200,300,400").data
        assert (
            client.post("/plot.png", json={"x": list(range(5000)), "y": list(range(5000))}).status_code == 200
        )

    @pytest.mark.parametrize(
        ("query", "body"),
        [
            ("width=300", {"x": [1, 2], "y": [3, 4], "title": "T"}),
            ("title=T&_=7", {"x": [1, 2], "y": [3, 4], "width": 300}),
            ("x=1,2&y=3,4&width=300&title=T", {}),
        ],
    )
    def test_a_post_reads_the_query_beside_its_body(self, client, query, body):
        posted = client.post(f"/plot.png?{query}", json=body)
        assert posted.status_code == 200
        assert posted.data == client.get("/plot.png?x=1,2&y=3,4&width=300&title=T").data

    @pytest.mark.parametrize(
        ("query", "parameter", "code"),
        [
            ("x=5,6", "x", "repeated"),
            ("widht=300", "widht", "unknown"),
            ("width=300&width=400", "width", "repeated"),
        ],
    )
    def test_a_post_says_what_is_wrong_with_its_query(self, client, query, parameter, code):
        reply = client.post(f"/plot.png?{query}", json={"x": [1, 2], "y": [3, 4]})
        assert reply.status_code == 400
        assert [(each["parameter"], each["code"]) for each in reply.json["errors"]] == [(parameter, code)]

    @pytest.mark.parametrize("condition", ["its own", "*", 'W/"other", {}'])
    def test_a_post_whose_picture_is_known_is_a_failed_precondition(self, client, condition):
        values = {"x": [1, 2], "y": [3, 4]}
        first = client.post("/plot.png", json=values)
        etag = first.headers["ETag"]
        sent = etag if condition == "its own" else condition.format(etag)
        again = client.post("/plot.png", json=values, headers={"If-None-Match": sent})
        assert (again.status_code, again.json["code"]) == (412, "precondition_failed")
        other = client.post("/plot.png", json=values, headers={"If-None-Match": 'W/"other"'})
        assert (other.status_code, other.data) == (200, first.data)

    @pytest.mark.parametrize(
        ("body", "type", "status"),
        [
            (b'{"x": [1], "y": [1]}', "text/plain", 415),
            (b"x=1&y=1", "application/x-www-form-urlencoded", 415),
            (b"{", "application/json", 400),
            (b"[1]", "application/json", 400),
            (b'{"x": [NaN], "y": [1]}', "application/json", 400),
            (b'{"x": [1], "x": [2], "y": [1]}', "application/json", 400),
            (b'{"x": [true], "y": [1]}', "application/json", 400),
            (b'{"title": "\\ud800"}', "application/json", 400),
            (b"[" * 100_000, "application/json", 400),
            (b" " * 3_000_000, "application/json", 413),
        ],
    )
    def test_bodies_that_are_not_understood(self, client, body, type, status):
        assert client.post("/plot.png", data=body, content_type=type).status_code == status


IMG = {"Sec-Fetch-Dest": "image", "Accept": "image/avif,image/webp,image/svg+xml,image/*,*/*;q=0.8"}


class TestErrors:
    @pytest.mark.parametrize("path", ["/nope%0ax", "/plots/%0d%0aline", "/%0a"])
    def test_a_line_break_in_a_path_is_an_unknown_plot_like_any_other(self, client, path):
        reply = client.get(path)
        assert (reply.status_code, reply.json["code"]) == (404, "unknown_plot")
        assert reply.headers["X-Request-ID"] == reply.json["request_id"]

    @pytest.mark.parametrize("method", ["CONNECT", "BREW", "TRACE"])
    def test_a_method_that_nothing_takes_is_answered_in_the_shape_of_errors(self, client, method):
        reply = client.open("/plots/hours/line", method=method)
        assert (reply.status_code, reply.json["code"]) == (405, "method_not_allowed")
        assert reply.headers["Allow"] == "GET, HEAD, OPTIONS"

    def test_a_request_to_upgrade_is_answered_as_if_it_had_not_asked(self, client):
        asked = {"Connection": "Upgrade", "Upgrade": "websocket"}
        plain = client.get("/plots/hours/line")
        assert client.get("/plots/hours/line", headers=asked).data == plain.data

    def test_an_img_gets_a_readable_picture_of_the_size_it_asked_for(self, client):
        reply = client.get("/plots/hours/line?n=99&width=320&height=200", headers=IMG)
        assert (reply.status_code, reply.content_type.partition(";")[0]) == (400, "image/svg+xml")
        assert b'width="320"' in reply.data
        assert b"must be at most 30" in reply.data
        assert reply.headers["Cache-Control"] == "no-store"

    @pytest.mark.parametrize(
        "address", ["/plots/hours/line?n=99", "/plots/hours/fails?x=1", "/plots/hours/refuses?width=300"]
    )
    def test_its_picture_follows_the_theme(self, client, address):
        light, dark, other = (
            client.get(f"{address}&theme={theme}", headers=IMG).data for theme in ("light", "dark", "blue")
        )
        assert b'fill="#fbf9f5"' in light
        assert b'fill="#16191d"' in dark
        assert b"#fbf9f5" not in dark
        assert b"#2b2a28" not in dark
        assert b'fill="#fbf9f5"' in other
        assert b'fill="#16191d"' in client.get("/plots/nowhere?theme=dark", headers=IMG).data

    def test_on_error_status_gives_json_there_too(self, client):
        reply = client.get("/plots/hours/line?n=99&on_error=status", headers=IMG)
        assert (reply.status_code, reply.content_type) == (400, "application/problem+json")

    def test_error_pictures_can_be_switched_off(self, make_client):
        reply = make_client(PLOTS, error_pictures=False).get("/plots/hours/line?n=99", headers=IMG)
        assert reply.content_type == "application/problem+json"

    def test_a_browser_gets_a_page(self, client):
        reply = client.get("/plots/hours/line?n=99", headers={"Accept": "text/html,*/*;q=0.8"})
        assert reply.content_type.startswith("text/html")
        assert "must be at most 30" in reply.text

    @pytest.mark.parametrize("accept", ["application/json", "text/html", "image/svg+xml"])
    def test_what_went_wrong_inside_stays_inside(self, client, caplog, accept):
        reply = client.get("/plots/hours/fails.png", headers={"Accept": accept, "X-Request-ID": "my-id-1"})
        assert reply.status_code == 500
        assert reply.headers["X-Request-ID"] == "my-id-1"
        for word in ("KeyError", "secret detail", "Traceback", "plots.py", "/etc"):
            assert word not in reply.text
        assert "my-id-1" in caplog.text
        assert "secret detail of /etc" in caplog.text
        assert "raise KeyError" in caplog.text

    def test_an_author_may_say_why_there_is_no_picture(self, client):
        reply = client.get("/plots/hours/refuses")
        assert (reply.status_code, reply.json["title"]) == (422, "no orders in this week")

    def test_a_type_that_is_no_picture_is_406(self, client):
        reply = client.get("/plots/hours/line", headers={"Accept": "application/json"})
        assert (reply.status_code, reply.json["code"]) == (406, "not_acceptable")
        assert client.get("/plots/hours/line.png", headers={"Accept": "application/json"}).status_code == 200

    def test_a_request_id_that_could_break_a_log_is_replaced(self, client):
        reply = client.get("/healthz", headers={"X-Request-ID": "a b"})
        assert reply.headers["X-Request-ID"] != "a b"


class TestPages:
    def test_the_list_for_people(self, client):
        reply = client.get("/")
        assert reply.content_type.startswith("text/html")
        assert 'src="/plots/hours/line"' in reply.text
        assert "/plot.png" not in reply.text

    def test_the_list_for_programs(self, client):
        plots = {plot["name"]: plot for plot in client.get("/plots.json").json["plots"]}
        assert plots["hours/line"]["address"] == "/plots/hours/line"
        assert plots["hours/line"]["formats"] == ["png", "svg", "pdf", "webp", "jpg"]
        assert plots["/fixed.png"]["formats"] == ["png"]
        assert plots["of/<customer>/revenue"]["links"]["picture"] is None

    @pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
    def test_each_document_of_a_plot_is_linked_and_answers(self, client, document):
        plots = {plot["name"]: plot for plot in client.get("/plots.json").json["plots"]}
        for name in ("hours/line", "/fixed.png"):
            reply = client.get(plots[name]["links"][document.name])
            assert (reply.status_code, reply.content_type) == (200, document.media_type)

    def test_the_schema_of_a_plot(self, client):
        reply = client.get("/plots/hours/line.schema.json")
        schema = json.loads(reply.data)
        assert schema["properties"]["method"]["enum"] == ["linear", "cubic"]
        assert schema["properties"]["n"]["minimum"] == 2
        assert schema["additionalProperties"] is False
        assert set(schema["options"]["properties"]) >= {"width", "height", "dpr", "theme"}
        again = client.get("/plots/hours/line.schema.json", headers={"If-None-Match": reply.headers["ETag"]})
        assert again.status_code == 304

    def test_health_and_metrics(self, client):
        assert client.get("/healthz").text == "ok\n"
        assert client.get("/readyz").status_code == 200
        client.get("/plots/hours/line")
        metrics = client.get("/metrics").text
        assert 'plotroute_answers_total{outcome="miss",plot="hours/line",status="200"} 1.0' in metrics

    def test_the_files_of_a_front_end(self, make_client, tmp_path):
        site = tmp_path / "site"
        site.mkdir()
        (site / "page.html").write_text("<h1>hello</h1>")
        (site / ".secret").write_text("no")
        client = make_client(PLOTS, site=site)
        with client.get("/page.html") as page:
            assert page.text == "<h1>hello</h1>"
        for address in ("/.secret", "/../plots.py", "/%2e%2e/plots.py", "/none.html"):
            assert client.get(address).status_code == 404


def test_nothing_of_the_request_becomes_a_file_or_a_header(client):
    for path in ("/plots/%2e%2e/%2e%2e/etc/passwd", "/plots//hours/line", "/plots/hours/line%00"):
        assert client.get(path).status_code == 404
    reply = client.get("/plots/hours/line?n=5%0d%0aSet-Cookie:%20a=b")
    assert reply.status_code == 400
    assert "Set-Cookie" not in reply.headers
