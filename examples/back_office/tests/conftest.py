"""A database for all tests, and a transaction for each, which is rolled back."""

import re

import pytest
from postgres import running
from werkzeug.security import generate_password_hash

from backoffice import create_app
from backoffice.models import Customer, Order, Role, User, db

PASSWORD = "a password"
HASH = generate_password_hash(PASSWORD, "pbkdf2:sha256:1")  # not safe, but quick


@pytest.fixture(scope="session")
def app():
    with running() as address:
        app = create_app({"TESTING": True, "SECRET_KEY": "of the tests", "SQLALCHEMY_DATABASE_URI": address})
        with app.app_context():
            db.create_all()
        yield app
        with app.app_context():
            db.engine.dispose()


@pytest.fixture(autouse=True)
def transaction(app):
    """Have all that a test and its requests do on one connection, in a transaction that is rolled back."""
    with app.app_context():
        engines = db.engines
    # Requests get app contexts of their own: in this one they would share a user.
    engine = engines[None]
    with engine.connect() as connection:
        connection.begin()
        connection.begin_nested()  # the app's commits end savepoints and not the transaction
        engines[None] = connection
        yield connection
        engines[None] = engine


@pytest.fixture(autouse=True)
def company(app, transaction):
    """A manager, two sellers, a customer in each of two regions; no orders."""
    with app.app_context():
        for name, role in {"mia": Role.MANAGER, "sam": Role.SELLER, "kim": Role.SELLER}.items():
            db.session.add(User(name=name, role=role, password_hash=HASH))
        db.session.add_all([Customer(name="Alba", region="South"), Customer(name="Elbe", region="East")])
        db.session.commit()


@pytest.fixture
def add_order(app):
    """Add an order to the database, as other programs may."""

    def add(seller="sam", customer="Alba", amount=100, **more):
        with app.app_context():
            who = {"seller_id": id_of(User, seller), "customer_id": id_of(Customer, customer)}
            db.session.add(Order(**who, amount=amount, **more))
            db.session.commit()

    return add


@pytest.fixture
def logged_in(app):
    """Return a client that is logged in with a name."""

    def log_in(name, password=PASSWORD):
        client = app.test_client()
        form = {"name": name, "password": password, "csrf_token": token(client.get("/login"))}
        client.post("/login", data=form)
        return client

    return log_in


def token(page):
    """Return what the page's form proves with that it is ours."""
    return re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page.text)[1]


def id_of(model, name):
    return db.session.scalar(db.select(model.id).filter_by(name=name))
