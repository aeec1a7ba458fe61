"""A back office: sellers enter orders and see their own, and managers see the revenue of all."""

from flask import Flask
from flask_login import login_required

from backoffice.auth import auth, csrf, login_manager, may_see
from backoffice.models import db
from backoffice.plots import plots
from backoffice.seed import seed
from backoffice.views import views


def create_app(config=None):
    app = Flask(__name__)
    app.config.from_mapping(
        SQLALCHEMY_DATABASE_URI="postgresql+psycopg:///backoffice",
        SESSION_COOKIE_SAMESITE="Lax",
    )
    app.config.from_prefixed_env("BACKOFFICE")  # BACKOFFICE_SECRET_KEY, …
    app.config.from_mapping(config or {})

    db.init_app(app)
    login_manager.init_app(app)
    csrf.init_app(app)
    app.register_blueprint(auth)
    app.register_blueprint(views)
    app.cli.add_command(seed)
    plots.init_app(app, decorators=(login_required,), authorize=may_see, factory="backoffice:create_app")
    return app
