import re

import pytest
from conftest import PASSWORD, token

from backoffice.models import Customer, Order, db


@pytest.mark.parametrize("address", ["/", "/orders"])
def test_a_page_leads_who_is_not_logged_in_to_the_login(app, address):
    reply = app.test_client().get(address)

    assert reply.status_code == 302
    assert reply.location.startswith("/login?next=")


def test_who_logs_in_sees_the_page_that_was_asked_for(app):
    client = app.test_client()
    form = {"name": "sam", "password": PASSWORD, "csrf_token": token(client.get("/login"))}
    reply = client.post("/login?next=/orders", data=form)

    assert (reply.status_code, reply.location) == (302, "/orders")
    assert client.get("/orders").status_code == 200


@pytest.mark.parametrize(
    "elsewhere", ["//other.example", "https://other.example/", "/\\other.example", "other"]
)
def test_the_login_leads_nowhere_else(app, elsewhere):
    client = app.test_client()
    form = {"name": "sam", "password": PASSWORD, "csrf_token": token(client.get("/login"))}
    reply = client.post("/login", query_string={"next": elsewhere}, data=form)

    assert (reply.status_code, reply.location) == (302, "/")


@pytest.mark.parametrize(("name", "password"), [("sam", "wrong"), ("nobody", PASSWORD), ("sam", "")])
def test_a_wrong_name_or_password_logs_nobody_in(app, name, password):
    client = app.test_client()
    form = {"name": name, "password": password, "csrf_token": token(client.get("/login"))}

    assert client.post("/login", data=form).status_code == 200
    assert client.get("/").status_code == 302


def test_who_logs_out_is_nobody(logged_in):
    client = logged_in("sam")
    assert client.post("/logout", data={"csrf_token": token(client.get("/"))}).location == "/login"
    assert client.get("/").status_code == 302


@pytest.mark.parametrize("address", ["/login", "/orders", "/logout"])
def test_a_form_of_somebody_elses_page_is_refused(logged_in, address):
    assert logged_in("sam").post(address, data={"amount": "1"}).status_code == 400


def test_an_order_that_is_added_is_the_sellers(app, logged_in):
    client = logged_in("sam")
    with app.app_context():
        customer = db.session.scalar(db.select(Customer.id).filter_by(name="Elbe"))
    form = {"customer": customer, "amount": "12.50", "csrf_token": token(client.get("/orders"))}
    assert client.post("/orders", data=form).status_code == 302

    assert "12.50 €" in client.get("/orders").text
    assert "12.50 €" not in logged_in("kim").get("/orders").text
    with app.app_context():
        order = db.session.scalar(db.select(Order))
        assert (order.seller.name, order.customer.name) == ("sam", "Elbe")


@pytest.mark.parametrize("amount", ["0", "-5", "nan", "many", "", "1000000.01"])
def test_an_amount_that_is_none_adds_no_order(app, logged_in, amount):
    client = logged_in("sam")
    with app.app_context():
        customer = db.session.scalar(db.select(Customer.id))
    form = {"customer": customer, "amount": amount, "csrf_token": token(client.get("/orders"))}

    assert client.post("/orders", data=form).status_code == 200
    with app.app_context():
        assert db.session.scalar(db.select(Order)) is None


@pytest.mark.parametrize("name", ["sam", "mia"])
def test_every_picture_of_the_dashboard_is_one_that_its_reader_may_see(logged_in, add_order, name):
    add_order(name)
    client = logged_in(name)
    page = client.get("/").text
    sources = [address.replace("&amp;", "&") for address in re.findall(r'<img[^>]* src="([^"]+)"', page)]

    assert len(sources) == (3 if name == "mia" else 2)
    for address in sources:
        reply = client.get(address)
        assert (reply.status_code, reply.mimetype) == (200, "image/png"), address
