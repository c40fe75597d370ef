# SPDX-License-Identifier: LGPL-2.1-or-later
"""Looks for where somebody was, in every form of eight bytes and more that a program might leave on disk or in a log.

Text: decimal degrees and NMEA's ddmm.mmmm. Binary, both byte orders: double degrees and radians, 64-bit integers of 1e-7 and
1e-9 degree, and pairs of 32-bit integers of 1e-7 degree.
"""
import math
import os
import struct


def forms_of(lat, lon):
    """The needles of one position."""
    found = set()
    for deg in (lat, lon):
        found.add(f'{deg:.9f}'[:8 + (deg < 0)].encode())
        minutes = f'{int(abs(deg)) * 100 + abs(deg) % 1 * 60:.6f}'
        found.add(minutes[:8].encode())
        for order in '<>':
            found.add(struct.pack(order + 'd', deg))
            found.add(struct.pack(order + 'd', math.radians(deg)))
            found.add(struct.pack(order + 'q', round(deg * 1e7)))
            found.add(struct.pack(order + 'q', round(deg * 1e9)))
    for order in '<>':
        for a, b in ((lat, lon), (lon, lat)):
            found.add(struct.pack(order + 'ii', round(a * 1e7), round(b * 1e7)))
    return {needle for needle in found if len(needle) >= 8 and needle.strip(b'\0')}


def needles(positions, most=40):
    """Needles of up to `most` positions, spread evenly over [(lat, lon), ...]."""
    step = max(1, len(positions) // most)
    found = set()
    for lat, lon in positions[::step]:
        found |= forms_of(lat, lon)
    return found


def search(paths, wanted):
    """[(file, needle)] for what is found below the given files and folders; sparse and preallocated space is read too."""
    hits = []
    for path in paths:
        if os.path.isfile(path):
            names = [path]
        else:
            names = [os.path.join(folder, name) for folder, _, files in os.walk(path) for name in files]
            hits += [(name, needle) for name in names for needle in wanted if needle in os.path.basename(name).encode()]
        for name in names:
            try:
                with open(name, 'rb') as f:
                    data = f.read()
            except FileNotFoundError:   # a journal that SQLite has just ended with
                continue
            hits += [(name, needle) for needle in wanted if needle in data]
    return hits
