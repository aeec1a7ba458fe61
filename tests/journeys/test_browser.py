"""Pictures and pages as readers see them: Chromium looks at a real server."""

import functools
import http.server
import shutil
import threading
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

EXAMPLES = Path(__file__).parents[2] / "examples"
MATRIX = "/plots/breast_cancer_data/correlation_matrix"
THREE_ERRORS = f"{MATRIX}?method=spearmann&features=99&foo=1"

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def demo(start_server):
    return start_server(
        "examples/demo",
        cwd=EXAMPLES.parent,
        arguments=("--site", "examples/demo/site"),
        # The test is about what is seen: a busy machine may take its time.
        PLOTROUTE_RENDER_TIMEOUT="100",
        PLOTROUTE_LOAD_TIMEOUT="100",
        PLOTROUTE_QUEUE_TIMEOUT="100",
    )


@pytest.fixture(scope="module")
def browser():
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        pytest.fail(
            f"None of {', '.join(CHROMIUM)} is on the PATH; on Debian and Ubuntu: apt-get install chromium"
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """Open an address in a window of its own; `page.went_wrong` fills with what failed to load."""
    contexts = []

    def open_(url, *, width=1280, height=900, **options):
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        page.went_wrong = []
        page.on("requestfailed", lambda request: page.went_wrong.append((request.url, request.failure)))
        page.on("response", lambda r: r.status >= 400 and page.went_wrong.append((r.url, r.status)))
        page.on("console", lambda m: m.type == "error" and page.went_wrong.append(("console", m.text)))
        page.on("pageerror", lambda error: page.went_wrong.append(("script", str(error))))
        page.answer = page.goto(url)
        return page

    yield open_
    for context in contexts:
        context.close()


@pytest.fixture
def other_site(tmp_path):
    """Serve one HTML text from another port, that is another origin, and return its URL."""
    servers = []

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    def serve(body):
        (tmp_path / "index.html").write_text(
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Elsewhere</title>'
            f'<link rel="icon" href="data:,">{body}'
        )
        handler = functools.partial(Quiet, directory=str(tmp_path))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/"

    yield serve
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def look_at_pictures(page):
    """Scroll to every picture, as a reader does, and return [address shown, natural width and height] of each."""
    pictures = page.locator("img").all()
    for picture in pictures:
        picture.scroll_into_view_if_needed()
        page.wait_for_function("image => image.complete", arg=picture.element_handle())
    return page.evaluate("[...document.images].map(i => [i.currentSrc, i.naturalWidth, i.naturalHeight])")


def look_at(page, locator):
    """Return a screenshot of an element."""
    return Image.open(BytesIO(page.locator(locator).screenshot())).convert("RGB")


def colours(image):
    return len(image.getcolors(image.width * image.height))


def width_of_content(page):
    return page.evaluate("document.documentElement.scrollWidth")


def load_event(page, url):
    """Return which event a new <img> fires for an address: load or error."""
    return page.evaluate(
        """url => new Promise(done => {
            const image = new Image();
            image.onload = () => { document.body.append(image); done('load'); };
            image.onerror = () => done('error');
            image.src = url;
        })""",
        url,
    )


@pytest.mark.parametrize("width", [1280, 390])
def test_the_report_shows_every_picture(demo, open_page, width):
    page = open_page(f"{demo.url}/report.html", width=width)
    shown = look_at_pictures(page)
    assert len(shown) >= 10
    assert [address for address, natural, _ in shown if not natural] == []
    assert page.went_wrong == []
    assert width_of_content(page) <= width


@pytest.mark.parametrize(("scheme", "background"), [("dark", (0x16, 0x19, 0x1D)), ("light", (255, 255, 255))])
def test_a_picture_element_follows_the_readers_colours(demo, open_page, scheme, background):
    page = open_page(f"{demo.url}/report.html", color_scheme=scheme)
    shown = [address for address, *_ in look_at_pictures(page) if "/plots/rides/daily?width=960" in address]
    assert len(shown) == 1
    assert ("theme=dark" in shown[0]) == (scheme == "dark")
    picture = page.locator("picture img").first
    assert picture.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [960, 400]
    seen = Image.open(BytesIO(picture.screenshot())).convert("RGB")
    assert seen.getpixel((12, seen.height // 2)) == background
    assert page.went_wrong == []


def test_a_sharp_screen_gets_twice_the_pixels(demo, open_page):
    page = open_page(f"{demo.url}/report.html", device_scale_factor=2)
    picture = page.locator("picture img").first
    page.wait_for_function("image => image.complete", arg=picture.element_handle())
    assert "dpr=2" in picture.evaluate("image => image.currentSrc")
    body = page.request.get(picture.evaluate("image => image.currentSrc")).body()
    assert Image.open(BytesIO(body)).size == (1920, 800)
    # The browser counts in CSS pixels, so that the page does not move.
    assert picture.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [960, 400]


def test_the_list_of_plots_shows_them(demo, open_page):
    page = open_page(f"{demo.url}/")
    shown = look_at_pictures(page)
    assert {address.removeprefix(demo.url) for address, *_ in shown} == {
        MATRIX,
        "/random.png",
        "/plots/rides/daily",
        "/plots/rides/by_month",
        "/plots/rides/weekdays",
        "/plots/rides/calendar",
    }
    assert [address for address, natural, _ in shown if not natural] == []
    assert page.went_wrong == []


def test_the_list_of_plots_fits_a_telephone(demo, open_page):
    page = open_page(f"{demo.url}/plots", width=390)
    look_at_pictures(page)
    assert width_of_content(page) <= 390


def test_an_error_in_a_picture_is_a_picture_that_can_be_read(demo, open_page):
    page = open_page(f"{demo.url}/healthz")
    assert load_event(page, f"{THREE_ERRORS}&width=500&height=320") == "load"
    assert page.went_wrong[0][1] == 400  # the status tells the truth all the same
    size = page.evaluate("[document.images[0].naturalWidth, document.images[0].naturalHeight]")
    assert size == [500, 320]
    seen = look_at(page, "img")
    assert seen.size == (500, 320)
    assert colours(seen) > 20  # letters, with their smooth edges
    ink = seen.convert("L").point(lambda level: 255 * (level < 128)).getbbox()
    assert ink is not None
    assert ink[2] - ink[0] > 300
    assert ink[3] - ink[1] > 100


def test_an_error_without_a_size_has_one_too(demo, open_page):
    page = open_page(f"{demo.url}/healthz")
    assert load_event(page, THREE_ERRORS) == "load"
    assert page.evaluate("document.images[0].naturalWidth") == 640
    assert colours(look_at(page, "img")) > 20


@pytest.mark.parametrize("address", [THREE_ERRORS, "/plots/no_such_plot?", "/plots/rides/daily?period=2030"])
def test_on_error_status_fires_onerror(demo, open_page, address):
    page = open_page(f"{demo.url}/healthz")
    assert load_event(page, address) == "load"
    assert load_event(page, f"{address}&on_error=status") == "error"


def test_an_address_with_errors_opens_as_a_page_that_names_them(demo, open_page):
    page = open_page(demo.url + THREE_ERRORS, width=390)
    assert page.answer.status == 400
    assert page.answer.headers["content-type"].startswith("text/html")
    assert page.answer.headers["cache-control"] == "no-store"
    errors = page.locator(".wrong li").all_inner_texts()
    assert len(errors) == 3
    for name, words in {"method": "spearman", "features": "30", "foo": ""}.items():
        [text] = [text for text in errors if text.startswith(name)]
        assert words in text
    assert width_of_content(page) <= 390
    assert [what for what in page.went_wrong if what[0] == "script"] == []


def test_another_sites_pages_embed_pictures(demo, open_page, other_site):
    url = other_site(
        f'<img id="matrix" src="{demo.url}{MATRIX}?features=12&amp;width=480">'
        f'<img id="random" src="{demo.url}/random.png">'
        f'<img id="svg" src="{demo.url}/plots/rides/weekdays.svg">'
        f'<img id="wrong" src="{demo.url}{THREE_ERRORS.replace("&", "&amp;")}&amp;width=480&amp;height=320">'
    )
    page = open_page(url)
    shown = look_at_pictures(page)
    assert [natural for _, natural, _ in shown] == [480, 500, 640, 480]
    for name in ("matrix", "random", "svg", "wrong"):
        assert colours(look_at(page, f"#{name}")) > 20, name
    assert [what for what in page.went_wrong if what[0] != "console"] == [(shown[3][0], 400)]


def test_a_dark_page_of_another_site_gets_the_dark_picture(demo, open_page, other_site):
    address = f"{demo.url}/plots/rides/weekdays?width=480&amp;height=300"
    url = other_site(
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{address}&amp;theme=dark">'
        f'<img src="{address}" width="480" height="300"></picture>'
    )
    page = open_page(url, color_scheme="dark")
    [[shown, *size]] = look_at_pictures(page)
    assert shown.endswith("&theme=dark")
    assert size == [480, 300]
    assert look_at(page, "img").getpixel((3, 3)) == (0x16, 0x19, 0x1D)
