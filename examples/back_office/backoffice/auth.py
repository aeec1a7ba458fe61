"""Log users in and out, and decide what they may see."""

from urllib.parse import urlsplit

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import LoginManager, current_user, login_required, login_user, logout_user
from flask_wtf import CSRFProtect, FlaskForm
from wtforms import PasswordField, StringField, SubmitField
from wtforms.validators import InputRequired

from backoffice.models import Role, User, db

auth = Blueprint("auth", __name__)
csrf = CSRFProtect()
login_manager = LoginManager()
login_manager.login_view = "auth.login"


@login_manager.user_loader
def load_user(id):
    return db.session.get(User, int(id))


def may_see(plot, params):
    """What the company earns is for managers; how many orders there are is for everyone."""
    if plot == "revenue" or params.get("measure") == "revenue":
        return current_user.role is Role.MANAGER
    return True


class LoginForm(FlaskForm):
    name = StringField(validators=[InputRequired()])
    password = PasswordField(validators=[InputRequired()])
    submit = SubmitField("Log in")


@auth.route("/login", methods=["GET", "POST"])
def login():
    form = LoginForm()
    if form.validate_on_submit():
        user = db.session.scalar(db.select(User).filter_by(name=form.name.data))
        if user is not None and user.has_password(form.password.data):
            login_user(user)
            return redirect(own_address(request.args.get("next")) or url_for("views.dashboard"))
        flash("There is no user with this name and password.")
    return render_template("login.html", form=form)


@auth.post("/logout")
@login_required
def logout():
    logout_user()
    return redirect(url_for("auth.login"))


def own_address(address):
    """The address if it is one of ours: a link to the login page must not lead elsewhere afterwards."""
    if not address or "\\" in address or any(urlsplit(address)[:2]):
        return None
    return address if address.startswith("/") and not address.startswith("//") else None
