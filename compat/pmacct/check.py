"""Packets from a file are counted by one process and printed by another."""

import os
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from harness.checking import Program, check, done, programs, wait_for

ROOT = Path(os.environ["ROOT"])
PACKETS = 1000
SIZE = 100


def capture(path):
    """Packets of UDP from one address to ten others, as tcpdump writes them."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for number in range(PACKETS):
            body = bytes(SIZE - 28)
            udp = struct.pack(">HHHH", 1000, 2000, 8 + len(body), 0)
            to = bytes([10, 0, 1, number % 10])
            ip = struct.pack(">BBHHHBBH", 0x45, 0, SIZE, number, 0, 64, 17, 0)
            frame = bytes(12) + b"\x08\x00" + ip + bytes([10, 0, 0, 1]) + to + udp + body
            out.write(struct.pack("<IIII", 1700000000, number, len(frame), len(frame)) + frame)


with programs() as folder:
    with check("packets are counted"):
        capture(folder / "packets.pcap")
        (folder / "pmacctd.conf").write_text(f"""
daemonize: false
pcap_savefile: {folder}/packets.pcap
pcap_savefile_wait: true
aggregate: src_host, dst_host
plugins: print[p]
plugin_pipe_zmq[p]: true
plugin_pipe_zmq_profile[p]: micro
print_refresh_time[p]: 3
print_output[p]: csv
print_output_file[p]: {folder}/counted
print_output_file_append[p]: true
""")
        counter = Program(ROOT / "usr/sbin/pmacctd", "-f", folder / "pmacctd.conf")

        def rows():
            if not (folder / "counted").exists():
                return []
            lines = (folder / "counted").read_text().splitlines()
            return [line.split(",") for line in lines if line.startswith("10.")]

        # How much of the file it takes in differs, on each libzmq: see what comes through.
        hosts = {f"10.0.1.{n}" for n in range(10)}
        wait_for(lambda: hosts <= {row[1] for row in rows()}, "counts")
        counter.ran_on()
        counter.stop()
done()
