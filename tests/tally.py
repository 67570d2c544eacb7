#!/usr/bin/env python3
"""Counts one run of `meson test`: each TAP case by itself, every other test as one.

usage: tally.py BUILD-DIR     Prints "PASSED FAILED SKIPPED", then what failed with the end of its
output, each line beginning with two spaces. A program that printed only passes but then crashed, timed
out, or was stopped by a sanitizer counts as one failure more.
"""
import glob
import json
import sys
import xml.etree.ElementTree as tree

TAIL = 15  # lines of output shown of a failed test
GOOD = ('OK', 'SKIP', 'EXPECTEDFAIL')


def short(name):
    """Without the project and the suites that meson may put before it."""
    return name.split(' / ')[-1].split(':')[-1]


def main(build):
    # A wrapper's name is part of the log's.
    [logs] = glob.glob(build + '/meson-logs/testlog*.junit.xml')
    passed = failed = skipped = 0
    bad = {}  # test -> names of its failed cases
    for suite in tree.parse(logs).getroot():
        for case in suite.findall('testcase'):
            # A TAP program is a suite of its own, named project.test.
            test = short(suite.get('name').partition('.')[2] or case.get('name'))
            if case.find('failure') is not None or case.find('error') is not None:
                failed += 1
                bad.setdefault(test, []).append(case.get('name'))
            elif case.find('skipped') is not None:
                skipped += 1
            else:
                passed += 1

    report = []
    with open(logs.replace('.junit.xml', '.json'), encoding='utf-8', errors='replace') as lines:
        for run in map(json.loads, lines):
            name = short(run['name'])
            if run['result'] in GOOD and name not in bad:
                continue
            if name not in bad:
                failed += 1
            cases = [c for c in bad.get(name, []) if c != name]
            report.append(f"  {name}: {run['result']} (exit {run['returncode']})")
            report += [f'    case {c}' for c in cases]
            output = (run.get('stdout', '') + run.get('stderr', '')).splitlines()
            output = [o for o in output if not o.startswith('ok ')]
            report += ['    | ' + o for o in output[-TAIL:]]
    print(passed, failed, skipped)
    print('\n'.join(report))


main(sys.argv[1])
