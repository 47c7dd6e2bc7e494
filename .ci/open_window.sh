#!/usr/bin/env bash
# Open napari with the project of a run, where a display exists.
#   .ci/open_window.sh SCAN_FOLDER RUN_FOLDER
set -euo pipefail
if [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] && [ "$(uname)" = Linux ]; then
    echo "No display here: look at $2/overview.png or $2/report.html, or run this on a desktop to open napari."
    exit 0
fi
exec .venv/bin/mineral-anomaly open "$2" --maps "$1"
