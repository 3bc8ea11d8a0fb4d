#!/usr/bin/env python3
"""How long a photo takes as a job of `gsv3d serve` beside `gsv3d generate`, and how many jobs one and two workers do with PostgreSQL: Markdown
tables. Everything is on this machine, one thread for each process that computes.

    bench/service_jobs.py latency build/release/bin/gsv3d [--rounds 10] [--photo examples/coffee_cutout.png] [NAME VALUE ...]
    bench/service_jobs.py workers build/release/bin/gsv3d [--jobs 8] [--rounds 2]
    bench/service_jobs.py waiting build/release/bin/stub_service [--jobs 30] [--rounds 2]     jobs that only wait, a second each

latency: the two in turn, after a job of each that is not counted. workers and waiting: needs Debian's package postgresql."""
import argparse
import glob
import http.client
import json
import os
import pwd
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ENVIRONMENT = {**os.environ, "OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": "1"}


def started(words, pattern=None, **more):
    """A process that has printed a line with the pattern, and what that found."""
    process = subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT, **more)
    for line in process.stdout:
        found = re.search(pattern, line)
        if found:
            return process, found
    sys.exit(f"service_jobs: {words[0]} ended before it was ready")


def ended(process):
    process.send_signal(signal.SIGTERM)
    process.wait()


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def answer(port, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    content = response.read()
    assert response.status < 300, content
    return json.loads(content) if content else None


def submitted(port, photo, options):
    with open(photo, "rb") as file:
        picture = file.read()
    parts = b"".join(f'--X\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in options.items())
    name = os.path.basename(photo)
    body = parts + f'--X\r\nContent-Disposition: form-data; name="photo"; filename="{name}"\r\n\r\n'.encode() + picture + b"\r\n--X--\r\n"
    return answer(port, "POST", "/v1/generations", body, {"Content-Type": "multipart/form-data; boundary=X"})["id"]


def watched(port, job):
    """As clients do it, until the last event."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", f"/v1/jobs/{job}/events")
    state = {}
    for line in connection.getresponse():
        if line.startswith(b"data: ") and b'"state"' in line:
            state = json.loads(line[6:])
    assert state.get("state") == "succeeded", state
    return state


def stages(record):
    return sum(record["seconds"].values())


def row(name, values, processor=None):
    numbers = f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"
    return f"| {name} | {numbers} | {f'{statistics.median(processor):.2f}' if processor else '–'} |"


def latency(arguments, folder):
    server, found = started([arguments.program, "serve", "--port", 0, "--data", f"{folder}/data", "--threads", 1, "--quiet"], r":(\d+)/$")
    port = int(found.group(1))
    options = dict(zip(arguments.options[::2], arguments.options[1::2]))
    words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
    wall, processor, inside = {"generate": [], "job": []}, {"generate": [], "job": []}, {"generate": [], "job": []}

    def generate():
        start = time.monotonic()
        process = subprocess.Popen([arguments.program, "generate", arguments.photo, "-o", f"{folder}/out", "--threads", "1", "--quiet", *words],
                                   env=ENVIRONMENT)
        _, status, usage = os.wait4(process.pid, 0)
        assert status == 0
        name = os.path.splitext(os.path.basename(arguments.photo))[0]
        with open(f"{folder}/out/{name}/result.json", encoding="utf-8") as file:
            return time.monotonic() - start, usage.ru_utime + usage.ru_stime, stages(json.load(file))

    def job():
        start, before = time.monotonic(), processor_seconds(server.pid)
        identifier = submitted(port, arguments.photo, options)
        watched(port, identifier)
        seconds = time.monotonic() - start
        used = processor_seconds(server.pid) - before
        return seconds, used, stages(answer(port, "GET", f"/v1/jobs/{identifier}/files/result.json"))

    try:
        generate(), job()
        for _ in range(arguments.rounds):
            for name, make in (("generate", generate), ("job", job)):
                for kept, value in zip((wall, processor, inside), make()):
                    kept[name].append(value)
    finally:
        ended(server)
    print("| seconds | wall: median (range) | processor |\n|---|---:|---:|")
    print(row("`gsv3d generate`, the whole process", wall["generate"], processor["generate"]))
    print(row("its stages, by result.json", inside["generate"]))
    print(row("a job, from the request to the last event", wall["job"], processor["job"]))
    print(row("its stages, by result.json", inside["job"]))
    over = [job - own for job, own in zip(wall["job"], inside["job"])]
    print(row("a job beyond its own stages", over))
    print()
    print("| a job's time as a share of | wall: median of the pairs | processor |\n|---|---:|---:|")
    pairs = zip(wall["job"], wall["generate"])
    used = statistics.median(processor["job"]) / statistics.median(processor["generate"])
    print(f"| the whole process | {100 * statistics.median(j / g for j, g in pairs):.1f} % | {100 * used:.1f} % |")
    print(f"| its stages | {100 * statistics.median(j / g for j, g in zip(wall['job'], inside['generate'])):.1f} % | – |")


class Database:
    """A PostgreSQL server in a folder of its own, on a socket and no port."""

    def __init__(self):
        programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        if not programs:
            sys.exit("service_jobs: PostgreSQL is not installed (apt-get install postgresql)")
        self.folder = tempfile.mkdtemp(prefix="gsv3d_postgres_")
        user = {}
        if os.geteuid() == 0:  # PostgreSQL does not run as root
            entry = pwd.getpwnam("postgres")
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
            user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        with open(f"{self.folder}/log", "w", encoding="utf-8") as log:
            subprocess.run([f"{programs[-1]}/initdb", "-D", f"{self.folder}/data", "-U", "gsv3d", "-A", "trust", "-E", "UTF8", "--no-locale"],
                           check=True, stdout=log, cwd=self.folder, **user)
            self.process = subprocess.Popen([f"{programs[-1]}/postgres", "-D", f"{self.folder}/data", "-k", self.folder, "-c", "listen_addresses="],
                                            stdout=log, stderr=log, cwd=self.folder, **user)
        self.count, self.psql = 0, f"{programs[-1]}/psql"

    def new(self):
        self.count += 1
        command = [self.psql, "-q", "-h", self.folder, "-U", "gsv3d", "postgres", "-c", f"CREATE DATABASE bench{self.count}"]
        while subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode != 0:
            if self.process.poll() is not None:
                sys.exit("service_jobs: PostgreSQL does not start")
            time.sleep(0.2)
        return f"postgresql:///bench{self.count}?user=gsv3d&host={self.folder}"

    def end(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        shutil.rmtree(self.folder)


def seconds_of(text):
    clock, milliseconds = text.rstrip("Z").split(".")
    return time.mktime(time.strptime(clock, "%Y-%m-%dT%H:%M:%S")) + int(milliseconds) / 1000


def jobs_per_minute(port, arguments, options):
    identifiers = [submitted(port, arguments.photo, options) for _ in range(arguments.jobs)]
    jobs = [watched(port, identifier) for identifier in identifiers]
    begin = min(seconds_of(job["started_at"]) for job in jobs)
    return 60 * len(jobs) / (max(seconds_of(job["finished_at"]) for job in jobs) - begin)


def real_run(arguments, folder, address, count):
    shared = ["--database", address, "--data", f"{folder}/{address[14:20]}{count}", "--threads", 1, "--quiet"]
    server, found = started([arguments.program, "serve", "--port", 0, "--workers", 0, *shared], r":(\d+)/$")
    workers = [started([arguments.program, "worker", *shared], "takes jobs")[0] for _ in range(count)]
    try:
        return jobs_per_minute(int(found.group(1)), arguments, {"steps": 5, "viewer": "false"})
    finally:
        for process in [*workers, server]:
            ended(process)


def waiting_run(arguments, folder, address, count):
    words = [arguments.program, f"{folder}/{address[14:20]}{count}", 1, 10, 100, 0, address]
    processes = [started(words, r":(\d+)/$") for _ in range(count)]
    try:
        return jobs_per_minute(int(processes[0][1].group(1)), arguments, {})
    finally:
        for process, _ in processes:
            ended(process)


def throughput(arguments, folder, run):
    database = Database()
    found = {1: [], 2: []}
    try:
        for _ in range(arguments.rounds):
            for count, rates in found.items():
                rates.append(run(arguments, folder, database.new(), count))
    finally:
        database.end()
    print("| jobs per minute | " + " | ".join(f"round {i + 1}" for i in range(arguments.rounds)) + " | mean | ratio |")
    print("|---|" + "---:|" * (arguments.rounds + 2))
    one = statistics.mean(found[1])
    for count, rates in found.items():
        cells = " | ".join(f"{rate:.2f}" for rate in rates)
        print(f"| {count} worker{'s' if count > 1 else ''} | {cells} | {statistics.mean(rates):.2f} | {statistics.mean(rates) / one:.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["latency", "workers", "waiting"])
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=0)
    parser.add_argument("--photo", default="examples/coffee_cutout.png")
    parser.add_argument("options", nargs="*", help="latency: NAME VALUE of both, such as steps 5")
    arguments = parser.parse_args()
    arguments.program = os.path.abspath(arguments.program if os.path.exists(arguments.program) else shutil.which(arguments.program))
    arguments.rounds = arguments.rounds or (10 if arguments.what == "latency" else 2)
    arguments.jobs = arguments.jobs or (30 if arguments.what == "waiting" else 8)
    with tempfile.TemporaryDirectory(prefix="gsv3d_jobs_") as folder:
        if arguments.what == "latency":
            latency(arguments, folder)
        else:
            throughput(arguments, folder, real_run if arguments.what == "workers" else waiting_run)


main()
