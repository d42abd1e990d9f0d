#!/usr/bin/env python3
"""A run that asyncio drives: asyncio_test.py LIBRARY GUEST.  TAP, on epoll and io_uring."""

import asyncio
import ctypes
import socket
import sys

FOREVER = 2**63 - 1
ENOSYS, EPERM, ECANCELED = 38, 1, 125


class Config(ctypes.Structure):
    """The first field of weft_config; the rest is zero."""
    _fields_ = [("backend", ctypes.c_char_p), ("rest", ctypes.c_char * 512)]


class Guest(ctypes.Structure):
    _fields_ = [("fd", ctypes.c_int), ("sleepers", ctypes.c_int), ("slept", ctypes.c_int), ("blocked", ctypes.c_int),
                ("ask", ctypes.c_uint64 * 2), ("asked", ctypes.c_int), ("spare", ctypes.c_char * 64)]


weft = ctypes.CDLL(sys.argv[1])
guest_library = ctypes.CDLL(sys.argv[2])
weft.weft_embed_timeout.restype = ctypes.c_int64
for name in ["descriptor", "timeout", "turn", "close"]:
    getattr(weft, "weft_embed_" + name).argtypes = [ctypes.c_void_p]
weft.weft_embed_cancel.argtypes = [ctypes.c_void_p, ctypes.c_char_p]


class Run:
    """A run of fn(arg) in the running event loop; await its `over` for the result."""

    def __init__(self, backend, fn, arg):
        self.loop = asyncio.get_running_loop()
        self.over = self.loop.create_future()
        self.turns = 0
        self.again = None
        self.embed = ctypes.c_void_p()
        config = Config(backend=backend.encode())
        rc = weft.weft_embed_open(ctypes.byref(self.embed), ctypes.byref(config), fn, arg)
        if rc < 0:
            raise OSError(-rc, "weft_embed_open")
        self.descriptor = weft.weft_embed_descriptor(self.embed)
        if self.descriptor >= 0:
            self.loop.add_reader(self.descriptor, self.turn)
        self.turn()

    def turn(self):
        """One turn, and the next as soon as the run wants one; also after touching it by hand."""
        if self.again is not None:
            self.again.cancel()
            self.again = None
        if self.over.done():
            return
        self.turns += 1
        if weft.weft_embed_turn(self.embed) == 0:
            if self.descriptor >= 0:
                self.loop.remove_reader(self.descriptor)
            self.over.set_result(weft.weft_embed_close(self.embed))
            return
        timeout = weft.weft_embed_timeout(self.embed)
        if timeout == 0:
            self.again = self.loop.call_soon(self.turn)
        elif timeout != FOREVER:
            self.again = self.loop.call_later(timeout / 1e9, self.turn)

    def cancel(self):
        weft.weft_embed_cancel(self.embed, b"asyncio wants it to end")
        self.turn()


async def everything(backend):
    """Tasks of both loops talk, sleep and end."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    guest = Guest(fd=theirs.fileno(), sleepers=20)
    run = Run(backend, guest_library.guest_main, ctypes.byref(guest))
    reader, writer = await asyncio.open_connection(sock=ours)
    for i in range(30):
        writer.write(b"line %d\n" % i)
        assert await reader.readline() == b"LINE %d\n" % i
        await asyncio.sleep(0.001)  # a timer of asyncio's among ours
    while guest.slept < 20 or not guest.blocked:
        await asyncio.sleep(0.001)
    assert not run.over.done()
    guest_library.guest_ask(ctypes.byref(guest))
    run.turn()
    writer.close()
    assert await asyncio.wait_for(run.over, 30) == 1
    theirs.close()


async def idle(backend):
    """A run that waits takes no turns."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    guest = Guest(fd=theirs.fileno())
    run = Run(backend, guest_library.guest_main, ctypes.byref(guest))
    while not guest.blocked:
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.05)  # what is under way comes to rest
    turns = run.turns
    await asyncio.sleep(0.2)
    assert run.turns <= turns + 1, run.turns - turns
    run.cancel()
    assert await asyncio.wait_for(run.over, 30) == -ECANCELED
    ours.close()
    theirs.close()


def main():
    print("TAP version 13")
    at = 0
    for backend in ["epoll", "io_uring"]:
        for test in [everything, idle]:
            at += 1
            try:
                asyncio.run(test(backend))
                print(f"ok {at} {test.__doc__} On {backend}")
            except OSError as error:
                if error.errno not in (ENOSYS, EPERM):
                    raise
                print(f"ok {at} {test.__doc__} On {backend} # SKIP io_uring: not permitted")
    print(f"1..{at}")


main()
