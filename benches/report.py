"""The table of BENCHMARKS.md."""

from cells import CPU, CPU_TARGET

NOISE = 0.05  # a median ratio this close to 1 is no difference
NOTHING = "–"


def short(value):
    """Three digits, with a unit where there are many."""
    if value is None:
        return NOTHING
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if value >= 10 * limit or (unit == "M" and value >= limit):
            return f"{value / limit:.3g} {unit}"
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def ratio_text(ratio):
    if ratio is None or ratio != ratio:
        return NOTHING
    return f"{ratio:.2f}×" if ratio >= 0.1 else f"{ratio:.3f}×"


def is_worse(metric, figure, side="libzmq"):
    """Beyond noise, and in every pair."""
    ratios = figure.ratios(side)
    if not ratios:
        return False
    ratio = figure.ratio_to(side)
    if metric.more_is_better:
        return ratio < 1 - NOISE and max(ratios) < 1
    return ratio > 1 + NOISE and min(ratios) > 1


def reached(cell, metric, figure):
    """Whether every target of a figure is reached; None without one."""
    targets = cell.targets.get(metric.name)
    if not targets or not figure.values["ours"]:
        return None
    return all(target.reached(figure) for target in targets)


def mark(verdict):
    return {None: NOTHING, True: "✓", False: "✗"}[verdict]


class Table:
    """Rows as they are asked for, and what they add up to."""

    def __init__(self, results, cells):
        self.results = results
        self.cells = {name: cell for name, cell in cells.items() if name in results.cells}
        self.with_rival = any(
            record["runs"].get("rival") for record in results.cells.values()
        )

    def text(self):
        measured = {n: c for n, c in self.cells.items() if c.program or not c.limit}
        raw = {n: c for n, c in self.cells.items() if n not in measured}
        lines = [*self.head()]
        for name, cell in measured.items():
            for metric in cell.metrics:
                lines.append(self.row(name, cell, metric))
        lines += ["", *self.verdicts(measured)]
        if raw:
            lines += ["", "The machine by itself, without a library:", ""]
            lines += ["| cell | unit | median |", "|---|---|--:|"]
            for name, cell in raw.items():
                for metric in cell.metrics:
                    value = self.results.figure(name, metric.name).median("limit")
                    lines.append(f"| {name} | {metric.unit} | {short(value)} |")
        return "\n".join(lines)

    def head(self):
        columns = ["cell", "unit", "ours", "libzmq"]
        columns += ["rival"] if self.with_rival else []
        columns += ["limit", "ours ÷ libzmq", "range", "target", ""]
        columns += ["÷ rival"] if self.with_rival else []
        columns += ["CPU ns ours", "libzmq", "CPU ÷", f"{CPU_TARGET.text}"]
        rule = "|".join("---" if i < 2 else "--:" for i in range(len(columns)))
        return ["| " + " | ".join(columns) + " |", f"|{rule}|"]

    def row(self, name, cell, metric):
        figure = self.results.figure(name, metric.name)
        cpu = self.results.figure(name, CPU.name)
        ratios = figure.ratios()
        ratio = ratio_text(figure.ratio)
        targets = ", ".join(target.text for target in cell.targets.get(metric.name, ()))
        columns = [
            name,
            f"{metric.unit} {'↑' if metric.more_is_better else '↓'}",
            short(figure.median("ours")),
            short(figure.median("libzmq")),
            *([self.rival(name, figure)] if self.with_rival else []),
            short(figure.median("limit")),
            f"**{ratio}**" if is_worse(metric, figure) else ratio,
            f"{min(ratios):.2f} – {max(ratios):.2f}" if ratios else NOTHING,
            targets or NOTHING,
            mark(reached(cell, metric, figure)),
        ]
        if self.with_rival:
            ratio = ratio_text(figure.ratio_to("rival"))
            columns.append(f"**{ratio}**" if is_worse(metric, figure, "rival") else ratio)
        if metric != cell.metrics[0]:
            cpu = self.results.figure(name, "none")
        columns += [
            short(cpu.median("ours")),
            short(cpu.median("libzmq")),
            ratio_text(cpu.ratio),
            mark(CPU_TARGET.reached(cpu)) if cell.cpu_counts and cpu.ratios() else NOTHING,
        ]
        return "| " + " | ".join(columns) + " |"

    def rival(self, name, figure):
        if self.results.failure(name, "rival") and not figure.values["rival"]:
            return "failed"
        return short(figure.median("rival"))

    def verdicts(self, cells):
        """What the rows add up to."""
        all_figures = [
            (name, cell, metric, self.results.figure(name, metric.name))
            for name, cell in cells.items()
            for metric in cell.metrics
        ]
        verdicts = [reached(cell, metric, figure) for _, cell, metric, figure in all_figures]
        cpu = [
            CPU_TARGET.reached(self.results.figure(name, CPU.name))
            for name, cell in cells.items()
            if cell.cpu_counts and self.results.figure(name, CPU.name).ratios()
        ]
        yield (
            f"Targets reached: {verdicts.count(True)} of "
            f"{verdicts.count(True) + verdicts.count(False)}; "
            f"of processor time {cpu.count(True)} of {len(cpu)}."
        )
        for side in ("libzmq", "rival"):
            worse = [
                f"{name} ({metric.unit})"
                for name, _, metric, figure in all_figures
                if is_worse(metric, figure, side)
            ]
            if side == "libzmq" or self.with_rival:
                yield f"\nBehind {side}: " + (", ".join(worse) or "nowhere") + "."
