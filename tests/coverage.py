#!/usr/bin/env python3
"""Line coverage of src, with the floors below. usage: coverage.py BUILD-DIR

Prints one line a floor, beginning with `ok` or `LOW`; exit status 1 when one is not reached.
"""
import json
import subprocess
import sys

FLOORS = {'src': 85, 'src/orchestrator': 92, 'src/net': 92, 'src/store': 92}
WORST = 8  # files named under a floor that is not reached


def main(build):
    out = subprocess.run(
        ['gcovr', '-r', '.', '-f', 'src/', '--json-summary', '-j', '2',
         '--exclude-unreachable-branches', build],
        check=True, stdout=subprocess.PIPE).stdout
    files = json.loads(out)['files']
    low = False
    for folder, floor in FLOORS.items():
        mine = [f for f in files if f['filename'].startswith(folder + '/')]
        total = sum(f['line_total'] for f in mine)
        covered = sum(f['line_covered'] for f in mine)
        percent = 100 * covered / total if total else 0
        good = percent >= floor
        text = f'{folder}: {percent:.1f} % of {total} lines (floor {floor} %)'
        if not good:
            low = True
            mine.sort(key=lambda f: f['line_covered'] - f['line_total'])
            text += '; most is missing in ' + ', '.join(
                f"{f['filename']} ({f['line_total'] - f['line_covered']})" for f in mine[:WORST])
        print('ok ' if good else 'LOW', text)
    return low


sys.exit(main(sys.argv[1]))
