"""Event loops on ZMQ_FD, beside what pyzmq's own tests have of them: asyncio by
zmq.asyncio and by hand, and a raw epoll loop, with many sockets and little room."""

import asyncio
import select

import pytest

import zmq
import zmq.asyncio

TRANSPORTS = ["inproc", "ipc", "tcp"]
COUNT = 300


@pytest.fixture(params=TRANSPORTS)
def endpoint(request, tmp_path):
    """Binds a socket by the test's transport; gives the address to connect to."""
    serial = iter(range(1000))
    names = {
        "inproc": lambda: f"inproc://loops-{next(serial)}",
        "ipc": lambda: f"ipc://{tmp_path}/{next(serial)}",
        "tcp": lambda: "tcp://127.0.0.1:*",
    }

    def bind(socket):
        socket.bind(names[request.param]())
        return socket.last_endpoint.decode()

    return bind


def connected(context, endpoint, server, client, room=3):
    bound, other = context.socket(server), context.socket(client)
    for socket in (bound, other):
        socket.linger = 0
        socket.sndhwm = socket.rcvhwm = room
    if client == zmq.SUB:
        other.subscribe(b"")
    other.connect(endpoint(bound))
    return bound, other


async def test_streams_with_little_room(endpoint):
    with zmq.asyncio.Context() as context:
        pairs = [connected(context, endpoint, zmq.PULL, zmq.PUSH) for _ in range(10)]

        async def send(socket):
            for number in range(COUNT):
                await socket.send_multipart([b"%d" % number, b"end"])

        async def receive(socket):
            return [(await socket.recv_multipart())[0] for _ in range(COUNT)]

        senders = [asyncio.ensure_future(send(push)) for _, push in pairs]
        got = await asyncio.gather(*(receive(pull) for pull, _ in pairs))
        await asyncio.gather(*senders)
        assert all(numbers == [b"%d" % n for n in range(COUNT)] for numbers in got)
        context.destroy(linger=0)


async def test_both_directions_at_once(endpoint):
    with zmq.asyncio.Context() as context:
        pairs = [connected(context, endpoint, zmq.PAIR, zmq.PAIR) for _ in range(5)]

        async def send(socket):
            for number in range(COUNT):
                await socket.send(b"%d" % number)

        async def receive(socket):
            return [int(await socket.recv()) for _ in range(COUNT)]

        sockets = [socket for pair in pairs for socket in pair]
        done = await asyncio.gather(*map(send, sockets), *map(receive, sockets))
        assert done[len(sockets) :] == [list(range(COUNT))] * len(sockets)
        context.destroy(linger=0)


async def test_requests_through_a_router_and_a_dealer(endpoint):
    with zmq.asyncio.Context() as context:
        front, back = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
        front_at, back_at = endpoint(front), endpoint(back)
        front.linger = back.linger = 0

        async def pass_on(source, sink):
            while True:
                await sink.send_multipart(await source.recv_multipart())

        async def serve():
            rep = context.socket(zmq.REP)
            rep.connect(back_at)
            while True:
                await rep.send(await rep.recv())

        async def ask(name):
            req = context.socket(zmq.REQ)
            req.connect(front_at)
            for number in range(50):
                await req.send_string(f"{name} {number}")
                assert await req.recv_string() == f"{name} {number}"

        tasks = [pass_on(front, back), pass_on(back, front), serve(), serve(), serve()]
        tasks = [asyncio.ensure_future(task) for task in tasks]
        await asyncio.gather(*map(ask, range(8)))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        context.destroy(linger=0)


async def test_poller_and_time_out(endpoint):
    with zmq.asyncio.Context() as context:
        pull, push = connected(context, endpoint, zmq.PULL, zmq.PUSH)
        poller = zmq.asyncio.Poller()
        poller.register(pull, zmq.POLLIN)
        assert await poller.poll(20) == []
        soon = asyncio.get_running_loop().call_later(0.02, lambda: push.send(b"x"))
        assert await poller.poll(15000) == [(pull, zmq.POLLIN)]
        assert await pull.recv() == b"x"
        assert soon.cancelled() is False
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(pull.recv(), 0.05)
        # The receive that was given up has taken nothing.
        await push.send(b"y")
        assert await asyncio.wait_for(pull.recv(), 15) == b"y"
        context.destroy(linger=0)


async def test_add_reader_by_hand(endpoint):
    with zmq.Context() as context:
        pull, push = connected(context, endpoint, zmq.PULL, zmq.PUSH, room=0)
        loop, got = asyncio.get_running_loop(), []
        done = loop.create_future()

        def readable():
            while pull.events & zmq.POLLIN:
                got.append(int(pull.recv(zmq.DONTWAIT)))
            if len(got) == COUNT and not done.done():
                done.set_result(None)

        loop.add_reader(pull.fileno(), readable)
        for number in range(COUNT):
            push.send(b"%d" % number)
            if number % 10 == 0:
                await asyncio.sleep(0.001)
        readable()
        await asyncio.wait_for(done, 15)
        loop.remove_reader(pull.fileno())
        assert got == list(range(COUNT))
        context.destroy(linger=0)


@pytest.mark.parametrize("trigger", [0, select.EPOLLET])
def test_raw_epoll(endpoint, trigger):
    with zmq.Context() as context, select.epoll() as epoll:
        state = {}
        for _ in range(10):
            for socket in connected(context, endpoint, zmq.DEALER, zmq.DEALER):
                state[socket.fileno()] = [socket, 0, 0]
                epoll.register(socket.fileno(), select.EPOLLIN | trigger)

        def run(entry):
            socket, sent, received = entry
            while events := socket.events:
                if events & zmq.POLLIN:
                    assert int(socket.recv(zmq.DONTWAIT)) == received
                    received += 1
                elif sent < COUNT:
                    socket.send(b"%d" % sent, zmq.DONTWAIT)
                    sent += 1
                else:
                    break
            entry[1:] = sent, received

        for entry in state.values():
            run(entry)
        while any(entry[1:] != [COUNT, COUNT] for entry in state.values()):
            events = epoll.poll(15)
            assert events, "silent, though not all has come"
            for fd, _ in events:
                run(state[fd])
        context.destroy(linger=0)
