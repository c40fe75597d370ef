#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The story of tools/demo: nobody has agreed, the driver agrees, tracks reach the store, the driver takes it back.

Each step does something and then shows that it holds, as an outsider sees it: TCP connections from /proc, the store's
own files, gpsd asked by a client that is not ours. A step that does not hold ends the demo with exit code 1. Nothing
waits by the clock but the drive itself, which is three minutes long and plays twenty times faster.
"""
import argparse
import contextlib
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time

ROOT = pathlib.Path(sys.argv[1]).resolve()
sys.path.insert(0, str(ROOT / "tests/lib"))
os.environ.setdefault("TRAILKEEPD", str(ROOT / "build/src/daemon/trailkeepd"))
CTL = ROOT / "build/src/ctl/trailkeepctl"

from peers.box import Box, NotReady  # noqa: E402  (needs the path above)
from peers import gpsd  # noqa: E402
from peers.bus import CallError  # noqa: E402
from peers.store import Store  # noqa: E402

DRIVE_SECONDS = 180
SECONDS_PER_EPOCH = 0.05
EPOCHS_BEFORE_CONSENT = 15
EPOCHS_BEFORE_SYNC = 90
EPOCHS_BEFORE_WITHDRAWAL = 50
IS_TTY = sys.stdout.isatty() and not os.environ.get("NO_COLOR")


class Failed(Exception):
    """Something that the demo promises does not hold."""


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if IS_TTY else text


def head(text):
    print(f"\n{paint(1, text)}", flush=True)


def tell(text):
    print(textwrap.fill(text, 100, initial_indent="  ", subsequent_indent="  "), flush=True)


def shows(what, holds=True):
    if not holds:
        raise Failed(what)
    print(f"  {paint(32, '✓')} {what}", flush=True)


class Receiver:
    """A drive, the line it comes in by, gpsd, and a witness: a client of gpsd that is not ours."""

    def __init__(self, stack):
        self.line = stack.enter_context(gpsd.best_source()())
        self.daemon = stack.enter_context(gpsd.Gpsd(self.line.path))
        self.witness = stack.enter_context(gpsd.Client(self.daemon.port))
        self.witness.sync()
        self.port = self.daemon.port
        self.epochs = self.new_drive()

    @staticmethod
    def new_drive():
        command = [ROOT / "tools/make-drive", "--kind", "drive", "--seconds", str(DRIVE_SECONDS)]
        return iter(list(gpsd.epochs(subprocess.run(command, capture_output=True, check=True).stdout)))

    def n_fixes(self):
        return sum(o["class"] == "TPV" and o.get("mode", 0) >= 2 for o in list(self.witness.objects))

    def play(self, n_epochs=None):
        """Play so many seconds of the drive, or the rest of it; the fixes that gpsd has made of that."""
        before = self.n_fixes()
        self.witness.sync()
        for n, epoch in enumerate(self.epochs, 1):
            self.line.write(epoch)
            time.sleep(SECONDS_PER_EPOCH)  # what makes it a drive
            if n == n_epochs:
                break
        gpsd.settle(self.line, self.witness)
        return self.n_fixes() - before

    def go_on(self):
        """Drive on in the background, for as long as the demo stays."""
        def drive():
            with contextlib.suppress(OSError, TimeoutError):  # the line is closed when the demo ends
                while True:
                    self.epochs = self.new_drive()
                    self.play()
        threading.Thread(target=drive, daemon=True).start()


class Scene:
    """Store, receiver and box, all ended with the scene."""

    def __init__(self, folder, stack):
        self.store = stack.enter_context(Store(folder))
        self.receiver = Receiver(stack)
        self.box = stack.enter_context(Box({
            "Device": {"LogLevel": "info"},
            # The filter thinks in real time, and a car that is twenty times too fast unbelievable.
            "Gnss": {"Gpsd": f"127.0.0.1:{self.receiver.port}", "Filter": "no"},
            "Store": {"Url": self.store.url, "CaFile": self.store.authority.ca_file, "Interval": "10min",
                      "CertificateFile": self.store.client.cert_file, "KeyFile": self.store.client.key_file},
        }))

    def ctl(self, *arguments):
        """Runs trailkeepctl as somebody at the box would, and shows both the line and the answer."""
        print(f"  {paint(36, '$ trailkeepctl ' + shlex.join(arguments))}", flush=True)
        command = [CTL, "--bus", self.box.bus.address, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        for line in (done.stdout + done.stderr).rstrip().splitlines():
            print(f"    {line}", flush=True)
        if done.returncode:
            raise Failed(f"trailkeepctl ended with {done.returncode}")

    def n_connections(self):
        """TCP connections to gpsd beside the witness's own."""
        return self.box.connections_to(self.receiver.port) - 1

    def until_recorded(self, n_fixes):
        self.box.until("Device1", "Lanes", lambda lanes: lanes["track"]["recorded"] >= n_fixes)

    def tracks(self):
        return [name for name in self.store.objects() if "/tracks/" in name]


def set_the_scene(scene):
    head("The stage")
    shows(f"a store: nginx with WebDAV, {scene.store.url}, only for those with a certificate")
    shows(f"a receiver: gpsd on port {scene.receiver.port}, to be fed a drive of {DRIVE_SECONDS} seconds through a town")
    scene.box.init()
    shows("the box has made its root secret and its device key: trailkeepd --init")
    scene.box.start()
    shows("trailkeepd is ready, on a bus of its own")


def nobody_has_agreed(scene):
    head("1  Nobody has agreed: nothing is collected")
    n_seen = scene.receiver.play(EPOCHS_BEFORE_CONSENT)
    tell(f"The car sets off. gpsd has reported {n_seen} fixes to somebody else by now.")
    shows("trailkeepd has no connection to gpsd", scene.n_connections() == 0)
    shows("trailkeepd has recorded nothing", scene.box.track()["recorded"] == 0)
    shows("the store is empty", not scene.store.objects())


def the_driver_agrees(scene):
    head("2  The driver agrees: fixes arrive")
    scene.ctl("consent", "grant", "location")
    scene.box.until("Device1", "GnssState", lambda state: state in ("watching", "fixing"))
    shows("trailkeepd is connected to gpsd", scene.n_connections() == 1)
    n_fixes = scene.receiver.play(EPOCHS_BEFORE_SYNC)
    scene.until_recorded(n_fixes)
    shows(f"{n_fixes} fixes are sealed and on disk")


def tracks_reach_the_store(scene):
    head("3  They reach the store")
    scene.ctl("sync", "now")
    names = scene.tracks()
    n_stored = sum(len(scene.store.read_records(name)) for name in names)
    n_recorded = scene.box.track()["recorded"]
    is_right = n_stored == n_recorded and len(names) == 1
    shows(f"{n_stored} fixes lie in the store, once each, in one object", is_right)
    scene.ctl("status")


def the_driver_takes_it_back(scene):
    head("4  The driver takes it back: it stops at once")
    n_before = scene.box.track()["recorded"]
    n_fixes = scene.receiver.play(EPOCHS_BEFORE_WITHDRAWAL)
    scene.until_recorded(n_before + n_fixes)
    tell(f"The drive has gone on; {n_fixes} more fixes are on disk and not yet sent.")
    scene.ctl("consent", "withdraw", "--keep", "location")
    shows("the connection to gpsd is gone", scene.n_connections() == 0)
    n_unheard = scene.receiver.play()
    is_still = scene.box.track()["recorded"] == n_before + n_fixes
    shows(f"gpsd has reported {n_unheard} more fixes, of which none was recorded", is_still)


def the_box_forgets(scene):
    head("5  The box forgets; the owner's copy in the store stays")
    scene.ctl("data", "erase", "--keep-stored", "--yes")
    scene.ctl("data", "summary")
    summary = scene.box.bus.call("Data1", "Summary")[0]
    shows("nothing that was recorded can be read here any more", records_in(summary, "location") == 0)
    shows("the tracks are still in the store", bool(scene.tracks()))


def records_in(summary, purpose):
    value = summary[purpose]["records"]
    return value["data"] if isinstance(value, dict) else value


def open_the_tracks(scene):
    head("The tracks, as any GIS opens them")
    for name in scene.tracks():
        path = scene.store.path("objects", name)
        print(f"  {path}", flush=True)
        command = ["ogrinfo", "-ro", "-al", "-so", f"/vsigzip/{path}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        lines = done.stdout.splitlines()
        fields = [line.split(":")[0] for line in lines if line.endswith(")") and ": " in line and "Extent" not in line]
        for line in lines:
            if line.startswith(("Geometry", "Feature Count", "Extent")):
                print(f"    {line}", flush=True)
        print(textwrap.fill("Fields: " + " ".join(fields), 100, initial_indent="    ", subsequent_indent="    "))
        shows("ogrinfo reads it", done.returncode == 0 and "Feature Count" in done.stdout)


STORY = (set_the_scene, nobody_has_agreed, the_driver_agrees, tracks_reach_the_store, the_driver_takes_it_back,
         the_box_forgets, open_the_tracks)


def stay(scene):
    head("All of it goes on. Try, in another terminal:")
    print(f"  ctl='{CTL} --bus {scene.box.bus.address.split(',')[0]}'")
    for verb in ("status", "consent grant location", "monitor", "sync now", "consent withdraw location"):
        print(f"  $ctl {verb}")
    print(f"\n  configuration {scene.box.config}\n  log           {scene.box.log_path}\n"
          f"  store         {scene.store.path('objects')}\n\nCtrl-C ends it.", flush=True)
    scene.receiver.go_on()
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()


def main():
    parser = argparse.ArgumentParser(prog="tools/demo", description="The whole way, once.")
    parser.add_argument("--keep", action="store_true", help="go on until Ctrl-C")
    options = parser.parse_args(sys.argv[2:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="trailkeep-demo-"))
        scene = Scene(folder, stack)
        try:
            for part in STORY:
                part(scene)
        except (Failed, CallError, NotReady, TimeoutError) as error:
            print(f"\n{paint(31, f'This does not hold: {error}')}\nThe log of trailkeepd ends so:", flush=True)
            print(textwrap.indent(scene.box.log()[-4000:], "  "), flush=True)
            return 1
        if options.keep:
            stay(scene)
    head("The stage is cleared: every process has ended, every file is gone.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
