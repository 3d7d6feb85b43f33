"""A siege of the server: crashes, a full disk, a failing disk, flipped bytes, overload, crowds of idle and of slow clients.
Prints one table and exits with 1 when anything that was acknowledged is lost, or a neighbour is no longer served.

Usage: siege.py [SECONDS [ROW...]]     default 600, for all rows; what needs root, or more descriptors than there may be, says so in
                                       the table"""

import asyncio
import contextlib
import dataclasses
import math
import os
import pathlib
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import botocore.exceptions

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "wire"), str(TESTS / "hostile")]

import conftest  # noqa: E402
import disk  # noqa: E402
import hosting  # noqa: E402

NOTES = ("--deploy", conftest.TEMPLATE)
CROWD = 10_000
SEED = 10


@dataclasses.dataclass
class Figures:
    """What a row of the table says; `lost` must be 0."""

    tries: int = 0
    lost: int = 0
    refused: int = 0
    times_ms: list = dataclasses.field(default_factory=list)
    peak_mib: float = 0
    note: str = ""

    def p99_ms(self):
        times = sorted(self.times_ms)
        return times[math.ceil(len(times) * 0.99) - 1] if times else float("nan")

    def see(self, server):
        """Notes the most memory that the server has had."""
        with contextlib.suppress(OSError, StopIteration):
            lines = pathlib.Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
            peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
            self.peak_mib = max(self.peak_mib, peak / 1024)

    def count(self, items):
        """Reads all that was acknowledged, and takes the figures over."""
        self.lost += len(items.missing())
        self.tries, self.refused, self.times_ms = len(items.kept) + len(items.refusals), len(items.refusals), items.times_ms


@contextlib.contextmanager
def server_of(*arguments, prefix=(), below=None):
    with tempfile.TemporaryDirectory(prefix="skylite-", dir=below) as data:
        server = conftest.Server(data, *arguments, prefix=prefix).start()
        try:
            yield server
        except BaseException:
            print(server.log[-hosting.LOG_SHOWN :], file=sys.stderr)
            raise
        finally:
            if server.process.poll() is None:
                server.stop()


def write_in_threads(items, least, seconds=0.0, threads=4):
    """Writes of different sizes until the server is gone. Returns the threads when `least` were acknowledged, and the time is
    up."""
    until = time.monotonic() + seconds
    wanted = len(items.kept) + least

    def write(name):
        table = items.server.client("dynamodb")
        number = 0
        with contextlib.suppress(botocore.exceptions.BotoCoreError):
            while True:
                items.put(table, f"{name}-{number}", random.choice((100, 1000, 20_000)))
                number += 1

    workers = [threading.Thread(target=write, args=(f"{time.monotonic_ns()}-{i}",)) for i in range(threads)]
    for worker in workers:
        worker.start()
    while len(items.kept) < wanted or time.monotonic() < until:
        time.sleep(0.01)
        if not any(worker.is_alive() for worker in workers):
            raise AssertionError("nobody writes any more:\n" + items.server.log)
    return workers


def join(workers):
    for worker in workers:
        worker.join()


# --- Crashes and disks ---


def kill_cycles(seconds):
    """kill -9 under load, over and over, in one data folder."""
    figures = Figures()
    until = time.monotonic() + seconds
    cycles = 0
    with server_of() as server:
        items = disk.Items(server)
        while time.monotonic() < until:
            workers = write_in_threads(items, random.randrange(20, 60), random.uniform(0, 1))
            figures.see(server)
            server.kill()
            join(workers)
            server.start()
            items.reopen()
            figures.lost += len(items.missing(200))
            cycles += 1
        figures.count(items)
    figures.note = f"{cycles} kills"
    return figures


def full_disk(seconds):
    """Someone else takes the whole disk, again and again; the server is killed meanwhile."""
    if os.geteuid() != 0:
        return Figures(note="needs root: not run")
    figures = Figures()
    until = time.monotonic() + seconds
    cycles = 0
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="skylite-")))
        folder.chmod(0o755)
        small = stack.enter_context(disk.small_disk(folder / "disk"))
        ballast = disk.Ballast(small)
        ballast.add(24 << 20)
        server = stack.enter_context(server_of(below=small))
        items = disk.Items(server)
        while cycles == 0 or time.monotonic() < until:
            items.put_until_refused(f"full-{cycles}", limit=300)
            with ballast.filling():
                disk.wait_for_health(server, 503)
                items.put_until_refused(f"late-{cycles}")
                figures.lost += len(items.missing(50))
                figures.see(server)
                if cycles % 2 == 0:
                    server.kill()
                    server.start()
                    items.reopen()
                    figures.lost += len(items.missing(50))
            # Room for the next cycle.
            for key in [key for key in items.kept if key.startswith("full-")]:
                with contextlib.suppress(botocore.exceptions.ClientError):
                    items.delete(key)
            disk.wait_for_health(server, 200)
            cycles += 1
        figures.count(items)
    figures.note = f"{cycles} times full"
    return figures


def failing_disk(seconds):
    """fsync or write fails: the server ends, and starts again with all that it acknowledged."""
    figures = Figures()
    if not disk.FAIL_IO.exists():
        return Figures(note="not built: not run")
    until = time.monotonic() + seconds
    cycles = 0
    with tempfile.TemporaryDirectory(prefix="skylite-") as folder:
        folder = pathlib.Path(folder)
        with server_of(prefix=disk.fail_io_prefix(folder / "order", folder), below=folder) as server:
            items = disk.Items(server)
            while cycles == 0 or time.monotonic() < until:
                workers = write_in_threads(items, random.randrange(10, 40))
                figures.see(server)
                with disk.failing(folder / "order", ("fdatasync", "write")[cycles % 2]):
                    join(workers)
                    if server.process.wait(timeout=60) == 0:
                        raise AssertionError("a server that cannot write ended as if all were well")
                server.start()
                items.reopen()
                figures.lost += len(items.missing(200))
                cycles += 1
            figures.count(items)
    figures.note = f"{cycles} failures"
    return figures


def flipped_bytes(seconds):
    """One byte of a store that was killed is flipped: all is there, or the damage is told."""
    figures = Figures()
    until = time.monotonic() + seconds
    told = 0
    with server_of() as server, tempfile.TemporaryDirectory(prefix="skylite-") as folder:
        items = disk.Items(server)
        workers = write_in_threads(items, 60)
        figures.see(server)
        server.kill()
        join(workers)
        store, copy = server.data / "store", pathlib.Path(folder) / "store"
        files = [path.name for path in store.iterdir() if path.suffix in (".log", ".sst") or path.name.startswith("MANIFEST")]
        expected = None
        while figures.tries == 0 or time.monotonic() < until:
            shutil.copytree(store, copy, ignore=shutil.ignore_patterns("reserve"))
            if expected is None:
                expected = disk.check(copy.parent)[1]
            name = random.choice([name for name in files if (copy / name).stat().st_size])
            content = bytearray((copy / name).read_bytes())
            content[random.randrange(len(content))] ^= 1 << random.randrange(8)
            (copy / name).write_bytes(content)
            is_whole, keys = disk.check(copy.parent)
            figures.tries += 1
            told += not is_whole
            # The last write may be missing: damage there looks like a write that a crash cut off.
            figures.lost += is_whole and keys < expected - LAST_WRITE_KEYS
            shutil.rmtree(copy)
        server.start()
    figures.note = f"{told} told, {figures.tries - told} harmless"
    return figures


LAST_WRITE_KEYS = 8  # of one write with what is counted beside it

# --- Crowds ---


class Watch:
    """A neighbour that reads its note all the time; what is not answered is lost."""

    def __init__(self, server, figures):
        self.neighbour = hosting.Neighbour(server)
        self.figures = figures
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def _watch(self):
        while not self.is_over.is_set():
            started = time.monotonic()
            try:
                status = self.neighbour.api.call("GET", self.neighbour.path).status
            except OSError:
                self.neighbour.api.close()
                status = 0
            self.figures.times_ms.append((time.monotonic() - started) * 1000)
            self.figures.lost += status not in (200, 429)
            self.is_over.wait(0.13)  # below the plan's rate

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()


async def call_over_and_over(port, request, until, figures):
    while time.monotonic() < until:
        writer = None
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            while time.monotonic() < until:
                writer.write(request)
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
                length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                await reader.readexactly(length)
                figures.tries += 1
                figures.refused += b" 200 " not in head[:16]
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
            figures.refused += 1
            await asyncio.sleep(0.05)
        finally:
            if writer:
                writer.close()


def overload(seconds):
    """Ten times as many callers as keep the server busy."""
    figures = Figures()
    with server_of(*NOTES) as server:
        with Watch(server, figures) as watch:
            api = watch.neighbour.api
            request = f"GET {api.prefix}{watch.neighbour.path} HTTP/1.1\r\nHost: {api.host}\r\nx-api-key: {api.key}\r\n\r\n"

            async def crowd():
                until = time.monotonic() + seconds
                callers = 10 * 8 * (os.cpu_count() or 1)
                await asyncio.gather(*(call_over_and_over(server.port, request.encode(), until, figures) for _ in range(callers)))

            asyncio.run(crowd())
        figures.see(server)
    return figures


def possible_crowd():
    """As many connections as this process and the server may have, in twice the descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CROWD + 512
    if hard != resource.RLIM_INFINITY and hard < wanted and os.geteuid() == 0:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            return CROWD
    limit = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, limit), hard))
    return min(CROWD, limit - 512)


async def hold(server, count, seconds, first, drip, figures):
    """Connections that send `first`, and `drip` now and then, and never a whole request."""
    open_ones = []
    for _ in range(count):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(first)
            open_ones.append(writer)
            figures.tries += 1
        except OSError:
            figures.refused += 1
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for writer in open_ones if drip else ():
            if not writer.is_closing():
                writer.write(drip)
        await asyncio.sleep(1)
    for writer in open_ones:
        writer.close()


def crowd_of(first, drip):
    def row(seconds):
        figures = Figures()
        count = possible_crowd()
        with server_of(*NOTES) as server:
            with Watch(server, figures):
                asyncio.run(hold(server, count, seconds, first, drip, figures))
            figures.lost += disk.health(server)[0] != 200
            figures.see(server)
        figures.note = f"{count} connections"
        return figures

    return row


# --- The table ---

# Name, function, share of the time.
ROWS = [
    ("kill -9 under load", kill_cycles, 0.3),
    ("full disk", full_disk, 0.15),
    ("failing disk", failing_disk, 0.1),
    ("flipped bytes", flipped_bytes, 0.1),
    ("overload x10", overload, 0.15),
    ("idle connections", crowd_of(b"", b""), 0.1),
    ("slow connections", crowd_of(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", b"s"), 0.1),
]


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 600
    wanted = sys.argv[2:]
    random.seed(SEED)
    lost = 0
    print(f"{'siege':20} {'tries':>9} {'lost':>6} {'refused':>9} {'p99 ms':>9} {'peak MiB':>9}")
    for name, run, share in ROWS:
        if wanted and name not in wanted:
            continue
        figures = run(seconds * share)
        lost += figures.lost
        print(
            f"{name:20} {figures.tries:9} {figures.lost:6} {figures.refused:9} {figures.p99_ms():9.1f} "
            f"{figures.peak_mib:9.0f}  {figures.note}",
            flush=True,
        )
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
