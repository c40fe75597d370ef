# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real peers for the system tests: buses, gpsd, stores, the daemon. Standard library only, nothing shared with the C code."""
