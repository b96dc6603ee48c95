#!/bin/sh
# Find a Python that can run the set-up and hand over to scripts/setup.py.
# Usage: scripts/setup.sh run|dev. PYTHON=… in the environment chooses the interpreter.
set -eu
cd "$(dirname "$0")/.."

fits='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
has_venv='import ensurepip, venv'

if [ -z "${PYTHON:-}" ] && [ -x .venv/bin/uv ] && .venv/bin/python -c "$fits" 2>/dev/null; then
    exec .venv/bin/python scripts/setup.py "$@"
fi

seen=""
without_venv=""
for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    version=$("$candidate" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null) || continue
    seen="$seen $candidate($version)"
    "$candidate" -c "$fits" || continue
    if "$candidate" -c "$has_venv" 2>/dev/null; then
        exec "$candidate" scripts/setup.py "$@"
    fi
    without_venv="$candidate"
done

if [ -n "$without_venv" ]; then
    echo "cannot go on: $without_venv has no venv module." >&2
    echo "On Debian or Ubuntu: sudo apt install python3-venv. Then run make again." >&2
else
    echo "cannot go on: CloudPay needs Python 3.11, 3.12 or 3.13; found:${seen:- none}." >&2
    echo "Install one (Debian and Ubuntu: sudo apt install python3 python3-venv; macOS: brew install python@3.13)," >&2
    echo "or name one: make PYTHON=/path/to/python3 …" >&2
fi
exit 1
