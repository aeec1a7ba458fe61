import matplotlib.pyplot as plt
import numpy as np
import style  # noqa: F401

from plotroute import Plots

plots = Plots()

RATE = 500  # samples per second


@plots.dataset
def signal():
    return np.loadtxt("data/signal.txt")


@plots.plot
def waveform(signal, start=0.0, seconds=1.0):
    """The signal itself."""
    t = np.arange(len(signal)) / RATE
    keep = (t >= start) & (t < start + seconds)
    _, ax = plt.subplots(figsize=(9, 3), layout="tight")
    ax.set_xlabel("s")
    return ax.plot(t[keep], signal[keep], lw=0.8)


@plots.plot
def spectrogram(signal, window=128, cmap="magma"):
    _, ax = plt.subplots()
    step = window // 4
    pieces = np.lib.stride_tricks.sliding_window_view(signal, window)[::step] * np.hanning(window)
    power = 20 * np.log10(np.abs(np.fft.rfft(pieces, axis=1)).T + 1e-6)
    seconds = np.arange(power.shape[1]) * step / RATE
    mesh = ax.pcolormesh(seconds, np.fft.rfftfreq(window, 1 / RATE), power, cmap=cmap, vmin=-30)
    ax.set(xlabel="s", ylabel="Hz")
    plt.colorbar(mesh, label="dB")
    return mesh


@plots.plot
def overview(fig, signal):
    """Signal, spectrum and distribution, side by side."""
    axes = fig.subplot_mosaic("AA;BC")
    axes["A"].plot(np.arange(len(signal)) / RATE, signal, lw=0.5)
    axes["A"].set_xlabel("s")
    axes["B"].plot(np.fft.rfftfreq(len(signal), 1 / RATE), np.abs(np.fft.rfft(signal)), lw=0.8)
    axes["B"].set_xlabel("Hz")
    axes["C"].hist(signal, bins=40, orientation="horizontal")
    fig.suptitle(r"$x(t) = \sin(2\pi(20t + 12t^2)) + \varepsilon$")
