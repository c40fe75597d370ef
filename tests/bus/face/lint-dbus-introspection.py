#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The contract in data/dbus against what the daemon's face says of itself on a real bus.

    lint-dbus-introspection.py INTROSPECT-FACE FILE.xml...

Compared are interfaces, methods, signals and properties, their arguments' names, types and directions, access, and
annotations; comments and the order of members are not. Faults planted into the live side come first: each must be
found.
"""
import subprocess
import sys
import unittest
import xml.etree.ElementTree as ET

from peers import tap

PATHS = ['/org/trailkeep', '/org/trailkeep/erasure', '/org/trailkeep/erasure/7']
OURS = 'org.trailkeep.'


def annotations(element):
    return sorted((a.get('name'), a.get('value')) for a in element.findall('annotation'))


def arguments(element, default):
    return [(a.get('name'), a.get('type'), a.get('direction', default)) for a in element.findall('arg')]


def normalise(interface):
    """An interface as plain values: member -> what it is."""
    members = {('interface', ''): annotations(interface)}
    for method in interface.findall('method'):
        members['method', method.get('name')] = (arguments(method, 'in'), annotations(method))
    for signal in interface.findall('signal'):
        members['signal', signal.get('name')] = (arguments(signal, 'out'), annotations(signal))
    for prop in interface.findall('property'):
        members['property', prop.get('name')] = (prop.get('type'), prop.get('access'), annotations(prop))
    return members


def interfaces(node):
    return {i.get('name'): normalise(i) for i in node.findall('interface') if i.get('name').startswith(OURS)}


def contract(files):
    """Interface -> members, and interface -> path, of all files."""
    members, paths = {}, {}
    for name in files:
        node = ET.parse(name).getroot()
        for interface, content in interfaces(node).items():
            members[interface] = content
            paths[interface] = node.get('name')
    return members, paths


def differences(wanted, found):
    for interface in sorted(set(wanted) | set(found)):
        if interface not in found:
            yield f'{interface}: not on the bus'
        elif interface not in wanted:
            yield f'{interface}: not in data/dbus'
        else:
            ours, live = wanted[interface], found[interface]
            for member in sorted(set(ours) | set(live)):
                if ours.get(member) != live.get(member):
                    yield (f'{interface} {" ".join(member)}: {ours.get(member)} in data/dbus, '
                           f'{live.get(member)} on the bus')


def read_live(program):
    out = subprocess.run([program, *PATHS], check=True, capture_output=True, text=True, timeout=60).stdout
    nodes = {}
    for part in out.split('=== ')[1:]:
        path, xml = part.split('\n', 1)
        nodes[path] = xml
    return nodes


class Introspection(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.wanted, cls.paths = contract(FILES)
        cls.live = read_live(PROGRAM)

    def found(self, change=lambda xml: xml):
        result = {}
        for path in PATHS:
            result.update(interfaces(ET.fromstring(change(self.live[path]))))
        return result

    def test_planted(self):
        plants = [
            ('a method left out', 'name="Flush"', 'name="Flush2"'),
            ('an argument renamed', 'name="purpose"', 'name="reason"'),
            ('an argument of another type', 'type="a{sv}" name="options"', 'type="a{ss}" name="options"'),
            ('a property of another type', 'name="Version" type="s"', 'name="Version" type="o"'),
            ('a property that can be written', 'name="LastError" type="s" access="read"',
             'name="LastError" type="s" access="readwrite"'),
            ('another annotation', 'value="invalidates"', 'value="false"'),
            ('an interface renamed', 'org.trailkeep.Sync1', 'org.trailkeep.Sync2'),
        ]
        for what, old, new in plants:
            with self.subTest(what):
                self.assertTrue(any(old in xml for xml in self.live.values()), f'{old} is nowhere')
                self.assertTrue(list(differences(self.wanted, self.found(lambda xml: xml.replace(old, new)))))

    def test_contract_is_what_is_on_the_bus(self):
        """data/dbus is what is on the bus"""
        self.assertEqual([], list(differences(self.wanted, self.found())))

    def test_paths(self):
        """each interface is on the path that its file names"""
        for interface, path in self.paths.items():
            live_path = '/org/trailkeep/erasure/7' if path.startswith('/org/trailkeep/erasure/') else path
            self.assertIn(interface, interfaces(ET.fromstring(self.live[live_path])))

    def test_erasures_are_found_from_above(self):
        """the erasures are children of their folder"""
        children = [n.get('name') for n in ET.fromstring(self.live['/org/trailkeep/erasure']).findall('node')]
        self.assertEqual(['7'], children)


if __name__ == '__main__':
    PROGRAM, FILES = sys.argv[1], sys.argv[2:]
    del sys.argv[1:]
    tap.main()
