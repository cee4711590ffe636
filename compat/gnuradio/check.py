"""Streams and messages through each pair of the zeromq blocks."""

import sys
from pathlib import Path

import pmt
from gnuradio import blocks, gr, zeromq

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from harness.checking import check, done, programs, wait_for

COUNT = 100_000
# As much as the blocks hand over at once, and 100 ms of waiting in each call.
SIZE, WAIT_MS = gr.sizeof_float, 100


def stream(sink, source):
    """Sends numbers from one flow graph to another; they must come without a gap."""
    out, inward = gr.top_block(), gr.top_block()
    numbers = blocks.vector_source_f([float(n % 4096) for n in range(4096)], True)
    slow = blocks.throttle(SIZE, 2_000_000)
    got = blocks.vector_sink_f()
    head = blocks.head(SIZE, COUNT)
    inward.connect(source, head, got)
    out.connect(numbers, slow, sink)
    inward.start()
    out.start()
    wait_for(lambda: len(got.data()) >= COUNT, "samples")
    inward.stop()
    out.stop()
    inward.wait()
    out.wait()
    data = got.data()[:COUNT]
    first = int(data[0])
    assert all(int(x) == (first + n) % 4096 for n, x in enumerate(data)), "there is a gap"


def messages(sink, source):
    """Sends messages from one flow graph to another."""
    out, inward = gr.top_block(), gr.top_block()
    got = blocks.message_debug()
    source_graph = blocks.message_strobe(pmt.intern("told"), 20)
    out.msg_connect(source_graph, "strobe", sink, "in")
    inward.msg_connect(source, "out", got, "store")
    inward.start()
    out.start()
    wait_for(lambda: got.num_messages() >= 20, "messages")
    out.stop()
    inward.stop()
    out.wait()
    inward.wait()
    assert all(pmt.equal(got.get_message(n), pmt.intern("told")) for n in range(20))


def bound(block):
    return block.last_endpoint()


with programs() as folder:
    for transport, where in {"tcp": "tcp://127.0.0.1:*", "ipc": f"ipc://{folder}/x"}.items():
        with check(f"{transport}: push and pull"):
            sink = zeromq.push_sink(SIZE, 1, where, WAIT_MS, False, -1)
            stream(sink, zeromq.pull_source(SIZE, 1, bound(sink), WAIT_MS, False, -1))
        with check(f"{transport}: publish and subscribe"):
            sink = zeromq.pub_sink(SIZE, 1, where + "1" * (transport == "ipc"), WAIT_MS, False, -1)
            stream(sink, zeromq.sub_source(SIZE, 1, bound(sink), WAIT_MS, False, -1))
        with check(f"{transport}: publish and subscribe, with tags and a key"):
            sink = zeromq.pub_sink(
                SIZE, 1, where + "2" * (transport == "ipc"), WAIT_MS, True, -1, "key"
            )
            stream(sink, zeromq.sub_source(SIZE, 1, bound(sink), WAIT_MS, True, -1, "key"))
        with check(f"{transport}: request and reply"):
            sink = zeromq.rep_sink(SIZE, 1, where + "3" * (transport == "ipc"), WAIT_MS, False, -1)
            stream(sink, zeromq.req_source(SIZE, 1, bound(sink), WAIT_MS, False, -1))
        for kind in ("push_pull", "pub_sub", "rep_req"):
            with check(f"{transport}: messages, {kind}"):
                first, second = kind.split("_")
                name = where + kind * (transport == "ipc")
                sink = getattr(zeromq, f"{first}_msg_sink")(name, WAIT_MS, True)
                source = getattr(zeromq, f"{second}_msg_source")(bound(sink), WAIT_MS, False)
                messages(sink, source)
done()
