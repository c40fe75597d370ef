# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the unittest cases of the calling script and prints TAP 13, one point per test, for meson's `protocol: 'tap'`.

    if __name__ == '__main__':
        tap.main()
"""
import sys
import unittest


class TapResult(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.n = 0

    def point(self, ok, test, extra=''):
        self.n += 1
        name = test.shortDescription() or str(test)
        print(f"{'ok' if ok else 'not ok'} {self.n} - {name.replace('#', '')}{extra}", flush=True)

    def diagnose(self, test, err):
        for line in self._exc_info_to_string(err, test).splitlines():
            print('# ' + line, flush=True)

    def addSuccess(self, test):
        self.point(True, test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.point(False, test)
        self.diagnose(test, err)

    def addError(self, test, err):
        super().addError(test, err)
        self.point(False, test)
        self.diagnose(test, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.point(True, test, f' # SKIP {reason}')

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        self.point(err is None, subtest)
        if err is not None:
            self.diagnose(test, err)


def main():
    """Run them and exit 0 when none failed. Names on the command line choose tests, as with unittest.main()."""
    loader = unittest.defaultTestLoader
    module = sys.modules['__main__']
    suite = loader.loadTestsFromNames(sys.argv[1:], module) if len(sys.argv) > 1 else loader.loadTestsFromModule(module)
    print('TAP version 13', flush=True)
    result = TapResult()
    suite.run(result)
    print(f'1..{result.n}', flush=True)
    sys.exit(0 if result.wasSuccessful() else 1)
