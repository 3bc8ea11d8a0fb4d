#!/usr/bin/env python3
"""What the HTTP service bears, on loopback: a Markdown table. The work of its jobs only waits (tests/programs/stub_service.cpp), so
that the service itself is measured; clients and service share the machine.

    cmake --build build/release --target stub_service
    bench/service_load.py build/release/bin/stub_service [--seconds 300] [--clients 200] [--postgresql ADDRESS] [SCENARIO ...]

Scenarios: clients slow upload malformed list vanish kills (default: all). Exit code 1 when a count does not add up."""
import argparse
import asyncio
import json
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zlib


def small_png():
    """8 x 6 pixels, RGBA."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = (b"\0" + bytes([200, 100, 50, 0] + [200, 100, 50, 255] * 7)) * 6
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 6, 8, 6, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


PHOTO = small_png()
FORM = (b'--X\r\nContent-Disposition: form-data; name="photo"; filename="cup.png"\r\n\r\n' + PHOTO + b"\r\n--X--\r\n")
FORM_HEADERS = "Content-Type: multipart/form-data; boundary=X\r\n"


class Service:
    """The program under load, whose jobs only wait, as a process; its memory is read from /proc."""

    running = []

    def __init__(self, arguments, folder, workers=4, steps=5, milliseconds=20, fill=0):
        words = [arguments.program, folder, workers, steps, milliseconds, fill] + ([arguments.postgresql] if arguments.postgresql else [])
        self.process = subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, text=True)
        Service.running.append(self.process)
        found = None
        for line in self.process.stdout:
            found = re.search(r"^http://127.0.0.1:(\d+)/", line)
            if found:
                break
        if not found:
            sys.exit(f"service_load: the service does not start: exit code {self.process.wait()}")
        self.port = int(found.group(1))

    def memory(self, what="VmRSS"):
        """Megabytes."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(re.search(what + r":\s+(\d+)", file.read()).group(1)) / 1024

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait()


async def connected(port):
    while True:
        try:
            return await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
        except OSError:  # the queue of the socket is full, or the service is being started again
            await asyncio.sleep(0.05)


async def answer_of(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return status, head, (await reader.readexactly(int(length.group(1))) if length else b"")


async def ask(port, method, path, body=b"", headers=""):
    """→ status, head, body. 0 when the connection ended without an answer."""
    reader, writer = await connected(port)
    try:
        length = f"Content-Length: {len(body)}\r\n" if body or method == "POST" else ""
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{headers}{length}\r\n".encode() + body)
        return await answer_of(reader)
    except (OSError, asyncio.IncompleteReadError):
        return 0, b"", b""
    finally:
        writer.close()


async def status_time(port, path, times):
    """Adds the milliseconds of a call to `times`. A call that is not answered, because its deadline passed on a busy machine, counts
    as one without end."""
    start = time.perf_counter()
    status, _, _ = await ask(port, "GET", path)
    assert status in (0, 200), (path, status)
    times.append((time.perf_counter() - start) * 1000 if status else float("inf"))


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def times_text(times):
    return f"{percentile(times, 0.5):.1f} / {percentile(times, 0.99):.1f} ms of {len(times)}"


async def watched(port, job):
    """Follows the events of a job to their end. → The last state, the number of events."""
    reader, writer = await connected(port)
    state, events = "", 0
    try:
        writer.write(f"GET /v1/jobs/{job}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        while True:
            text = await reader.readuntil(b"\n\n")
            if text.startswith(b"event: job"):
                state = json.loads(text[text.index(b"\ndata: ") + 7:])["state"]
            events += 1
    except (OSError, asyncio.IncompleteReadError):
        return state, events
    finally:
        writer.close()


async def submitted(port):
    """→ The job's id; waits while the queue is full."""
    while True:
        status, _, body = await ask(port, "POST", "/v1/generations", FORM, FORM_HEADERS)
        if status == 202:
            return json.loads(body)["id"]
        if status not in (0, 429, 503):
            sys.exit(f"service_load: {status} {body.decode()}")
        await asyncio.sleep(0.2)


async def counts(port):
    _, _, body = await ask(port, "GET", "/metrics")
    return {state: int(float(number)) for state, number in re.findall(r'gsv3d_jobs{state="(\w+)"} (\S+)', body.decode())}


async def clients(arguments, folder):
    service = Service(arguments, folder)
    before, end = service.memory(), time.monotonic() + arguments.seconds
    times, states, events = [], {}, 0

    async def client():
        nonlocal events
        while time.monotonic() < end:
            job = await submitted(service.port)
            watching = asyncio.create_task(watched(service.port, job))
            while not watching.done():
                await status_time(service.port, "/v1/jobs/" + job, times)
                await asyncio.wait([watching], timeout=1)
            state, number = watching.result()
            states[state] = states.get(state, 0) + 1
            events += number

    await asyncio.gather(*[client() for _ in range(arguments.clients)])
    total = await counts(service.port)
    memory, peak = service.memory(), service.memory("VmHWM")
    assert states == {"succeeded": total["succeeded"]} and total["queued"] + total["running"] + total["failed"] == 0, (states, total)
    service.end()
    return (f"{arguments.clients} clients submit and watch for {arguments.seconds} s",
            f"{total['succeeded']} jobs, none lost or failed, {events} events; status calls {times_text(times)}",
            f"{before:.0f} → {memory:.0f} MB, at most {peak:.0f}")


async def slow(arguments, folder):
    service = Service(arguments, folder)
    before, times, held = service.memory(), [], []

    async def dribble(number):
        reader, writer = await connected(service.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nX: " if number % 2 else
                     b"POST /v1/generations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 999999\r\n\r\n")
        start = time.monotonic()
        try:
            while not reader.at_eof():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.5)
        except OSError:
            pass
        held.append(time.monotonic() - start)
        writer.close()

    slow_ones = [asyncio.create_task(dribble(number)) for number in range(500)]
    while not all(task.done() for task in slow_ones):
        await status_time(service.port, "/healthz", times)
        await asyncio.sleep(0.02)
    memory = service.memory("VmHWM")
    service.end()
    return ("500 clients that send a byte every half second",
            f"let go after at most {max(held):.1f} s (limit 10 s); /healthz beside them {times_text(times)}",
            f"{before:.0f} → at most {memory:.0f} MB")


async def upload(arguments, folder):
    service = Service(arguments, folder)
    before, results = service.memory(), []
    piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
    for _ in range(8):
        reader, writer = await connected(service.port)
        writer.write(b"POST /v1/generations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\n")
        sent = 0
        try:
            while sent < 10**9 and not reader.at_eof() and not len(reader._buffer):  # until it answers
                writer.write(piece)
                sent += 65536
                await writer.drain()
            results.append((sent, (await answer_of(reader))[0]))
        except (OSError, asyncio.IncompleteReadError):
            results.append((sent, 0))
        writer.close()
    status, _, _ = await ask(service.port, "POST", "/v1/generations", b"", "Content-Length: 1000000000\r\n")
    assert all(answer == 413 for _, answer in results) and status in (400, 413), (results, status)
    memory = service.memory("VmHWM")
    assert (await ask(service.port, "GET", "/healthz"))[0] == 200
    service.end()
    return ("8 uploads of 1 GB, one after the other",
            f"413 after {max(sent for sent, _ in results) / 2**20:.0f} MB at most (limit 64 MB)",
            f"{before:.0f} → at most {memory:.0f} MB")


async def malformed(arguments, folder):
    service = Service(arguments, folder)
    before, dice, statuses = service.memory(), random.Random(1), {}
    for _ in range(3000):
        body = bytearray(FORM)
        for _ in range(dice.randrange(1, 6)):
            at = dice.randrange(len(body))
            change = dice.randrange(3)
            if change == 0:
                body[at] = dice.randrange(256)
            elif change == 1:
                del body[at:at + dice.randrange(1, 40)]
            else:
                body[at:at] = bytes(body[dice.randrange(len(body)):][:dice.randrange(1, 60)])
            if not body:
                body = bytearray(b"-")
        status, _, _ = await ask(service.port, "POST", "/v1/generations", bytes(body), FORM_HEADERS)
        statuses[status] = statuses.get(status, 0) + 1
    assert set(statuses) <= {202, 400, 413, 422, 429}, statuses  # the queue holds 1000
    memory = service.memory("VmHWM")
    service.end()
    said = ", ".join(f"{status}: {number}" for status, number in sorted(statuses.items()))
    return ("3000 damaged forms", f"answers {said}", f"{before:.0f} → at most {memory:.0f} MB")


async def long_list(arguments, folder):
    service = Service(arguments, folder, fill=10_000)
    before, first, others, seen, cursor = service.memory(), [], [], set(), ""
    for _ in range(200):
        await status_time(service.port, "/v1/jobs", first)
    while True:
        start = time.perf_counter()
        status, _, body = await ask(service.port, "GET", "/v1/jobs?limit=100" + cursor)
        others.append((time.perf_counter() - start) * 1000)
        assert status == 200, status
        page = json.loads(body)
        seen.update(job["id"] for job in page["jobs"])
        if page["next_cursor"] is None:
            break
        cursor = "&cursor=" + page["next_cursor"]
    assert len(seen) == 10_000, len(seen)
    start = time.perf_counter()
    await submitted(service.port)
    one = (time.perf_counter() - start) * 1000
    memory = service.memory("VmHWM")
    service.end()
    return ("10,000 jobs in the list",
            f"newest 20: {times_text(first)}; pages of 100 down to the oldest: {times_text(others)}; a submission {one:.0f} ms",
            f"{before:.0f} → at most {memory:.0f} MB")


async def vanish(arguments, folder):
    service = Service(arguments, folder, steps=100, milliseconds=100)
    before = service.memory()
    jobs = [await submitted(service.port) for _ in range(8)]
    for number in range(2000):
        reader, writer = await connected(service.port)
        writer.write(f"GET /v1/jobs/{jobs[number % 8]}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        if number % 2:
            await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()
    for _ in range(600):
        _, _, body = await ask(service.port, "GET", "/metrics")
        open_ones = int(float(re.search(rb"\ngsv3d_event_streams (\S+)", body).group(1)))
        if open_ones == 0:
            break
        await asyncio.sleep(0.1)
    assert open_ones == 0, open_ones
    memory = service.memory("VmHWM")
    service.end()
    return ("2000 clients that open a stream and vanish", "no stream is left", f"{before:.0f} → at most {memory:.0f} MB")


async def kills(arguments, folder):
    dice, accepted, began, least = random.Random(2), [], 0, 1e9
    for number in range(20):
        print(f"service_load: kill {number + 1} of 20, {len(accepted)} jobs accepted", file=sys.stderr, flush=True)
        service = Service(arguments, folder, steps=5, milliseconds=10)

        async def client(service=service):
            while service.process.poll() is None:
                status, _, body = await ask(service.port, "POST", "/v1/generations", FORM, FORM_HEADERS)
                if status == 202:
                    accepted.append(json.loads(body)["id"])
                elif status == 0:
                    return

        tasks = [asyncio.create_task(client()) for _ in range(8)]
        pause = dice.uniform(0, 1)
        await asyncio.sleep(pause)
        service.end(signal.SIGKILL)
        for task in tasks:  # one that was about to connect would wait for the next start
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        least = min(least, pause)
    service = Service(arguments, folder, steps=1, milliseconds=0)
    while (total := await counts(service.port))["queued"] + total["running"] > 0:
        await asyncio.sleep(0.5)
    states = {}
    for job in accepted:
        status, _, body = await ask(service.port, "GET", "/v1/jobs/" + job)
        assert status == 200, (job, status)
        answer = json.loads(body)
        began += answer["attempts"] > 1
        states[answer["state"]] = states.get(answer["state"], 0) + 1
        if answer["state"] == "succeeded":
            assert {file["name"] for file in answer["files"]} == {"object.ply", "result.json"}, answer
        else:
            assert answer["state"] == "failed" and answer["attempts"] == 3, answer
    # A job whose answer was on its way when the service was killed is in the database too.
    extra = sum(total.values()) - len(accepted)
    assert 0 <= extra <= 20 * 8, (total, len(accepted))
    folders = len([name for name in os.listdir(os.path.join(folder, "results")) if not name.startswith(".")])
    assert folders == total["succeeded"], (folders, total)
    service.end()
    said = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
    return ("kill -9 at 20 random moments",
            f"{len(accepted)} jobs accepted: {said}, {began} of them begun more than once; {extra} more whose answer was cut off; "
            f"a folder of results for each of {folders}", "–")


SCENARIOS = {"clients": clients, "slow": slow, "upload": upload, "malformed": malformed, "list": long_list, "vanish": vanish,
             "kills": kills}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("scenarios", nargs="*", default=[])
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--postgresql", default="")
    arguments = parser.parse_intermixed_args()
    arguments.program = os.path.abspath(arguments.program)
    if unknown := set(arguments.scenarios) - set(SCENARIOS):
        parser.error(f"unknown scenario {', '.join(sorted(unknown))}")
    print("| what | answers; times: median / 99th percentile | memory |\n|---|---|---|", flush=True)
    failed = False
    for name in arguments.scenarios or SCENARIOS:
        folder = tempfile.mkdtemp(prefix="gsv3d_load_")
        try:
            print("| " + " | ".join(asyncio.run(SCENARIOS[name](arguments, folder))) + " |", flush=True)
        except AssertionError as error:
            print(f"service_load: {name}: does not add up: {error}", file=sys.stderr)
            failed = True
        finally:
            for process in Service.running:
                process.kill()
                process.wait()
            Service.running.clear()
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
