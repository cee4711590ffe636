"""Drives ffmpeg, by a REQ of pyzmq."""

import sys
from pathlib import Path

import zmq

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from harness.checking import Program, check, done, free_port, programs

PICTURE = "testsrc=size=160x120:rate=25"
FRAMES = 40


def ffmpeg(*arguments):
    return Program("ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", *arguments)


def in_filter(text):
    """A text as ffmpeg's description of filters wants it."""
    return text.replace(":", "\\\\:").replace("/", "\\/")


with programs():
    with check("the filter takes commands"):
        port = free_port()
        where = f"tcp://127.0.0.1:{port}"
        chain = f"zmq=bind_address={in_filter(where)},hue"
        player = ffmpeg("-re", "-f", "lavfi", "-i", PICTURE, "-vf", chain, "-f", "null", "-")
        req = zmq.Context.instance().socket(zmq.REQ)
        req.rcvtimeo, req.linger = 30000, 0
        req.connect(where)
        for command, answer in {
            "Parsed_hue_1 h 90": "0 Success",
            "Parsed_hue_1 s 0": "0 Success",
            "Nobody h 90": "38 Function not implemented",
            "Parsed_hue_1 h 180": "0 Success",
        }.items():
            req.send_string(command)
            got = req.recv_string()
            assert got.strip() == answer, (command, got)
        player.ran_on()
        req.close()
        player.stop()
    with check("a stream from PUB to SUB"):
        where = f"zmq:tcp://127.0.0.1:{free_port()}"
        sender = ffmpeg(
            "-re", "-f", "lavfi", "-i", PICTURE, "-c:v", "mpeg2video", "-g", "5",
            "-pkt_size", "1316", "-f", "mpegts", where,
        )
        receiver = ffmpeg("-i", where, "-frames:v", FRAMES, "-f", "framemd5", "-")
        frames = [receiver.line("0,  ") for _ in range(FRAMES)]
        times = [int(frame.split(",")[2]) for frame in frames]
        assert times == list(range(times[0], times[0] + FRAMES)), times
        sender.ran_on()
        sender.stop()
        assert receiver.end() == 0
done()
