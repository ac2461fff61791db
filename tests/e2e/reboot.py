"""A host that can be rebooted: a worker in a pid namespace of its own.

A reboot is the end of all processes of that namespace; the next one finds another boot id, laid over
/proc/sys/kernel/random/boot_id in its own mount namespace.
"""
import pathlib, subprocess, uuid

from world import BIN, Worker, until

INNER = 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"'


def possible():
    done = subprocess.run(["unshare", "--pid", "--fork", "--mount", "--mount-proc", "true"], capture_output=True)
    return done.returncode == 0


class Host(Worker):
    def start(self, **env):
        boot = self.home / "boot_id"
        boot.write_text(f"{uuid.uuid4()}\n")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["unshare", "--pid", "--fork", "--mount", "--mount-proc", "--kill-child", "sh", "-c", INNER, boot,
                 BIN / "worker/meridian-worker", "--config", self.config], cwd=self.home, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=self.world.environment(
                    HOST=self.name, REGION=self.region, TRACE=str(self.home / "trace"), **env))
        return self

    def halt(self):
        """Kills the namespace's parent: its init dies with it, and with that all within."""
        pid = self.process.pid
        inits = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        self.kill()
        # An init is gone only after all the others.
        until(lambda: not any(pathlib.Path(f"/proc/{init}").exists() for init in inits), "the host's halt", pace=0.005)

    def reboot(self):
        self.halt()
        return self.start()
