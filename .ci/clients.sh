#!/usr/bin/env bash
# Install what tests/clients opens our files with, as far as it is at hand: Debian's programs, the
# models of the OME formats in an environment of their own, and axe-core.
set -euo pipefail

packages=(
    imagej gdal-bin libreoffice-calc python3-uno xdotool chromium poppler-utils xvfb
)
if command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]; then
    missing=()
    for package in "${packages[@]}"; do
        status="$(dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null || true)"
        [[ "$status" == *"ok installed"* ]] || missing+=("$package")
    done
    [ "${#missing[@]}" -eq 0 ] || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends "${missing[@]}" >/dev/null
else
    echo "Install these Debian packages yourself, or their tests are skipped: ${packages[*]}"
fi
test -x .venv-clients/bin/python || "${1:-python3}" -m venv .venv-clients
.venv-clients/bin/python -m pip install --quiet ome-zarr-models==1.7 ome-types==0.7.0 lxml==6.1.3
if command -v npm >/dev/null; then
    npm install --no-save --no-audit --no-fund --silent --prefix .venv-clients axe-core@4.14.1
fi
