"""How long things take: single messages through an idle modem."""
import statistics
import time

from daemon import SLOW


def number(i):
    return f"+4917{i:08d}"


def test_each_goes_out_at_once(make_sim, make_daemon):
    """One after another: no message waits until the modem looks by itself, which it does every second."""
    sim = make_sim(1, "--submit-delay", 10, "--report-delay", 20)
    daemon = make_daemon(modems={"m0": sim.port(0)})
    daemon.wait_modem("m0")
    took = []
    for i in range(5):
        began = time.monotonic()
        daemon.wait_status(daemon.send(number(i), "hello"), "DELIVERED")
        took.append(time.monotonic() - began)
    print("seconds:", [round(value, 3) for value in took])
    assert statistics.median(took) < 0.6 * min(SLOW, 1.5), took
