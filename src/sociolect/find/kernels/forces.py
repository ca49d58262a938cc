"""Forces that place discs on a plane, and people inside their discs."""

import numpy as np
from numpy.typing import NDArray

from sociolect.find.kernels import kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@kernel
def discs(places: Floats, radius: Floats, pull: Floats, rounds: int) -> None:
    """Moves k discs in place: those with a large pull (k, k; 0 to 1) come near, and in the end none overlaps another.

    The first half is Fruchterman and Reingold's, with the room that two discs need in place of their one ideal
    distance, and discs may pass through each other. Then all are drawn to the middle while those that touch push one
    another away, and the last rounds only push. A disc weighs its area: a small one goes round a large one.
    """
    k = radius.size
    move = np.zeros((k, 2))
    free, packed = rounds // 2, 5 * rounds // 6
    wide = np.sqrt((radius * radius).sum())
    for turn in range(rounds):
        move[:] = 0.0
        for i in range(k):
            for j in range(i):
                dx, dy = places[j, 0] - places[i, 0], places[j, 1] - places[i, 1]
                far = np.sqrt(dx * dx + dy * dy)
                if far < 1e-9:  # two in one place part along a line of their own
                    dx, dy, far = 1e-9 * np.cos(i + 0.7 * j), 1e-9 * np.sin(i + 0.7 * j), 1e-9
                room = radius[i] + radius[j] + 0.25 * min(radius[i], radius[j]) + 0.6  # ours: a gap the eye can see
                if turn < free:
                    force = pull[i, j] * far * far / room - room * room / max(far, 0.1 * room)
                else:
                    force = -0.5 * max(0.0, room - far)
                share = radius[j] ** 2 / (radius[i] ** 2 + radius[j] ** 2)
                move[i, 0] += force * share * dx / far
                move[i, 1] += force * share * dy / far
                move[j, 0] -= force * (1.0 - share) * dx / far
                move[j, 1] -= force * (1.0 - share) * dy / far
        most = 0.3 * wide * (1.0 - turn / free) if turn < free else np.inf
        for i in range(k):
            # keeps what is tied to nobody from leaving, then draws all together
            inward = 0.3 if turn < free else 0.03 if turn < packed else 0.0
            move[i, 0] -= inward * places[i, 0]
            move[i, 1] -= inward * places[i, 1]
            far = np.sqrt(move[i, 0] ** 2 + move[i, 1] ** 2)
            scale = most / far if far > most else 1.0
            places[i, 0] += scale * move[i, 0]
            places[i, 1] += scale * move[i, 1]


@kernel
def spectral(start: Ints, other: Ints, weight: Floats, label: Ints, size: Ints, places: Floats, rounds: int) -> None:
    """Turns random places (n, 2) into the two slowest ways of the lazy random walk within each community.

    Power iteration of (I + D^-1 A) / 2 on the ties inside communities, with the constant taken out of each community
    and the second column kept orthogonal to the first, both weighted by degree.
    """
    n, k = label.size, size.size
    degree = np.full(n, 1e-9)
    mass = np.zeros(k)
    for i in range(n):
        for e in range(start[i], start[i + 1]):
            if label[other[e]] == label[i]:
                degree[i] += weight[e]
        mass[label[i]] += degree[i]
    new = np.zeros((n, 2))
    sums = np.zeros((k, 5))
    for _ in range(rounds):
        for i in range(n):
            x = y = 0.0
            for e in range(start[i], start[i + 1]):
                j = other[e]
                if label[j] == label[i]:
                    x += weight[e] * places[j, 0]
                    y += weight[e] * places[j, 1]
            new[i, 0] = 0.5 * (places[i, 0] + x / degree[i])
            new[i, 1] = 0.5 * (places[i, 1] + y / degree[i])
        sums[:] = 0.0
        for i in range(n):
            sums[label[i], 0] += degree[i] * new[i, 0]
            sums[label[i], 1] += degree[i] * new[i, 1]
        for i in range(n):
            c = label[i]
            new[i, 0] -= sums[c, 0] / mass[c]
            new[i, 1] -= sums[c, 1] / mass[c]
            sums[c, 2] += degree[i] * new[i, 0] * new[i, 0]
            sums[c, 3] += degree[i] * new[i, 0] * new[i, 1]
        for i in range(n):
            c = label[i]
            if sums[c, 2] > 0:
                new[i, 1] -= new[i, 0] * sums[c, 3] / sums[c, 2]
            sums[c, 4] += degree[i] * new[i, 1] * new[i, 1]
        for i in range(n):
            c = label[i]
            places[i, 0] = new[i, 0] * np.sqrt(mass[c] / sums[c, 2]) if sums[c, 2] > 1e-18 * mass[c] else 0.0
            places[i, 1] = new[i, 1] * np.sqrt(mass[c] / sums[c, 4]) if sums[c, 4] > 1e-18 * mass[c] else 0.0


@kernel
def settle(
    start: Ints,
    other: Ints,
    weight: Floats,
    label: Ints,
    centre: Floats,
    radius: Floats,
    places: Floats,
    inside: float,
    outside: float,
    rounds: int,
) -> None:
    """Moves people in place: towards the middle of those they are tied to, away from whoever stands within 2 units.

    Nobody leaves the disc of its community. People are sorted into cells of 2 units, so a round takes time in proportion
    to ties and people, not to pairs of people. All moves of a round are made at once.
    """
    n = label.size
    reach = 2.0
    move = np.zeros((n, 2))
    cell = np.zeros(n, dtype=np.int64)
    held = np.zeros(n, dtype=np.int64)
    for turn in range(rounds):
        low_x, low_y, high_x, high_y = np.inf, np.inf, -np.inf, -np.inf
        for i in range(n):
            low_x, high_x = min(low_x, places[i, 0]), max(high_x, places[i, 0])
            low_y, high_y = min(low_y, places[i, 1]), max(high_y, places[i, 1])
        wide, tall = int((high_x - low_x) / reach) + 1, int((high_y - low_y) / reach) + 1
        first = np.zeros(wide * tall + 1, dtype=np.int64)
        for i in range(n):
            cell[i] = int((places[i, 1] - low_y) / reach) * wide + int((places[i, 0] - low_x) / reach)
            first[cell[i] + 1] += 1
        for c in range(wide * tall):
            first[c + 1] += first[c]
        at = first.copy()
        for i in range(n):
            held[at[cell[i]]] = i
            at[cell[i]] += 1
        for i in range(n):
            px, py = places[i, 0], places[i, 1]
            sx = sy = near = ox = oy = every = 0.0
            # of a long list every so manieth: their middle is as good, and a hub costs no more than others
            for e in range(start[i], start[i + 1], 1 + (start[i + 1] - start[i]) // 24):
                j = other[e]
                every += weight[e]
                dx, dy = places[j, 0] - px, places[j, 1] - py
                if label[j] == label[i]:
                    sx += weight[e] * dx
                    sy += weight[e] * dy
                    near += weight[e]
                else:
                    far = np.sqrt(dx * dx + dy * dy) + 1e-12
                    ox += weight[e] * dx / far
                    oy += weight[e] * dy / far
            fx = fy = 0.0
            if near > 0:
                fx, fy = inside * sx / near, inside * sy / near
            if every > 0:
                fx += outside * ox / every
                fy += outside * oy / every
            row, column = cell[i] // wide, cell[i] % wide
            for r in range(max(0, row - 1), min(tall, row + 2)):
                for q in range(first[r * wide + max(0, column - 1)], first[r * wide + min(wide, column + 2)]):
                    j = held[q]
                    if j == i:
                        continue
                    dx, dy = px - places[j, 0], py - places[j, 1]
                    far = np.sqrt(dx * dx + dy * dy)
                    if far < reach:
                        if far < 1e-9:
                            dx, dy, far = np.cos(float(i)), np.sin(float(i)), 1.0
                            push = 1.0
                        else:
                            push = (1.0 - far / reach) ** 2
                        fx += push * dx / far
                        fy += push * dy / far
            far = np.sqrt(fx * fx + fy * fy)
            most = 1.0 - 0.95 * turn / rounds
            scale = most / far if far > most else 1.0
            move[i, 0], move[i, 1] = scale * fx, scale * fy
        for i in range(n):
            c = label[i]
            x, y = places[i, 0] + move[i, 0] - centre[c, 0], places[i, 1] + move[i, 1] - centre[c, 1]
            far = np.sqrt(x * x + y * y)
            keep = radius[c] / far if far > radius[c] else 1.0
            places[i, 0], places[i, 1] = centre[c, 0] + keep * x, centre[c, 1] + keep * y
