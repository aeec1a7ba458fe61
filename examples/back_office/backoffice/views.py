"""The pages."""

from decimal import Decimal

from flask import Blueprint, redirect, render_template, url_for
from flask_login import current_user, login_required
from flask_wtf import FlaskForm
from wtforms import DecimalField, SelectField, SubmitField
from wtforms.validators import NumberRange

from backoffice.auth import may_see
from backoffice.models import Customer, Order, db
from backoffice.plots import plots

views = Blueprint("views", __name__)


class OrderForm(FlaskForm):
    customer = SelectField(coerce=int)
    amount = DecimalField(validators=[NumberRange(min=Decimal("0.01"), max=1_000_000)], places=2)
    submit = SubmitField("Add the order")


@views.get("/")
@login_required
def dashboard():
    return render_template("dashboard.html", managing=may_see("revenue", {}))


@views.route("/orders", methods=["GET", "POST"])
@login_required
def orders():
    form = OrderForm()
    customers = db.session.scalars(db.select(Customer).order_by(Customer.name))
    form.customer.choices = [(each.id, f"{each.name}, {each.region}") for each in customers]
    if form.validate_on_submit():
        order = Order(customer_id=form.customer.data, seller_id=current_user.id, amount=form.amount.data)
        db.session.add(order)
        db.session.commit()
        plots.changed("revenue_of_days", "regions", "orders_of_user")
        return redirect(url_for("views.orders"))
    own = db.select(Order).filter_by(seller_id=current_user.id)
    latest = db.session.scalars(own.order_by(Order.placed_at.desc()).limit(10))
    return render_template("orders.html", form=form, orders=latest)
