#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""expand.py TEMPLATE PROGRAM: the template, with the line @OPTIONS@ replaced by what the program prints."""
import pathlib
import subprocess
import sys

template, program = sys.argv[1:]
made = subprocess.run([program], check=True, capture_output=True, text=True).stdout
text = pathlib.Path(template).read_text(encoding='utf-8')
if text.count('@OPTIONS@\n') != 1:
    sys.exit(f'{template}: the line @OPTIONS@ must stand in it once')
sys.stdout.write(text.replace('@OPTIONS@\n', made))
