"""Python's multiprocessing.JoinableQueue doing the benchmark's work the way pymulproc does: one queue for everybody and
both directions, and whoever takes a message that is not his puts it back at the end.

usage: joinable_queue.py PATTERN CHILDREN IN_FLIGHT BYTES COUNT PLACEMENT
PLACEMENT is 0: parent and children apart, 1: all on one core, 2: on two as the kernel likes
prints: nanoseconds, how many were done, how many arrived, and the median, 99th and 99.9th percentile of the latencies
"""
import ctypes
import multiprocessing
import os
import signal
import struct
import sys
import time

ANYONE = None


def body_of(number, size):
    return struct.pack("<Q", number) * (size // 8)


class Channel:
    """One process' way into the queue."""

    def __init__(self, queue, me):
        self.queue, self.me = queue, me

    def send(self, recipient, number, body=b""):
        self.queue.put(("DO", self.me, recipient, (number, body)))

    def receive(self, size=0):
        while True:
            message = self.queue.get()
            self.queue.task_done()
            _, sender, recipient, (number, body) = message
            if recipient == self.me or (recipient is ANYONE and sender != self.me):
                if body != body_of(number, size):
                    sys.exit("a damaged message")
                return number
            self.queue.put(message)  # not mine: put back


PILL = (1 << 64) - 1
PARENT = "parent"


def pin(placement, is_parent):
    allowed = sorted(os.sched_getaffinity(0))[:2]
    if placement != 2:
        allowed = [allowed[0 if is_parent or placement == 1 else -1]]
    os.sched_setaffinity(0, allowed)


def answer(queue, me, size):
    channel = Channel(queue, me)
    while (number := channel.receive(size)) != PILL:
        channel.send(PARENT, number + (me << 40), body_of(number + (me << 40), size))


def consume(queue, me, size, tally):
    channel = Channel(queue, me)
    while True:
        channel.receive(size)
        tally[me] += 1


def produce(queue, me, size, count):
    channel = Channel(queue, me)
    for number in range(count):
        channel.send(PARENT, number, body_of(number, size))


def sleep_and_stamp(queue, me, size, latencies, seen):
    channel = Channel(queue, me)
    while (number := channel.receive(size)) != PILL:
        latencies[seen.value] = time.monotonic_ns() - number
        seen.value += 1


def die_with_parent():
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def life(placement, target, arguments):
    die_with_parent()
    pin(placement, False)
    target(*arguments)


def start(children, placement, target, queue, *arguments):
    crew = [
        multiprocessing.Process(target=life, args=(placement, target, (queue, i, *arguments)), daemon=True)
        for i in range(children)
    ]
    for child in crew:
        child.start()
    pin(placement, True)
    return crew


def end(crew, channel, size):
    for i in range(len(crew)):
        channel.send(i, PILL, body_of(PILL, size))
    for child in crew:
        child.join()


def percentile(latencies, share):
    return sorted(latencies)[min(len(latencies) - 1, int(share * len(latencies)))] if latencies else 0


def ask(channel, children, in_flight, size, count, latencies):
    sent = outstanding = 0
    last = time.monotonic_ns()
    for answered in range(count):
        while sent < count and sent - answered < in_flight:
            child = sent if sent < children else (sent * 0x9E3779B97F4A7C15 >> 32) % (1 << 32) % children
            channel.send(child, sent, body_of(sent, size))
            outstanding += sent + (child << 40)
            sent += 1
        outstanding -= channel.receive(size)
        now = time.monotonic_ns()
        latencies.append(now - last)
        last = now
    if outstanding:
        sys.exit("an answer is wrong")


def main():
    pattern = sys.argv[1]
    children, in_flight, size, count, placement = map(int, sys.argv[2:])
    begin = time.monotonic_ns()
    queue = multiprocessing.JoinableQueue()
    channel = Channel(queue, PARENT)
    latencies, received = [], count
    if pattern == "request_reply":
        crew = start(children, placement, answer, queue, size)
        ask(channel, children, in_flight, size, children, [])
        begin = time.monotonic_ns()
        ask(channel, children, in_flight, size, count, latencies)
        took = time.monotonic_ns() - begin
        end(crew, channel, size)
    elif pattern == "full_duplex":
        count = received = 10
        crew = start(children, placement, answer, queue, size)
        ask(channel, children, in_flight, size, count, latencies)
        end(crew, channel, size)
        took = time.monotonic_ns() - begin
    elif pattern in ("one_way", "fan_out"):
        tally = multiprocessing.RawArray("Q", children)
        crew = start(children, placement, consume, queue, size, tally)
        recipient = 0 if pattern == "one_way" else ANYONE
        begin = time.monotonic_ns()
        for number in range(count):
            channel.send(recipient, number, body_of(number, size))
        while (received := sum(tally)) < count:
            time.sleep(0.0001)
        took = time.monotonic_ns() - begin
        for child in crew:
            child.kill()
            child.join()
    elif pattern == "fan_in":
        each = count // children + 1
        crew = start(children, placement, produce, queue, size, each)
        count = received = each * children
        channel.receive(size)
        begin = time.monotonic_ns()
        for _ in range(count - 1):
            channel.receive(size)
        took = time.monotonic_ns() - begin
        for child in crew:
            child.join()
    else:  # wake_up
        stamps = multiprocessing.RawArray("Q", count)
        seen = multiprocessing.RawValue("Q", 0)
        crew = start(children, placement, sleep_and_stamp, queue, size, stamps, seen)
        for i in range(count):
            until = time.monotonic_ns() + 300_000  # the receiver is asleep by then
            while time.monotonic_ns() < until:
                pass
            now = time.monotonic_ns()
            channel.send(0, now, body_of(now, size))
            while seen.value != i + 1:
                time.sleep(0.0001)
        took = time.monotonic_ns() - begin
        latencies = list(stamps)
        end(crew, channel, size)
    print(took, count, received, *(percentile(latencies, share) for share in (0.5, 0.99, 0.999)))


if __name__ == "__main__":
    die_with_parent()
    multiprocessing.set_start_method("fork")
    main()
