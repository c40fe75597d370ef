# SPDX-License-Identifier: LGPL-2.1-or-later
"""What gpsd says to a plain client, compared with GeoJSON that trailkeep made of it.

Both are brought into one form: a dict of the properties that are there, by gpsd_json(5)'s names, and no others. Written
from the manuals and the issue, not from the C code, so that a mistake there is not repeated here.
"""
import datetime
import gzip
import json
import math

# what a record carries of a TPV; uSat and hdop come from a SKY
OF_TPV = ('time', 'mode', 'status', 'lat', 'lon', 'altHAE', 'altMSL', 'speed', 'track', 'climb', 'eph', 'epv', 'eps',
          'device')
EXACT = ('mode', 'status', 'uSat', 'device')
PLACE_DEG = 1e-7
TIME_MS = 1
OTHER = 1e-6  # gpsd prints four decimals at most
RECORD_SEPARATOR = b'\x1e'  # RFC 8142


def time_ms(text):
    """RFC 3339, UTC, to milliseconds since 1970."""
    time = datetime.datetime.fromisoformat(text.replace('Z', '+00:00'))
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return round((time - epoch) / datetime.timedelta(milliseconds=1))


class Skies:
    """The last SKY of the same epoch, receiver by receiver; see Latecomers for one that follows its TPV.

    A SKY with a time is of the epoch of that time. One without is of the epoch of the first TPV that follows. SKYs of
    one epoch add up: each has the last word on what it says.
    """

    def __init__(self):
        self.of = {}

    def take(self, sky):
        device, time = sky.get('device', ''), sky.get('time')
        last = self.of.get(device)
        is_same = last and last['time'] == time and (time is not None or 'epoch' not in last)
        said = {k: sky[k] for k in ('uSat', 'hdop') if k in sky}
        self.of[device] = {'time': time, 'said': {**(last['said'] if is_same else {}), **said},
                           **({'epoch': last['epoch']} if is_same and 'epoch' in last else {})}

    def look_up(self, tpv):
        sky = self.of.get(tpv.get('device', ''))
        if sky is None:
            return {}
        time = tpv.get('time')
        sky.setdefault('epoch', time)
        own = sky['time'] if sky['time'] is not None and time is not None else sky['epoch']
        return sky['said'] if own == time else {}


class Latecomers:
    """A SKY with a time that comes after the TPV of its epoch counts too, until the next TPV, for a receiver that had
    one in the epoch before. So does the sky of that next TPV if it is of the same epoch.
    """

    def __init__(self):
        self.times = {}   # by device: times of TPVs, no two the same in a row
        self.late = {}    # by device: times of SKYs with something to say after the TPV of their time
        self.waiting = None   # (device, time, fix) of the last TPV

    def tpv(self, tpv, sky, fix, has_sky):
        device, time = tpv.get('device', ''), tpv.get('time')
        if self.waiting and self.waiting[:2] == (device, time):
            self.waiting[2].update(sky)
        times = self.times.setdefault(device, [None]) if has_sky else [None]
        if times[-1] != time:
            times.append(time)
        late = self.late.get(device, ())
        is_expected = len(times) > 1 and times[-2] in late and time not in late
        is_short = fix and time and not {'uSat', 'hdop'} <= fix.keys()
        self.waiting = (device, time, fix) if is_expected and is_short else None

    def sky(self, sky, said):
        device, time = sky.get('device', ''), sky.get('time')
        if said and time and self.times.get(device, [None])[-1] == time:
            self.late.setdefault(device, set()).add(time)
        if self.waiting and self.waiting[:2] == (device, time):
            self.waiting[2].update(said)


def fixes_of_gpsd(objects):
    """Each TPV with mode >= 2 that a plain client saw, with the sky that belongs to it."""
    skies, latecomers, fixes = Skies(), Latecomers(), []
    for o in objects:
        if o['class'] == 'SKY':
            skies.take(o)
            latecomers.sky(o, skies.of[o.get('device', '')]['said'])
        elif o['class'] == 'TPV':
            sky, fix = skies.look_up(o), None
            if o['mode'] >= 2:
                fix = {k: o[k] for k in OF_TPV if k in o}
                fix.update(sky)
                if 'time' in fix:
                    fix['time'] = time_ms(fix['time'])
                fixes.append(fix)
            latecomers.tpv(o, sky, fix, o.get('device', '') in skies.of)
    return fixes


def fix_of_feature(feature):
    """One GeoJSON Feature; its geometry becomes lat and lon, and the third coordinate must be altHAE."""
    assert feature['type'] == 'Feature', feature
    fix = dict(feature['properties'])
    if feature['geometry'] is not None:
        assert feature['geometry']['type'] == 'Point', feature
        fix['lon'], fix['lat'], *height = feature['geometry']['coordinates']
        assert height == ([fix['altHAE']] if 'altHAE' in fix else []), feature
    if 'time' in fix:
        fix['time'] = time_ms(fix['time'])
    return fix


def fixes_of_sequence(data):
    """A GeoJSON text sequence, RFC 8142, gzipped or not: every text begins with RS and ends with a line feed."""
    if data.startswith(b'\x1f\x8b'):
        data = gzip.decompress(data)
    if not data:
        return []
    assert data.startswith(RECORD_SEPARATOR), 'the sequence does not begin with RS'
    texts = data[1:].split(RECORD_SEPARATOR)
    assert all(text.endswith(b'\n') for text in texts), 'a text does not end with a line feed'
    return [fix_of_feature(json.loads(text)) for text in texts]


def is_same(a, b):
    if a.keys() != b.keys():
        return False
    for name, value in a.items():
        if name in EXACT:
            if value != b[name]:
                return False
            continue
        tolerance = {'lat': PLACE_DEG, 'lon': PLACE_DEG, 'time': TIME_MS}.get(name, OTHER)
        if not math.isclose(value, b[name], rel_tol=0, abs_tol=tolerance):
            return False
    return True


def difference(expected, actual):
    """Compare as multisets; gives (missing, surplus), both empty when they are equal. Fast when in the same order."""
    rest, missing, begin = list(actual), [], 0
    for fix in expected:
        order = [*range(begin, len(rest)), *range(begin)]
        i = next((i for i in order if rest[i] is not None and is_same(fix, rest[i])), None)
        if i is None:
            missing.append(fix)
            continue
        rest[i] = None
        if i == begin:
            while begin < len(rest) and rest[begin] is None:
                begin += 1
    return missing, [fix for fix in rest if fix is not None]
