"""Executes a notebook on the kernel that KERNEL names, and drives one by hand."""

import os
import sys
from pathlib import Path

import nbformat
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from harness.checking import check, done, programs, tell, wait_for
from harness.swap import mapped

KERNEL = os.environ["KERNEL"]
LONG = 200_000
# xeus knows nothing but tcp. Keys for CURVE are made by the manager.
WAYS = {"tcp": {"transport": "tcp"}}
if KERNEL == "python3":
    WAYS["ipc"] = {"transport": "ipc"}
    WAYS["tcp with CURVE"] = {"transport": "tcp", "transport_encryption": "required"}
CELLS = {
    "x = [n * n for n in range(1000)]": [],
    "print(sum(x))": ["332833500\n"],
    "import sys\nprint('to stderr', file=sys.stderr)": ["to stderr\n"],
    f"print('x' * {LONG})": ["x" * LONG + "\n"],
    "for n in range(100): print(n)": ["".join(f"{n}\n" for n in range(100))],
    "from IPython.display import display\ndisplay('shown')\n6 * 7": ["'shown'", "42"],
    "import threading\nthread = threading.Thread(target=lambda: print('beside'))\n"
    "thread.start(); thread.join()": ["beside\n"],
    "1 / 0": ["ZeroDivisionError"],
}


def texts(cell):
    """What a cell printed and showed, streams put together."""
    found = []
    for output in cell.outputs:
        if output.output_type == "stream" and found and found[-1][0] == output.name:
            found[-1][1] += output.text
        elif output.output_type == "stream":
            found.append([output.name, output.text])
        elif output.output_type == "error":
            # xeus has the name of the class between brackets.
            found.append(["error", output.ename.strip("<>").removeprefix("class ").strip("'")])
        else:
            found.append(["data", output.data["text/plain"]])
    return [text for _, text in found]


def execute(way):
    """Executes the whole notebook."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in CELLS])
    client = NotebookClient(
        notebook, kernel_name=KERNEL, timeout=60, allow_errors=True, startup_timeout=60,
    )
    client.create_kernel_manager()
    for name, value in WAYS[way].items():
        setattr(client.km, name, value)
    client.execute()
    for cell, wanted in zip(notebook.cells, CELLS.values()):
        assert texts(cell) == wanted, (cell.source, [t[:200] for t in texts(cell)])


def by_hand(way, folder):
    """Heartbeat, a request for input, an interrupt, a new start and the end."""
    file = folder / f"{way.replace(' ', '-')}.json"
    manager = KernelManager(kernel_name=KERNEL, connection_file=str(file), **WAYS[way])
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    pid = manager.provisioner.pid
    for path in wait_for(lambda: mapped(pid), "libzmq in the kernel"):
        tell(f"maps {path}")
    with check(f"{way}: heartbeat"):
        wait_for(client.hb_channel.is_beating, "heartbeat")
    with check(f"{way}: input"):
        asked = client.execute("name = input('who?')", allow_stdin=True)
        question = client.get_stdin_msg(timeout=30)
        assert question["content"]["prompt"] == "who?"
        client.input("somebody")
        reply(client, asked)
        asked = client.execute("", user_expressions={"who": "name"})
        told = reply(client, asked)["user_expressions"]["who"]
        assert told["data"]["text/plain"] == "'somebody'", told
    with check(f"{way}: completion"):
        assert "print" in str(reply(client, client.complete("pri"))["matches"])
    if KERNEL == "python3":
        with check(f"{way}: interrupt"):
            asked = client.execute("import time\nprint('in it')\nwhile True: time.sleep(0.01)")
            busy(client, asked)
            manager.interrupt_kernel()
            assert reply(client, asked)["ename"] == "KeyboardInterrupt"
    with check(f"{way}: a thousand requests"):
        asked = [client.execute(f"y = {n}", silent=True) for n in range(1000)]
        for one in asked:
            reply(client, one)
    with check(f"{way}: a new start"):
        manager.restart_kernel(now=False)
        client.wait_for_ready(timeout=60)
        assert reply(client, client.execute("z = 1"))["status"] == "ok"
    with check(f"{way}: shutdown"):
        client.stop_channels()
        manager.shutdown_kernel(now=False)
        assert not manager.is_alive()


def reply(client, asked):
    """The reply to a request."""
    while True:
        message = client.get_shell_msg(timeout=60)
        if message["parent_header"].get("msg_id") == asked:
            return message["content"]


def busy(client, asked):
    """Waits until the cell says that it has begun."""
    while True:
        message = client.get_iopub_msg(timeout=60)
        if message["parent_header"].get("msg_id") != asked:
            continue
        if message["msg_type"] == "stream":
            return


with programs() as folder:
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR"):
        os.environ[name] = str(folder)
    os.chdir(folder)
    for way in WAYS:
        with check(f"{way}: a notebook"):
            execute(way)
        by_hand(way, folder)
done()
