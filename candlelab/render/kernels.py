"""Whole pictures in one pass each, straight from the tape: geometry and fill of a style as machine code that holds no lock.

Each does what its style's `geometry` and the fills do in array operations, number by number, for tapes without missing bars;
the tests compare the bytes. Everything compiled for drawing that calls something compiled lies in this file: numba keeps what
it made of a file until that file changes.
"""

from __future__ import annotations

import numpy as np

from candlelab.core.compiled import compiled, inlined

SNAP = 2.0**20  # as in scale
FLAT = 2.0**-40
BAND = 255  # rows numbered in a byte, with one number left that is no row
VECTOR = 64  # bytes
NOWHERE = np.uint8(255)
NONE = np.uint32(0xFFFFFFFF)  # the end of a chain
AVERAGE_BIT = 2  # before the averages: volume up, volume down


@compiled
def draw_ohlc(open_, high, low, close, bars, columns, ends, images):
    """OHLC bars of four pixels; columns: of the open dot, the line and the close dot within a bar. images (B, 1, H, 4 · bars)."""
    height, width = images.shape[2], images.shape[3]
    tops, bottoms = np.empty((1, width), np.int32), np.empty((1, width), np.int32)
    tops[:], bottoms[:] = 1, 0
    first, reach = np.empty((1, width), np.uint8), np.empty((1, width), np.uint8)
    for b in range(ends.size):
        start = ends[b] - bars + 1
        lowest, highest = _extent(low, high, start, bars)
        span = highest - lowest
        factor = (1 - height) * SNAP / span if span > 0 else 0.0
        for k in range(bars):
            t, x = start + k, 4 * k
            tops[0, x + columns[0]] = bottoms[0, x + columns[0]] = _below(open_[t], highest, factor)
            tops[0, x + columns[1]], bottoms[0, x + columns[1]] = (
                _below(high[t], highest, factor),
                _below(low[t], highest, factor),
            )
            tops[0, x + columns[2]] = bottoms[0, x + columns[2]] = _below(close[t], highest, factor)
        _one_layer(tops, bottoms, first, reach, np.uint8(255), np.uint8(0), images[b, 0])


@compiled
def draw_jkx(open_, high, low, close, volume, bars, rows, average, line, ends, images):
    """Bars of three pixels with a moving average (of `average` bars, 0: none) and a volume panel below `rows` of prices.

    line  (points, lengths, length of each stretch, shares) of the polyline. images (B, 1, H, 3 · bars).
    """
    height, width = images.shape[2], images.shape[3]
    whole, panel = -(-width // VECTOR) * VECTOR, height - rows - 1
    tops, bottoms = np.ones((3, width), np.int32), np.zeros((3, width), np.int32)
    first, reach = np.zeros((3, whole), np.uint8), np.zeros((3, whole), np.uint8)
    mean, sums, level = np.empty(bars), np.empty(bars + average), np.empty(bars, np.int32)
    for b in range(ends.size):
        start = ends[b] - bars + 1
        lowest, highest = _extent(low, high, start, bars)
        if average:
            _average(close, start, bars, average, sums, mean)
            lowest, highest = _with(mean, lowest, highest)
        origin, factor = _upward(lowest, highest, rows)
        _jkx_bars(open_, high, low, close, start, origin, factor, rows, tops[0], bottoms[0])
        if average:
            _levels(mean, origin, factor, rows, level)
            _walk(level, line, tops[1, 1:], bottoms[1, 1:])
        if panel > 0:
            tallest = _largest(volume, start, bars)
            for k in range(bars):
                tops[2, 3 * k + 1] = height - _tall(volume[start + k], tallest, panel)
                bottoms[2, 3 * k + 1] = height - 1
        _three_layers(tops, bottoms, first, reach, height, np.uint8(0), np.uint8(255), images[b].ravel())


@compiled
def _jkx_bars(open_, high, low, close, start, origin, factor, rows, tops, bottoms):
    for k in range(tops.size // 3):
        t, x = start + k, 3 * k
        opened, closed = rows - 1 - _above(open_[t], origin, factor), rows - 1 - _above(close[t], origin, factor)
        tops[x] = bottoms[x] = opened
        tops[x + 1] = rows - 1 - _above(high[t], origin, factor)
        bottoms[x + 1] = rows - 1 - _above(low[t], origin, factor)
        tops[x + 2] = bottoms[x + 2] = closed


@compiled
def draw_candles(open_, high, low, close, volume, rows, lengths, line, bodies, wide, colours, ends, images):
    """Candles with moving averages of some lengths and a volume panel below `rows` of prices.

    bodies   (n,) left column of each bar's body, `wide` columns; line: as in `draw_jkx`, through the wicks.
    colours  (2^(5 + averages),) uint32, three levels of what shows where these bits are set: volume up, volume down, the
             averages, wick, body up, body down. images (B, C, H, W).
    """
    height, bars, averages = images.shape[2], bodies.size, lengths.size
    mean = np.empty((averages, bars))
    sums, level = np.empty(bars + (lengths.max() if averages else 0)), np.empty(bars, np.int32)
    across = line[0][-1] + 1
    tops, bottoms = np.empty(across, np.int32), np.empty(across, np.int32)
    head, runs = np.empty(height + 1, np.uint32), averages * across + 3 * bars
    following, place, bits = np.empty(2 * runs, np.uint32), np.empty((runs, 2), np.uint32), np.empty(runs, np.uint16)
    active, lines = np.empty(images.shape[3], np.uint16), np.empty((3, images.shape[3]), np.uint8)
    for b in range(ends.size):
        start = ends[b] - bars + 1
        head[:] = NONE
        lowest, highest = _extent(low, high, start, bars)
        for k in range(averages):
            _average(close, start, bars, lengths[k], sums, mean[k])
            lowest, highest = _with(mean[k], lowest, highest)
        origin, factor = _upward(lowest, highest, rows)
        for k in range(averages):
            _levels(mean[k], origin, factor, rows, level)
            _walk(level, line, tops, bottoms)
            _enter_line(k, tops, bottoms, bodies[0] + (wide - 1) // 2, head, following, place, bits)
        prices = (open_, high, low, close)
        run = _enter_candles(prices, start, origin, factor, rows, bodies, wide, averages, head, following, place, bits)
        if height > rows:
            _enter_volume(prices, volume, start, height - rows - 1, run, bodies, wide, head, following, place, bits)
        _changing_lines(head, following, place, bits, active, colours, lines, images[b])


@compiled
def _enter_line(number, tops, bottoms, offset, head, following, place, bits):
    """Enter the runs of a moving average; they are the first of all."""
    for x in range(tops.size):
        run = number * tops.size + x
        place[run, 0] = place[run, 1] = offset + x
        bits[run] = 1 << (AVERAGE_BIT + number)
        _enter(run, tops[x], bottoms[x], head, following)


@compiled
def _enter_candles(prices, start, origin, factor, rows, bodies, wide, averages, head, following, place, bits):
    """Enter the wicks and bodies; return the number of the next run."""
    open_, high, low, close = prices
    first = bits.size - 3 * bodies.size
    for k in range(bodies.size):
        t, run = start + k, first + 2 * k
        opened, closed = rows - 1 - _above(open_[t], origin, factor), rows - 1 - _above(close[t], origin, factor)
        place[run, 0] = place[run, 1] = bodies[k] + (wide - 1) // 2
        bits[run] = 1 << (AVERAGE_BIT + averages)
        _enter(
            run, rows - 1 - _above(high[t], origin, factor), rows - 1 - _above(low[t], origin, factor), head, following
        )
        place[run + 1, 0], place[run + 1, 1] = bodies[k], bodies[k] + wide - 1
        bits[run + 1] = 2 << (AVERAGE_BIT + averages + (close[t] < open_[t]))
        _enter(run + 1, min(opened, closed), max(opened, closed), head, following)
    return first + 2 * bodies.size


@compiled
def _enter_volume(prices, volume, start, panel, first, bodies, wide, head, following, place, bits):
    """Enter the bars of the volume panel, `panel` rows tall; they are the last of all."""
    open_, close, foot = prices[0], prices[3], head.size - 2
    largest = _largest(volume, start, bodies.size)
    for k in range(bodies.size):
        t, run = start + k, first + k
        place[run, 0], place[run, 1] = bodies[k], bodies[k] + wide - 1
        bits[run] = 1 << (close[t] < open_[t])
        _enter(run, foot + 1 - _tall(volume[t], largest, panel), foot, head, following)


@compiled
def draw_gramian(close, bars, of_pixel, sums, ends, images):
    """Gramian angular fields; of_pixel (W,) the bar of each pixel, sums (C,) bool: gasf, else gadf. images (B, C, W, W)."""
    cosine, sine = np.empty(bars), np.empty(bars)
    levels = np.empty(bars, np.uint8)
    for b in range(ends.size):
        start = ends[b] - bars + 1
        low, high = _extent(close, close, start, bars)
        span = high - low
        flat = not span > FLAT * high
        for k in range(bars):
            share = np.rint((close[start + k] - low) / (high if flat else span) * SNAP) / SNAP
            cosine[k] = 0.5 if flat else share
            sine[k] = np.sqrt(1 - cosine[k] * cosine[k])
        for c in range(images.shape[1]):
            image, done = images[b, c], -1
            for y in range(of_pixel.size):
                i = of_pixel[y]
                if i == done:
                    for x in range(of_pixel.size):
                        image[y, x] = image[y - 1, x]
                    continue
                done = i
                for j in range(bars):
                    field = (
                        cosine[i] * cosine[j] - sine[i] * sine[j]
                        if sums[c]
                        else sine[i] * cosine[j] - cosine[i] * sine[j]
                    )
                    levels[j] = np.uint8(np.rint(np.rint((field + 1) * (127.5 * SNAP)) / SNAP))
                for x in range(of_pixel.size):
                    image[y, x] = levels[of_pixel[x]]


@compiled
def _extent(low, high, start, bars):
    """Lowest and highest price of the bars from row `start` on."""
    lowest, highest = low[start], high[start]
    for t in range(start + 1, start + bars):
        lowest, highest = min(lowest, low[t]), max(highest, high[t])
    return lowest, highest


@compiled
def _with(values, lowest, highest):
    for k in range(values.size):
        lowest, highest = min(lowest, values[k]), max(highest, values[k])
    return lowest, highest


@compiled
def _upward(lowest, highest, rows):
    """`scale.price_scale` of one window."""
    span = highest - lowest
    if span > FLAT * highest:
        return lowest, (rows - 1) * SNAP / span
    return 0.0, (rows - 1) // 2 * SNAP / lowest


@inlined
def _above(value, origin, factor):
    return np.int32(np.rint(np.rint((value - origin) * factor) * (1 / SNAP)))


@inlined
def _below(value, origin, factor):
    return np.int32(np.rint((value - origin) * factor) * (1 / SNAP))


@compiled
def _levels(values, origin, factor, rows, level):
    for k in range(values.size):
        level[k] = max(0, min(rows - 1, rows - 1 - _above(values[k], origin, factor)))  # a table is indexed by it


@compiled
def _largest(volume, start, bars):
    largest = volume[start]
    for t in range(start + 1, start + bars):
        largest = max(largest, volume[t])
    return largest


@inlined
def _tall(volume, largest, rows):
    """`scale.bar_heights` of one bar."""
    return np.int32(np.rint(np.rint(volume / (largest if largest > 0 else 1.0) * (rows * SNAP)) / SNAP))


@compiled
def _average(close, start, bars, length, sums, mean):
    """`scale.moving_average` of one window: neighbours added in the order of `scale.running_sum`."""
    first, count = start - length + 1, bars + length - 1
    for k in range(count):
        sums[k] = close[first + k]
    offset, power, begun = 0, 1, False
    while True:
        if length & power:
            for k in range(bars):
                mean[k] = mean[k] + sums[k + offset] if begun else sums[k + offset]
            offset, begun = offset + power, True
        if 2 * power > length:
            break
        count -= power
        for k in range(count):
            sums[k] = sums[k] + sums[k + power]
        power *= 2
    for k in range(bars):
        mean[k] /= length


@compiled
def _walk(level, line, tops, bottoms):
    """`Polyline.runs` of one window; as `walk`."""
    points, lengths, length_of, shares = line
    back = 0
    for k in range(points.size):
        base, start, kind = level[k], points[k], length_of[k]
        rise = level[k + 1] - base if k + 1 < points.size else 0
        share = shares[abs(rise), kind]
        for x in range(lengths[kind]):
            first, final = np.int32(share[x, 0]), np.int32(share[x, 1])
            tops[start + x] = base + first if rise >= 0 else base - final
            bottoms[start + x] = base + final if rise >= 0 else base - first
        tops[start], bottoms[start] = min(tops[start], base - back), max(bottoms[start], base - back)
        back = abs(rise) // (2 * lengths[kind]) * (1 if rise >= 0 else -1)


@compiled
def _bytes_of(tops, bottoms, start, end, first, reach):
    """Write the part of each run that lies in the rows start … end - 1 as its first row there and how many follow, in bytes."""
    for layer in range(tops.shape[0]):
        for x in range(tops.shape[1]):
            above, below = max(tops[layer, x], start), min(bottoms[layer, x], end - 1)
            inked = above <= below
            first[layer, x] = np.uint8(above - start) if inked else NOWHERE
            reach[layer, x] = np.uint8(below - above) if inked else np.uint8(0)


@compiled
def _one_layer(tops, bottoms, first, reach, paper, ink, image):
    """Paint one run per column into (H, W): in bands of 255 rows a pixel has ink where (row - first) <= reach."""
    height, width = image.shape[0], first.shape[1]
    for start in range(0, height, BAND):
        rows = min(BAND, height - start)
        _bytes_of(tops, bottoms, start, start + rows, first, reach)
        for y in range(rows):  # from start on it would not become vectors: four times as long
            row, here = image[start + y], np.uint8(y)
            for x in range(width):
                row[x] = ink if np.uint8(here - first[0, x]) <= reach[0, x] else paper


@compiled
def _three_layers(tops, bottoms, first, reach, height, paper, ink, image):
    """Paint up to three runs per column of one ink into (H · W,); as `_one_layer`.

    A row is written as wide as `first`, in whole vectors: these pictures are narrow. Its end is covered by the next row.
    """
    width, whole = tops.shape[1], first.shape[1]
    for start in range(0, height, BAND):
        rows = min(BAND, height - start)
        _bytes_of(tops, bottoms, start, start + rows, first, reach)
        for y in range(rows):
            row, here = image[(start + y) * width :], np.uint8(y)
            for x in range(np.uintp(whole if row.size >= whole else width)):
                inked = np.uint8(here - first[0, x]) <= reach[0, x]
                inked |= np.uint8(here - first[1, x]) <= reach[1, x]
                inked |= np.uint8(here - first[2, x]) <= reach[2, x]
                row[x] = ink if inked else paper


@inlined
def _enter(run, top, bottom, head, following):
    """Chain a run up at the row where it begins (2 · run) and the one where it has ended (2 · run + 1).

    Without a branch: numba then counts no references to the arrays, which takes twenty times as long as this.
    """
    first = min(max(top, 0), head.size - 1)
    after = min(max(bottom + 1, first), head.size - 1)  # of an empty run the first row: there it begins and ends
    following[2 * run] = head[first]
    head[first] = np.uint32(2 * run)
    following[2 * run + 1] = head[after]
    head[after] = np.uint32(2 * run + 1)


@compiled
def _changing_lines(head, following, place, bits, active, colours, lines, image):
    """Keep one line per channel up to date from row to row and copy it into each.

    active (W,) has one bit per layer and ink that covers a column now; a run changes its first and its last column without a
    branch, because hardly any has columns between them.
    """
    channels, height = image.shape[0], image.shape[1]
    active[:] = 0
    for c in range(3):
        lines[c, :] = np.uint8(colours[0] >> np.uint32(8 * c))
    for y in range(height):
        change = head[y]
        while change != NONE:
            run = np.uintp(change >> np.uint32(1))
            left, right, bit = np.uintp(place[run, 0]), np.uintp(place[run, 1]), bits[run]
            one, other = active[left] ^ bit, active[right] ^ bit
            active[left], active[right] = one, other
            _dab(lines, left, colours[np.uintp(one)])
            _dab(lines, right, colours[np.uintp(other)])
            for x in range(left + np.uintp(1), right):
                active[x] ^= bit
                _dab(lines, x, colours[np.uintp(active[x])])
            change = following[np.uintp(change)]
        for c in range(channels):
            for x in range(np.uintp(image.shape[2])):  # a slice assignment takes twenty times as long
                image[np.uintp(c), np.uintp(y), x] = lines[np.uintp(c), x]


@inlined
def _dab(lines, x, colour):
    lines[0, x] = np.uint8(colour)
    lines[1, x] = np.uint8(colour >> np.uint32(8))
    lines[2, x] = np.uint8(colour >> np.uint32(16))
