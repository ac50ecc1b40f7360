"""T16: multiprocessing.JoinableQueue under the experiment of experiment.hpp; prints its row of that table."""
import multiprocessing
import os
import random
import signal
import sys
import time

CAPACITY = 64
MOST = 1 << 20
NOTHING = -1
BEGUN, NEWEST, HOLDING, STOP = range(4)


class Experiment:
    def __init__(self):
        self.queue = multiprocessing.JoinableQueue(CAPACITY)
        self.notes = multiprocessing.RawArray("q", [0, 0, NOTHING, 0])  # plain memory: no lock that the dead could hold
        self.came = multiprocessing.RawArray("b", MOST)
        self.returned = multiprocessing.RawArray("b", MOST)

    def send(self):
        while not self.notes[STOP]:
            number = self.notes[BEGUN]
            self.notes[BEGUN] += 1
            self.queue.put(number)
            self.returned[number] = 1
        self.queue.close()
        self.queue.join_thread()

    def receive(self):
        while True:
            number = self.queue.get()
            self.came[number] += 1
            self.notes[HOLDING] = number
            self.notes[NEWEST] = max(self.notes[NEWEST], number)
            for _ in range(100):  # the work
                pass
            self.notes[HOLDING] = NOTHING
            self.queue.task_done()

    @staticmethod
    def start(work):
        process = multiprocessing.Process(target=work, daemon=True)
        process.start()
        return process

    @staticmethod
    def kill(process):
        os.kill(process.pid, signal.SIGKILL)
        process.join()

    def lost(self, held):
        return sum(1 for i in range(self.notes[BEGUN]) if self.returned[i] and not self.came[i] and i != held)

    def run(self, victim):
        sender, receiver = self.start(self.send), self.start(self.receive)
        if not comes(lambda: self.notes[NEWEST] > 100):
            raise RuntimeError("JoinableQueue does not work, nobody killed")
        time.sleep(random.random() * 0.005)
        held = NOTHING
        if victim == "sender":
            self.kill(sender)
            sender = self.start(self.send)
        else:
            self.kill(receiver)
            held = self.notes[HOLDING]
            receiver = self.start(self.receive)
        # Behind what may still be in the pipe and in a feeder thread.
        from_now_on = self.notes[BEGUN] + 2 * CAPACITY
        hang = not comes(lambda: self.notes[NEWEST] > from_now_on)
        lost = False
        if not hang:
            self.notes[STOP] = 1
            sender.join(2)
            lost = not comes(lambda: self.lost(held) == 0)
        result = hang, lost, held != NOTHING, held != NOTHING and not hang and self.came[held] > 1
        for process in (sender, receiver):
            if process.is_alive():
                self.kill(process)
        return result


def comes(condition):
    until = time.monotonic() + 2
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.001)
    return True


def main():
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    multiprocessing.set_start_method("fork")
    random.seed(1)
    sums = {}
    for victim in ("sender", "receiver"):
        results = [Experiment().run(victim) for _ in range(kills)]
        sums[victim] = [sum(column) for column in zip(*results)]
    sender, receiver = sums["sender"], sums["receiver"]
    both = [f"{sender[i]} / {receiver[i]}" for i in range(2)]
    held = receiver[2] + sender[2]
    # Those that hang had no chance to hand on what was held: they count as held.
    print(f"{'Python JoinableQueue':<26}{both[0]:<12}{both[1]:<12}{'0 / 0':<12}{receiver[3]} of {held}")


main()
