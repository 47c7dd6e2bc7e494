#!/usr/bin/env bash
# Install the system libraries that Qt, OpenGL and a virtual screen need, where apt is at hand.
set -euo pipefail

packages=(
    xvfb xauth libegl1 libgl1 libgl1-mesa-dri libxcb-cursor0 libxkbcommon-x11-0 libxcb-icccm4
    libxcb-image0 libxcb-keysyms1 libxcb-render-util0 libxcb-xinerama0 libxcb-shape0 libdbus-1-3
    libglib2.0-0 libfontconfig1 fonts-dejavu-core python3-venv
)

if ! command -v apt-get >/dev/null; then
    echo "No apt-get here: install the libraries of Qt 6 and OpenGL yourself if napari does not start."
    exit 0
fi

missing=()
for package in "${packages[@]}"; do
    # Newer Debian and Ubuntu releases rename libglib2.0-0 to libglib2.0-0t64.
    status="$(dpkg-query -W -f '${Status}\n' "$package" "${package}t64" 2>/dev/null || true)"
    [[ "$status" == *"ok installed"* ]] || missing+=("$package")
done
[ "${#missing[@]}" -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "Missing system libraries, and neither root nor sudo is at hand: ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
echo "Installing system libraries (once): ${missing[*]}"
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" >/dev/null
