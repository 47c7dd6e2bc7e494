#!/usr/bin/env bash
# Build the wheel and use it from an empty virtual environment, away from the checkout.
#   .ci/smoke_wheel.sh PYTHON    PYTHON: an interpreter that has `build` and hatchling
set -euo pipefail
python="$(cd "$(dirname "$1")" && pwd)/$(basename "$1")"
root="$(cd "$(dirname "$0")/.." && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

"$python" -m build --wheel --no-isolation --outdir "$work/dist" "$root" >"$work/build.log" 2>&1 ||
    { cat "$work/build.log"; exit 1; }
"$python" -m venv "$work/venv"
pip=("$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check -c "$root/constraints.txt")
"${pip[@]}" torch
"${pip[@]}" "$work"/dist/*.whl

cd "$work"
bin="$work/venv/bin"
"$bin/python" -c "
from npe2 import PluginManifest
manifest = PluginManifest.from_distribution('napari-mineral-anomaly')
assert manifest.contributions.widgets and manifest.contributions.readers, manifest
"
"$bin/mineral-anomaly" sample scan --scene easy --size 48 64 --seed 1 >/dev/null
"$bin/mineral-anomaly" detect scan -o result --detector rx >/dev/null 2>"$work/detect.log" ||
    { cat "$work/detect.log"; exit 1; }
test -s result/anomaly_score.ome.tif
test -s result/grains.csv
echo "wheel: installed in an empty environment, sample scan made, grains found"
