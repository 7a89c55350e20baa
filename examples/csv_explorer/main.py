"""A CSV explorer: the page picks a file of any size; Python reads, sorts and filters it; the page shows any part."""

import csv
import io
import random
import tempfile
from datetime import date, timedelta
from pathlib import Path

from jsmeets_local import JSFile, JsMeetsPy, ref

app = JsMeetsPy()
scratch = tempfile.TemporaryDirectory()


class Table:
    """A CSV file. The page holds it by reference and calls its public methods, several at a time."""

    def __init__(self, file: JSFile):
        self.name = file.name
        self.rows = []
        self._file = file
        self._lines = csv.reader(io.TextIOWrapper(file, "utf-8-sig", errors="replace", newline=""))
        self.columns = next(self._lines, [])
        self._texts = []  # the text of each row, for the filter
        self._keys = {}  # the sort keys of each column that has been sorted

    def load(self):
        """Read the file from the page piece by piece, and report progress. Cancelling closes this generator."""
        with self._file:
            for row in self._lines:
                self._texts.append("\n".join(row).lower())
                self.rows.append(row)
                if len(self.rows) % 200 == 0:
                    yield {"rows": len(self.rows), "share": self._file.tell() / self._file.size}
        yield {"rows": len(self.rows), "share": 1}

    def choose(self, text, column, descending):
        """Return the rows that contain a text, sorted and by reference, and their count."""
        numbers = range(len(self.rows))
        if text:
            numbers = [number for number in numbers if text.lower() in self._texts[number]]
        if column is not None:
            numbers = sorted(numbers, key=self._keys_of(column).__getitem__, reverse=descending)
        return {"count": len(numbers), "rows": ref(Rows(self, numbers))}

    def _keys_of(self, column):
        keys = self._keys.get(column, [])
        if len(keys) < len(self.rows):
            keys = self._keys[column] = [key(row[column]) if column < len(row) else (2, "") for row in self.rows]
        return keys


class Rows:
    """Some rows of a table, in order; without numbers all rows, including those still to be read."""

    def __init__(self, table, numbers=None):
        self._table = table
        self._numbers = numbers

    def part(self, start, stop):
        rows = self._table.rows
        return rows[start:stop] if self._numbers is None else [rows[number] for number in self._numbers[start:stop]]

    def export(self):
        """Return the rows as a file."""
        path = Path(tempfile.mkdtemp(dir=scratch.name), f"part of {self._table.name}")
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(self._table.columns)
            writer.writerows(self.part(0, None))
        return ref(path)


def key(cell):
    """Return the sort key of a cell: numbers come before text."""
    try:
        return 0, float(cell)
    except ValueError:
        return 1, cell.lower()


@app.expose
def open_table(file):
    table = Table(file)
    return {"columns": table.columns, "table": ref(table), "rows": ref(Rows(table))}


@app.expose
def sample(rows=200_000):
    """Return a file with made-up sales."""
    path = Path(scratch.name, "sales.csv")
    if not path.exists():
        chance = random.Random(2020)
        cities = ["Berlin", "Dublin", "Florence", "Geneva", "Helsinki", "Lisbon", "Oslo", "Prague", "Vienna"]
        goods = {"lamp": 49, "desk": 320, "chair": 129, "shelf": 85, "rug": 210, "mirror": 64, "clock": 38}
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["order", "day", "city", "product", "pieces", "price", "total"])
            for order in range(1, rows + 1):
                day = date(2024, 1, 1) + timedelta(days=order * 730 // rows)
                product = chance.choice(list(goods))
                pieces, price = chance.randint(1, 9), round(goods[product] * chance.uniform(0.8, 1.2), 2)
                writer.writerow(
                    [order, day, chance.choice(cities), product, pieces, f"{price:.2f}", f"{pieces * price:.2f}"]
                )
    return ref(path)


if __name__ == "__main__":
    app.run(str(Path(__file__).with_name("explorer.html")))
