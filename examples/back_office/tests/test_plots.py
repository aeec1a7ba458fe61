from datetime import UTC, datetime, timedelta

import pytest

from backoffice.models import Order, db

ALL = ["/plots/revenue", "/plots/regions", "/plots/my/orders"]


@pytest.mark.parametrize("address", ALL)
def test_a_plot_is_only_for_who_is_logged_in(app, add_order, address):
    add_order()

    assert app.test_client().get(address).status_code == 302


@pytest.mark.parametrize("address", [ALL[0], "/plots/revenue.svg", "/plots/regions?measure=revenue"])
def test_revenue_is_for_managers(logged_in, add_order, address):
    add_order()

    assert logged_in("mia").get(address).status_code == 200
    assert logged_in("sam").get(address).status_code == 403


def test_the_number_of_orders_is_for_everyone(logged_in, add_order):
    add_order(customer="Alba")
    add_order(customer="Elbe", amount=50)

    for name in ("mia", "sam"):
        drawn = logged_in(name).get("/plots/regions.svg")
        assert drawn.status_code == 200


@pytest.mark.parametrize("address", ALL)
def test_without_orders_there_is_nothing_to_draw(logged_in, address):
    assert logged_in("mia").get(address).status_code == 422


def test_everyone_sees_their_own_orders(logged_in, add_order):
    add_order("sam", amount=10)
    before = logged_in("sam").get("/plots/my/orders").data
    add_order("kim", amount=20)

    assert logged_in("sam").get("/plots/my/orders").data == before
    assert logged_in("kim").get("/plots/my/orders").data != before
    assert logged_in("sam").get("/plots/my/orders?user=1").status_code == 400


def test_only_managers_see_what_is_before_the_period(logged_in, add_order):
    add_order(placed_at=datetime.now(UTC) - timedelta(days=100))
    client = logged_in("mia")

    assert client.get("/plots/revenue?period=-7d").status_code == 422
    assert client.get("/plots/revenue?period=-1y").status_code in (200, 400)
    assert client.get("/plots/revenue?period=-200d").status_code == 200


def test_a_plot_sees_what_the_test_has_not_committed(app, transaction, logged_in, add_order):
    client = logged_in("mia")
    assert client.get("/plots/regions").status_code == 422

    add_order()
    assert client.get("/plots/regions").status_code == 200
    with app.app_context(), transaction.engine.connect() as another:
        assert another.scalar(db.select(db.func.count()).select_from(Order)) == 0
