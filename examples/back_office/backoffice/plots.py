"""What the dashboard shows. The numbers come from the database, counted there."""

from typing import Literal

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import pandas as pd
from plotroute import CannotDraw, Plots, TimeRange, User
from sqlalchemy import Float, cast, func, select

from backoffice.models import Customer, Order, db

plt.rcParams.update(
    {
        "axes.titlelocation": "left",
        "axes.titleweight": "bold",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "grid.alpha": 0.3,
    }
)

plots = Plots()

LAST_QUARTER = TimeRange("-90d")
REVENUE = cast(func.sum(Order.amount), Float)


def state_of_orders():
    """Another text whenever an order came, went or changed: an index answers it."""
    return state(select(func.max(Order.updated_at), func.count()))


def state_of_my_orders(user):
    return state(select(func.max(Order.updated_at), func.count()).where(Order.seller_id == int(user)))


def state(query):
    changed, count = db.session.execute(query).one()
    return f"{count} {changed}"


def frame(query):
    rows = db.session.execute(query)
    return pd.DataFrame(rows.all(), columns=list(rows.keys()))


def within(period):
    return (Order.placed_at >= period.start) & (Order.placed_at < period.end)


# Polled often, for orders that come by other ways than the page: each poll is one cheap query of one process.


@plots.dataset(version=state_of_orders, poll="250ms")
def revenue_of_days(period: TimeRange = LAST_QUARTER):
    day = func.date_trunc("day", Order.placed_at, "UTC").label("day")
    return frame(select(day, REVENUE.label("revenue")).where(within(period)).group_by(day).order_by(day))


@plots.dataset(version=state_of_orders, poll="250ms")
def regions(period: TimeRange = LAST_QUARTER):
    query = select(Customer.region, func.count().label("orders"), REVENUE.label("revenue"))
    return frame(query.join(Order.customer).where(within(period)).group_by(Customer.region))


@plots.dataset(version=state_of_my_orders, poll="250ms")
def orders_of_user(user: User, period: TimeRange = LAST_QUARTER):
    query = select(Order.placed_at, cast(Order.amount, Float).label("amount")).where(within(period))
    return frame(query.where(Order.seller_id == int(user)).order_by(Order.placed_at))


@plots.plot("revenue", size=(960, 320))
def revenue(ax, revenue_of_days, period: TimeRange = LAST_QUARTER):
    """Revenue per week, or per day of a month or less."""
    if revenue_of_days.empty:
        raise CannotDraw("There are no orders in this period.")
    daily = period.duration.days <= 31
    days = revenue_of_days.set_index("day")["revenue"]
    total = days.resample("D" if daily else "W-MON", label="left", closed="left").sum()
    ax.bar(total.index, total / 1000, width=0.8 if daily else 5.6, align="edge")
    dates = mdates.AutoDateLocator(maxticks=8)
    ax.xaxis.set(major_locator=dates, major_formatter=mdates.ConciseDateFormatter(dates))
    ax.yaxis.set_major_formatter("{x:,.0f}")
    ax.grid(axis="y")
    ax.set_xlim(min(period.start, total.index[0]), period.end)
    ax.set(ylabel="thousand €", title=f"Revenue per {'day' if daily else 'week'}")


@plots.plot("regions", size=(470, 320))
def orders_per_region(
    ax, regions, measure: Literal["orders", "revenue"] = "orders", period: TimeRange = LAST_QUARTER
):
    """Orders, or what they are worth, per region."""
    if regions.empty:
        raise CannotDraw("There are no orders in this period.")
    worth = regions.set_index("region")[measure].sort_values()
    bars = ax.barh(worth.index, worth, color="C2")
    ax.bar_label(bars, fmt="{:,.0f}", padding=4)
    ax.xaxis.set_visible(False)
    ax.spines["bottom"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.margins(x=0.15)
    ax.set_title("Orders per region" if measure == "orders" else "Revenue per region in €")


@plots.plot("my/orders", size=(470, 320))
def my_orders(ax, orders_of_user, period: TimeRange = LAST_QUARTER):
    """The orders of the user."""
    if orders_of_user.empty:
        raise CannotDraw("You have no orders in this period.")
    amounts = orders_of_user["amount"]
    ax.scatter(orders_of_user["placed_at"], amounts, s=22, alpha=0.6, color="C1", linewidth=0)
    dates = mdates.AutoDateLocator(maxticks=6)
    ax.xaxis.set(major_locator=dates, major_formatter=mdates.ConciseDateFormatter(dates))
    ax.yaxis.set_major_formatter("{x:,.0f}")
    ax.grid(axis="y")
    ax.set(xlim=(period.start, period.end), ylim=(0, 1.1 * amounts.max()))
    ax.set(ylabel="€", title=f"My orders: {len(amounts):,}, worth {amounts.sum():,.0f} €")
