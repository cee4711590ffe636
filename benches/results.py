"""What was measured: runs by cell and side, in a file that grows.

A run is what a program printed, by name. The sides of a cell (ours, libzmq, the
rival, the limit) are measured in turn, and runs with the same number in their
lists are neighbours. Who fails once, takes part no more. A cell is measured anew when a library's file has changed.
"""

import json
from dataclasses import dataclass
from statistics import median

SIDES = ("ours", "libzmq", "rival", "limit")


class Results:
    """The runs of all cells, kept in a file."""

    def __init__(self, path):
        self.path = path
        self.cells = {}
        self.facts = {}
        if path.exists():
            stored = json.loads(path.read_text())
            self.cells, self.facts = stored["cells"], stored["facts"]

    def save(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"facts": self.facts, "cells": self.cells}, indent=1)
        new = self.path.with_suffix(".new")
        new.write_text(text)
        new.replace(self.path)

    def start(self, name, identity):
        """The record of a cell, begun anew unless it is of the same files."""
        record = self.cells.get(name)
        if not record or record["identity"] != identity:
            record = {"identity": identity, "runs": {}, "failures": {}}
            self.cells[name] = record
        return record

    def pairs(self, name, identity):
        """How many pairs of these files there are."""
        record = self.cells.get(name)
        if not record or record["identity"] != identity:
            return 0
        runs = record["runs"]
        return len(runs.get("ours") or runs.get("limit") or ())

    def merge(self, other):
        """Takes over another file's cells: as more pairs, where they are of the
        same libraries, else instead."""
        for name, record in other.cells.items():
            mine = self.cells.get(name)
            if mine and mine["identity"] == record["identity"]:
                for side, runs in record["runs"].items():
                    mine["runs"].setdefault(side, []).extend(runs)
                mine["failures"].update(record["failures"])
            else:
                self.cells[name] = record
        self.facts = {**other.facts, **self.facts}

    def figure(self, name, metric):
        """All that was seen of one figure of a cell."""
        record = self.cells.get(name, {"runs": {}})
        return Figure(
            {
                side: [run[metric] for run in record["runs"].get(side, []) if metric in run]
                for side in SIDES
            }
        )

    def failure(self, name, side):
        return self.cells.get(name, {}).get("failures", {}).get(side)


@dataclass(frozen=True)
class Figure:
    """The values of one figure, by side."""

    values: dict

    def median(self, side):
        values = self.values[side]
        return median(values) if values else None

    def ratios(self, side="libzmq"):
        """Ours to the other's, by pairs."""
        pairs = zip(self.values["ours"], self.values[side])
        return [ours / other for ours, other in pairs if other]

    def ratio_to(self, side):
        ratios = self.ratios(side)
        return median(ratios) if ratios else None

    @property
    def ratio(self):
        """NaN, which reaches nothing, where there is none."""
        ratio = self.ratio_to("libzmq")
        return float("nan") if ratio is None else ratio
