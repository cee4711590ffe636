"""Charts as SVG: lines over logarithmic axes, and bars around one. Just what the
pictures need, so that they depend on nothing."""

import math
from html import escape

COLOURS = {"ours": "#c2410c", "libzmq": "#1d4ed8", "rival": "#7c8591", "limit": "#18181b"}
DASHES = {"limit": "5 4", "rival": "2 3"}
FONT = "font-family='Helvetica, Arial, sans-serif'"
GRID, TEXT, FAINT = "#e4e4e7", "#18181b", "#71717a"

WIDTH, HEIGHT = 640, 380
LEFT, RIGHT, TOP, BOTTOM = 78, 96, 52, 52


def text(x, y, content, size=12, anchor="start", colour=TEXT, extra=""):
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' text-anchor='{anchor}' "
        f"fill='{colour}' {extra}>{escape(content)}</text>"
    )


def line(x1, y1, x2, y2, colour, width=1.0, dash=None):
    dashes = f" stroke-dasharray='{dash}'" if dash else ""
    return (
        f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' "
        f"stroke='{colour}' stroke-width='{width}'{dashes}/>"
    )


def document(width, height, parts):
    return "\n".join(
        [
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' "
            f"width='{width}' height='{height}' {FONT}>",
            f"<rect width='{width}' height='{height}' fill='white'/>",
            *parts,
            "</svg>\n",
        ]
    )


def magnitude(value):
    """A label for an axis."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:g} {unit}"
    return f"{value:g}"


def decades(least, most):
    """Powers of ten that hold both."""
    return range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1)


class LineChart:
    """Values over something that grows, both logarithmic. A series is a list of
    (x, median, least, most)."""

    def __init__(self, title, x_title, y_title, series, x_ticks):
        self.title, self.x_title, self.y_title = title, x_title, y_title
        self.series = {name: points for name, points in series.items() if points}
        self.x_ticks = x_ticks  # (position, label)
        # Only medians make the axis: a single bad run may lie outside of it.
        values = [point[1] for points in self.series.values() for point in points]
        self.y_decades = decades(min(values), max(values))
        if len(self.y_decades) == 1:
            self.y_decades = range(self.y_decades[0], self.y_decades[0] + 2)
        positions = [position for position, _ in x_ticks]
        self.x_least, self.x_most = min(positions), max(positions)

    def x(self, value):
        share = math.log(value / self.x_least) / math.log(self.x_most / self.x_least)
        return LEFT + 10 + share * (WIDTH - LEFT - RIGHT - 20)

    def y(self, value):
        least, most = self.y_decades[0], self.y_decades[-1]
        share = (math.log10(value) - least) / (most - least)
        share = min(max(share, 0), 1)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def text(self):
        parts = [text(LEFT, 24, self.title, 15, extra="font-weight='bold'")]
        parts.append(text(LEFT, 42, self.y_title, 11, colour=FAINT))
        parts.append(
            text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, self.x_title, 11, "middle", FAINT)
        )
        for power in self.y_decades:
            y = self.y(10.0**power)
            parts.append(line(LEFT, y, WIDTH - RIGHT, y, GRID))
            parts.append(text(LEFT - 8, y + 4, magnitude(10.0**power), 11, "end", FAINT))
            for step in range(2, 10) if power != self.y_decades[-1] else ():
                y = self.y(step * 10.0**power)
                parts.append(line(LEFT, y, LEFT + 4, y, GRID))
        for position, label in self.x_ticks:
            x = self.x(position)
            parts.append(line(x, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 4, FAINT))
            parts.append(text(x, HEIGHT - BOTTOM + 18, label, 11, "middle", FAINT))
        for name, points in self.series.items():
            parts += self.drawn(name, points)
        return document(WIDTH, HEIGHT, [*parts, *self.labels()])

    def drawn(self, name, points):
        colour = COLOURS[name]
        path = " ".join(f"{self.x(p[0]):.1f},{self.y(p[1]):.1f}" for p in points)
        dash = f" stroke-dasharray='{DASHES[name]}'" if name in DASHES else ""
        yield (
            f"<polyline points='{path}' fill='none' stroke='{colour}' "
            f"stroke-width='2'{dash}/>"
        )
        for position, value, least, most in points:
            x = self.x(position)
            if least != most:
                yield line(x, self.y(least), x, self.y(most), colour, 1)
            yield f"<circle cx='{x:.1f}' cy='{self.y(value):.1f}' r='3' fill='{colour}'/>"

    def labels(self):
        """Names at the ends of the lines, kept apart."""
        ends = sorted((self.y(points[-1][1]), name, points[-1][0])
                      for name, points in self.series.items())
        last = -math.inf
        for y, name, position in ends:
            y = max(y, last + 14)
            last = y
            yield text(self.x(position) + 8, y + 4, name, 12, colour=COLOURS[name])


class BarChart:
    """Ratios on a logarithmic axis, as bars that begin at one. A row is (label,
    ratio, least, most, target or None, whether it is reached)."""

    ROW, NAMES, SPACE = 15, 290, 480

    def __init__(self, title, subtitle, rows):
        self.title, self.subtitle, self.rows = title, subtitle, rows
        values = [row[1] for row in rows] + [row[4] for row in rows if row[4]] + [1]
        self.decades = decades(min(values), max(values))

    def x(self, value):
        least, most = self.decades[0], self.decades[-1]
        share = (math.log10(value) - least) / (most - least)
        return self.NAMES + min(max(share, 0), 1) * self.SPACE

    def text(self):
        height = 70 + self.ROW * len(self.rows) + 20
        bottom = height - 20
        parts = [text(16, 24, self.title, 15, extra="font-weight='bold'")]
        parts.append(text(16, 42, self.subtitle, 11, colour=FAINT))
        for power in self.decades:
            x = self.x(10.0**power)
            parts.append(line(x, 62, x, bottom, FAINT if power == 0 else GRID))
            parts.append(text(x, 58, f"{magnitude(10.0**power)}×", 11, "middle", FAINT))
        for number, row in enumerate(self.rows):
            parts += self.bar(70 + number * self.ROW, *row)
        return document(self.NAMES + self.SPACE + 70, height, parts)

    def bar(self, y, label, ratio, least, most, target, reached):
        colour = "#dc2626" if ratio < 0.95 else {False: "#d97706"}.get(reached, "#15803d")
        begin, end = sorted((self.x(1), self.x(ratio)))
        middle = y + self.ROW / 2
        yield text(self.NAMES - 8, middle + 4, label, 11, "end")
        yield (
            f"<rect x='{begin:.1f}' y='{y + 2}' width='{max(end - begin, 1):.1f}' "
            f"height='{self.ROW - 4}' fill='{colour}'/>"
        )
        yield line(self.x(least), middle, self.x(most), middle, TEXT, 0.8)
        if target:
            yield line(self.x(target), y, self.x(target), y + self.ROW, TEXT, 1.6)
        yield text(max(end, self.x(most)) + 5, middle + 4, f"{ratio:.0f}×" if ratio >= 100 else f"{ratio:.2g}×", 10, colour=FAINT)
