"""A chain of its own (--regtest), on which blocks are made at once."""

import json
import sys
import urllib.request
from pathlib import Path

import zmq

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from harness.checking import LIMIT_S, Program, check, done, free_port, programs, wait_for

# Somebody must be rewarded for the blocks: monero's own donations.
MINER = (
    "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A"
)
BLOCKS = 20


def rpc(port, method, **params):
    """A question over HTTP."""
    body = json.dumps({"jsonrpc": "2.0", "id": "0", "method": method, "params": params})
    place = f"http://127.0.0.1:{port}/json_rpc"
    with urllib.request.urlopen(place, body.encode(), LIMIT_S) as got:
        return json.load(got)["result"]


def listening(port):
    try:
        return rpc(port, "get_info")
    except OSError:
        return None


def socket(kind, where):
    made = zmq.Context.instance().socket(kind)
    made.linger, made.rcvtimeo = 0, LIMIT_S * 1000
    if kind == zmq.SUB:
        made.subscribe("json-minimal-chain_main")
    made.connect(where)
    return made


with programs() as folder:
    http, questions, p2p = free_port(), free_port(), free_port()
    events = [f"tcp://127.0.0.1:{free_port()}", f"ipc://{folder}/events"]
    daemon = Program(
        "monerod", "--regtest", "--offline", "--non-interactive", "--fixed-difficulty=1",
        f"--data-dir={folder}", f"--rpc-bind-port={http}", f"--p2p-bind-port={p2p}",
        f"--zmq-rpc-bind-port={questions}", *(f"--zmq-pub={where}" for where in events),
        "--log-level=0", "--no-igd",
    )
    wait_for(lambda: listening(http), "answer over HTTP")
    subscribers = [socket(zmq.SUB, where) for where in events]
    with check("ZMQ-RPC"):
        req = socket(zmq.REQ, f"tcp://127.0.0.1:{questions}")
        for number in range(200):
            question = {"jsonrpc": "2.0", "id": f"{number}", "method": "get_height", "params": {}}
            req.send_json(question)
            answer = req.recv_json()
            assert answer["id"] == f"{number}" and answer["result"]["height"] == 1, answer
    with check("events of blocks"):
        # Until both subscriptions have come, blocks are made in vain.
        heights = [None, None]
        for _ in range(500):
            rpc(http, "generateblocks", amount_of_blocks=1, wallet_address=MINER)
            for place, subscriber in enumerate(subscribers):
                if subscriber.poll(20):
                    text = subscriber.recv().partition(b":")[2]
                    heights[place] = json.loads(text)["first_height"]
            if None not in heights:
                break
        rpc(http, "generateblocks", amount_of_blocks=BLOCKS, wallet_address=MINER)
        height = rpc(http, "get_info")["height"]
        for place, subscriber in enumerate(subscribers):
            while heights[place] < height - 1:
                event = json.loads(subscriber.recv().partition(b":")[2])
                assert event["first_height"] == heights[place] + 1, (event, heights[place])
                heights[place] += len(event["ids"])
    with check("the end"):
        daemon.ran_on()
        assert daemon.stop() == 0
done()
