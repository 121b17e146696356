"""Fixtures: modem simulators, daemons and webhook receivers, each real, each stopped by its own pid."""
import itertools

import pytest

from daemon import Daemon
from sim import Sim


@pytest.fixture
def make_sim(tmp_path):
    """make_sim(modems=1, *options): a running modemsim."""
    started, numbers = [], itertools.count()

    def make(*args, **options):
        sim = Sim(tmp_path / f"sim{next(numbers)}", *args, **options)   # from several threads, too
        started.append(sim)
        sim.start()
        return sim
    yield make
    for sim in started:
        sim.stop()


@pytest.fixture
def make_daemon(tmp_path):
    """make_daemon(modems={...}, sections={...}): a running smsbridged that must end well when the test does."""
    made, numbers = [], itertools.count()

    def make(*args, start=True, **options):
        daemon = Daemon(tmp_path / f"daemon{next(numbers)}", *args, **options)
        made.append(daemon)
        return daemon.start() if start else daemon
    yield make
    statuses = [daemon.stop() for daemon in made]
    for daemon, status in zip(made, statuses):
        assert status in (0, -9), f"smsbridged ended with {status}:\n{daemon.log_text()[-4000:]}"


@pytest.fixture
def sim(make_sim):
    return make_sim()


@pytest.fixture
def daemon(sim, make_daemon):
    """A daemon with one simulated modem that is ready."""
    running = make_daemon(modems={"m0": sim.port(0)})
    running.wait_modem("m0")
    return running
