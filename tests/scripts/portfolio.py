import matplotlib.pyplot as plt
import seaborn as sns
import style  # noqa: F401
from loading import note, read

from plotroute import Picture, Plots

plots = Plots()


@plots.dataset
def prices():
    return read("prices", index_col="date", parse_dates=True)


@plots.dataset
def returns(prices):
    return prices.pct_change().dropna() * 100


@plots.plot
def growth(prices, start=100):
    """What 100 invested at the beginning would be worth."""
    return (prices / prices.iloc[0] * start).plot(logy=True, lw=1.5, xlabel="", title="Growth")


@plots.plot
def drawdown(prices, ticker="DLTA"):
    p = prices[ticker]
    dd = p / p.cummax() - 1
    fig, (top, bottom) = plt.subplots(
        2, 1, sharex=True, figsize=(9, 5), gridspec_kw={"height_ratios": [2, 1]}
    )
    top.plot(p, color="C3")
    top.set_title(f"{ticker}: worst fall {dd.min():.0%}")
    bottom.fill_between(dd.index, dd, 0, color="C3", alpha=0.4)
    bottom.yaxis.set_major_formatter("{x:.0%}")
    bottom.tick_params(axis="x", rotation=30)
    fig.tight_layout()
    return Picture(fig, alt=f"Price of {ticker}, which once fell by {-dd.min():.0%} from its height.")


@plots.plot
def pairs(returns):
    """Daily returns of every pair of shares."""
    return sns.pairplot(returns, height=1.7, plot_kws={"s": 8, "alpha": 0.5}, diag_kws={"bins": 25})


@plots.plot
def two_shares(returns, x="ALFA", y="BRVO"):
    """Daily returns of one share against another's."""
    g = sns.jointplot(data=returns, x=x, y=y, kind="hex", height=5)
    g.ax_joint.axhline(0, color="0.5", lw=0.8)
    g.ax_joint.axvline(0, color="0.5", lw=0.8)
    return g


@plots.plot
def volatility(returns, days=30):
    fig = plt.figure(figsize=(8, 4))
    ax = fig.add_subplot()
    (returns.rolling(days).std() * 252**0.5).plot(ax=ax)
    ax.set_ylabel("volatility (% a year)")
    ax.set_xlabel("")
    note(ax, f"{days} days")
    return ax
