"""A company to look at: `flask --app backoffice seed`."""

import random
from datetime import UTC, datetime, timedelta

import click
from flask.cli import with_appcontext

from backoffice.models import Customer, Order, Role, User, db

USERS = {"mia": Role.MANAGER, "sam": Role.SELLER, "kim": Role.SELLER}
CUSTOMERS = {
    "North": ["Aurora", "Birch & Sons", "Coldwater", "Drift"],
    "South": ["Alba", "Bellini", "Corso"],
    "East": ["Anker", "Brandt", "Czerny", "Dorn", "Elbe"],
    "West": ["Armor", "Bellac", "Corbeau"],
}
DAYS = 400


@click.command
@click.option("--password", default="backoffice", help="The password of mia, a manager, and of sam and kim.")
@with_appcontext
def seed(password):
    """Make the tables, three users, and a year of orders."""
    db.create_all()
    if db.session.scalar(db.select(User).limit(1)):
        raise click.ClickException("There are users already: this is for an empty database.")
    users = [User(name=name, role=role) for name, role in USERS.items()]
    for user in users:
        user.set_password(password)
    customers = [Customer(name=name, region=region) for region, names in CUSTOMERS.items() for name in names]
    db.session.add_all([*users, *customers])
    db.session.flush()
    db.session.add_all(orders(users, customers))
    db.session.commit()
    click.echo(f"Log in as {', '.join(USERS)}, with the password {password}.")


def orders(sellers, customers):
    """Some orders of each day: fewer on Sundays, more each month."""
    chance = random.Random(7)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for day in range(DAYS, 0, -1):
        begins = today - timedelta(days=day)
        busy = (0.3 if begins.weekday() == 6 else 1) * (1.6 - day / DAYS)
        for _ in range(round(chance.gauss(6, 2) * busy)):
            [seller] = chance.choices(sellers, [1, 3, 2])
            yield Order(
                customer_id=chance.choice(customers).id,
                seller_id=seller.id,
                amount=round(chance.lognormvariate(5.5, 0.7), 2),
                placed_at=begins + timedelta(hours=8, seconds=chance.randrange(36_000)),
            )
