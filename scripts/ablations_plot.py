#!/usr/bin/env python3
"""Numbers and a plot of what scripts/ablations.sh found.

    scripts/ablations_plot.py FOLDER SCORES.csv PLOT.svg

FOLDER is the script's. SCORES.csv gets every score of every object, variant and seed; PLOT.svg the differences of ablations.md
with their 95 % intervals, of the scores named below. Standard library only.
"""
import csv
import json
import pathlib
import re
import sys

SCORES = {"orbit PSNR, dB": "PSNR, dB", "orbit mask IoU": "mask IoU", "orbit depth error": "depth error"}
COLUMNS = [(group, name) for group in ("orbit", "random") for name in ("psnr", "ssim_valid", "mask_iou", "depth_error")]
COLORS = {"better": "#1a7f37", "worse": "#cf222e"}  # anything else is grey
ROW, LABEL, PANEL, GAP = 22, 150, 210, 24           # pixels


def write_scores(folder, path):
    with open(path, "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["variant", "seed", "method", "object"] + [" ".join(column) for column in COLUMNS])
        for run in sorted(folder.glob("*_*.json")):
            variant, seed = run.stem.rsplit("_", 1)
            for method in json.loads(run.read_text())["methods"]:
                for scores in method["objects"]:
                    values = [scores.get(group, {}).get(name) for group, name in COLUMNS]
                    table.writerow([variant, seed, method["name"], scores["id"]] +
                                   ["" if value is None else f"{value:.6g}" for value in values])


def read_differences(path):
    """Yields (method, variant, score, mean, low, high, finding)."""
    method = ""
    for line in path.read_text().splitlines():
        if line.startswith("## "):
            method = line[3:]
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 7 or cells[1] not in SCORES:
            continue
        mean, _, low, high = (float(number) for number in re.findall(r"[+-]?\d+\.\d+", cells[4].replace("−", "-")))
        yield method, cells[0], cells[1], mean, low, high, cells[6]


def panel(left, top, title, rows):
    """One score of one method: a line per variant from low to high, a dot at the mean, a vertical line at 0."""
    reach = max(max(abs(low), abs(high)) for _, _, low, high, _ in rows) or 1
    at = lambda value: left + PANEL / 2 + value / reach * (PANEL / 2 - 10)
    bottom = top + ROW * len(rows)
    yield f'<text x="{left + PANEL / 2:.0f}" y="{top - 10}" text-anchor="middle" font-weight="bold">{title}</text>'
    yield f'<line x1="{at(0):.1f}" x2="{at(0):.1f}" y1="{top - 4}" y2="{bottom}" stroke="#8c959f"/>'
    for i, (_, mean, low, high, finding) in enumerate(rows):
        y, color = top + ROW * i + ROW / 2, COLORS.get(finding, "#57606a")
        yield f'<line x1="{at(low):.1f}" x2="{at(high):.1f}" y1="{y}" y2="{y}" stroke="{color}" stroke-width="3"/>'
        yield f'<circle cx="{at(mean):.1f}" cy="{y}" r="4.5" fill="{color}"/>'
    for value, anchor in ((-reach, "start"), (reach, "end")):
        yield f'<text x="{at(value):.1f}" y="{bottom + 14}" text-anchor="{anchor}" fill="#57606a">{value:+.2g}</text>'


def write_plot(differences, path):
    parts, top = [], 20
    for method in dict.fromkeys(row[0] for row in differences):
        variants = list(dict.fromkeys(row[1] for row in differences if row[0] == method))
        parts.append(f'<text x="4" y="{top}" font-weight="bold">{method}: difference to the reference</text>')
        top += 36
        for i, variant in enumerate(variants):
            parts.append(f'<text x="4" y="{top + ROW * i + ROW / 2 + 4}">{variant.replace("_", " ")}</text>')
        for i, score in enumerate(SCORES):
            found = {row[1]: row[1:2] + row[3:] for row in differences if row[0] == method and row[2] == score}
            rows = [found.get(variant, (variant, 0.0, 0.0, 0.0, "")) for variant in variants]
            parts.extend(panel(LABEL + i * (PANEL + GAP), top, SCORES[score], rows))
        top += ROW * len(variants) + 48
    width = LABEL + len(SCORES) * (PANEL + GAP)
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top}" font-family="sans-serif" '
                    f'font-size="12"><rect width="100%" height="100%" fill="white"/>' + "\n".join(parts) + "</svg>\n")


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__.strip())
    folder, scores, plot = (pathlib.Path(argument) for argument in sys.argv[1:])
    write_scores(folder, scores)
    differences = list(read_differences(folder / "ablations.md"))
    if not differences:
        sys.exit(f"{folder / 'ablations.md'}: no differences of {', '.join(SCORES)}")
    write_plot(differences, plot)


if __name__ == "__main__":
    main()
