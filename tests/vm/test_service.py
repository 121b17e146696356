"""The service as it is installed, under systemd, in its sandbox: serial devices, udev and the network are in reach, and it comes back."""
import pytest
import requests

from daemon import until
from vm import Guest

NUMBER = "+4915112345678"
DROP_IN = "/run/systemd/system/smsbridge.service.d"


class Service(Guest):
    """The same daemon, started by systemd; what it writes goes to a file, as there is no journal."""
    CONFIG = "/etc/smsbridge/smsbridged.conf"

    def start(self, wait=True):
        self.vm.shell(f"""
            mkdir -p {DROP_IN} /run/smsbridge-test; rm -rf {self.LOG} /var/lib/smsbridge
            printf '[Service]\\nStandardError=append:{self.LOG}\\n' > {DROP_IN}/log.conf
            cat > {self.CONFIG} <<'CONFIG'\n{self.config()}\nCONFIG
            chown root:smsbridge {self.CONFIG}; chmod 640 {self.CONFIG}
            systemctl daemon-reload
            systemctl start smsbridge.service""", seconds=90)
        self.api, self.links = f"127.0.0.1:{self.vm.api_port}", f"127.0.0.1:{self.vm.links_port}"
        return self

    def property(self, name):
        return self.vm.shell(f"systemctl show --value -p {name} smsbridge.service").strip()

    def stop(self):
        self.vm.shell("systemctl stop smsbridge.service", seconds=60)
        return int(self.property("ExecMainStatus"))


@pytest.fixture
def service(sockets, tmp_path):
    service = Service(sockets, tmp_path / "service")
    try:
        yield service
    finally:
        service.stop()


def test_in_its_box(make_sim, sockets, service):
    sim = make_sim(1)
    name = "m" + sim.modems[0]["imei"][-6:]
    service.start()         # returns when it has said READY=1
    assert service.property("ActiveState") == "active"
    assert service.property("WatchdogUSec") == "1min"
    until("the API answers", lambda: requests.get(service.url + "/healthz", timeout=20).status_code == 200)
    sockets.plug(1, sim.port(0))
    service.wait_modem(name, seconds=60)
    msgid = service.send(NUMBER, "from the box")
    service.wait_status(msgid, "DELIVERED", 60)
    assert sim.texts(NUMBER) == ["from the box"]

    pid = service.property("MainPID")
    shown = service.vm.shell(f"grep -E '^(Uid|Gid|Groups|CapEff|NoNewPrivs|Seccomp):' /proc/{pid}/status")
    assert "CapEff:\t0000000000000000" in shown and "NoNewPrivs:\t1" in shown and "Seccomp:\t2" in shown and "Uid:\t990" in shown
    assert service.vm.shell("stat -c '%U %a' /var/lib/smsbridge /var/lib/smsbridge/smsbridge.db").split() == ["smsbridge", "750", "smsbridge", "600"]

    service.vm.shell(f"kill -9 {pid}")
    until("it is started again", lambda: service.property("ActiveState") == "active" and service.property("MainPID") not in ("0", pid), 40)
    service.wait_modem(name, seconds=60)
    assert service.status(msgid)["status"] == "DELIVERED"
    assert service.stop() == 0
