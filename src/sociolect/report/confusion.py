"""Which community was taken for which."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sociolect.errors import InputError
from sociolect.report.ink import (
    COLOURS,
    at,
    breadth,
    short,
    svg,
    told,
    word,
)
from sociolect.report.table import percent


def confusion(
    matrix: Sequence[Sequence[int]] | npt.NDArray[np.int64],
    labels: Sequence[str],
    *,
    rows: str = "true",
    columns: str = "assigned",
    title: str = "Confusion matrix",
) -> str:
    """Counts by true row and assigned column, shaded by the share of the row, which stands under each count.

    Raises InputError where the matrix is not square, not of the labels' size, or holds anything but counts.

    >>> confusion([[8, 2], [0, 0]], ["red", "blue"]).count("(20%)")
    1
    """
    try:
        counts = np.asarray(matrix)
    except ValueError as error:
        raise InputError("a confusion matrix has rows of one length") from error
    size = len(labels)
    if counts.shape != (size, size) or not size:
        raise InputError(
            f"a confusion matrix of {size} labels is {size} by {size}, not {' by '.join(map(str, counts.shape))}"
        )
    if not (np.issubdtype(counts.dtype, np.number) and np.all(counts == np.floor(counts)) and np.all(counts >= 0)):
        raise InputError("a confusion matrix holds counts: whole numbers from 0; not shares, not nulls")
    side = float(max(46, min(84, 560 // size)))
    left = min(220.0, max(breadth(str(n)) for n in labels) + 46)
    fits = all(breadth(str(n), 11.5) <= side - 8 for n in labels)
    top = 46.0 if fits else 46 + min(110.0, max(breadth(str(n), 11.5) for n in labels) * 0.72)
    out = [word(left + side * size / 2, 14, columns, anchor="middle", size=11.5, ink="soft")]
    out.append(word(14, top + side * size / 2, rows, anchor="middle", size=11.5, ink="soft", turn=-90))
    for k, name in enumerate(labels):
        middle = left + side * (k + 0.5)
        if fits:
            out.append(word(middle, top - 10, str(name), anchor="middle", size=11.5))
        else:
            out.append(word(middle - 4, top - 8, short(str(name), 150, 11.5), size=11.5, turn=-45))
        out.append(
            word(left - 12, top + side * (k + 0.5) + 4, short(str(name), left - 40, 11.5), anchor="end", size=11.5)
        )
    for i, row in enumerate(counts):
        total = int(row.sum())
        for j, count in enumerate(map(int, row)):
            share = count / total if total else None
            said = percent(share) if share is not None else "–"
            x, y = left + side * j, top + side * i
            # At most .6 opaque, so that one colour of words stands clear of every shade.
            shade = f'<rect x="{at(x + 1)}" y="{at(y + 1)}" width="{at(side - 2)}" height="{at(side - 2)}" rx="2" class="heat" fill="{COLOURS[1]}" fill-opacity="{at(0.04 + 0.56 * (share or 0))}"/>'
            words = word(
                x + side / 2,
                y + side / 2,
                f"{count:,}",
                anchor="middle",
                size=min(14.0, (side - 6) / breadth(f"{count:,}", 1)),
                bold=i == j,
            )
            words += word(x + side / 2, y + side / 2 + 15, said, anchor="middle", size=10.5)
            out.append(
                told(shade + words, f"{rows} {labels[i]}, {columns} {labels[j]}: {count:,} of {total:,} ({said})")
            )
        out.append(word(left + side * size + 12, top + side * (i + 0.5) + 4, f"{total:,}", size=11.5, ink="soft"))
    out.append(word(left + side * size + 12, top - 10, "all", size=11.5, ink="soft"))
    right_ = sum(int(counts[k, k]) for k in range(size))
    desc = f"{size} communities; {right_:,} of {int(counts.sum()):,} stand on the diagonal. Each cell holds a count and its share of the row."
    return svg(left + side * size + 70, top + side * size + 8, title, desc, out)
