#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# peers -- other people's software that Petrel is compared with, in a Python environment of its own.   tests
#   tests/peers.sh [--bench]      in build/peers, or $PETREL_PEERS; --bench: the benchmarks' and the golden files' peers, too
#   tests/peers.sh --newest       in build/peers-newest: the newest PyTorch of PyPI, gigabytes, and MONAI, for `bench train`, `methods` and `backbones`
# Debian gives python3-torch, python3-h5py and python3-venv (./run.sh test asks before it installs them), PyPI what
# peers.txt and peers-bench.txt list; MONAI and Lightly come without what they depend on, for only some of their files are
# used. Petrel itself needs none of this. Says what there is and leaves with 0; or says why not, here and in PEERS.missing, where the tests that
# are then skipped find it, and leaves with 69.
cd "$(dirname "$0")/.." || exit 1
if [ "${1:-}" = --newest ]; then # PyPI's wheel for Linux brings CUDA, used or not
    newest=$(realpath -m build/peers-newest) wanted=tests/peers-newest.txt
    mkdir -p build
    exec 9>"$newest.lock"
    flock 9
    cmp -s "$wanted" "$newest/made" || {
        echo "peers: installing $(grep -v '^#' $wanted | tr '\n' ' ')in $newest: about 5 GB" >&2
        { [ -x "$newest/bin/pip" ] || /usr/bin/python3 -m venv "$newest"; } >"$newest.log" 2>&1 &&
            "$newest/bin/pip" --disable-pip-version-check install --quiet --no-input -r "$wanted" >>"$newest.log" 2>&1 &&
            "$newest/bin/python" -c 'import torch' >>"$newest.log" 2>&1 ||
            { echo "peers: PyPI gives not $wanted: $(tail -n 1 "$newest.log") (the log is $newest.log)" >&2; exit 69; }
        cp "$wanted" "$newest/made"
    }
    echo "peers in $newest: $(grep -v '^#' $wanted | tr '\n' ' ')" >&2
    exit
fi
peers=$(realpath -m "${PETREL_PEERS:-build/peers}") log=$(realpath -m "${PETREL_PEERS:-build/peers}.log")
lists=(tests/peers.txt) alone=(monai==1.0.1 lightly==1.5.0) newer=monai==1.3.2
[ "${1:-}" != --bench ] || lists+=(tests/peers-bench.txt)

missing() {
    mkdir -p "${peers%/*}" && echo "$*" >"$peers.missing"
    echo "peers: $*" >&2
    exit 69
}
pip() { "$peers/bin/pip" --disable-pip-version-check install --quiet --no-input --timeout 15 --retries 2 "$@" >>"$log" 2>&1; }
whole() { # of these lists, whole and by this script
    cat "$0" "${lists[@]}" | cmp -s - "$peers/made.${#lists[@]}"
}

/usr/bin/python3 -c 'import ensurepip, importlib.util as u; u.find_spec("torch").name + u.find_spec("h5py").name' 2>/dev/null ||
    missing "Debian's python3-torch, python3-h5py and python3-venv are not all there (./run.sh test --yes installs them)"
mkdir -p "${peers%/*}"
exec 9>"$peers.lock"
flock 9
if ! whole; then
    echo "peers: installing in $peers" >&2
    : >"$log"
    { [ -x "$peers/bin/pip" ] || /usr/bin/python3 -m venv --system-site-packages "$peers" >>"$log" 2>&1; } &&
        pip "${lists[@]/#/--requirement=}" && pip --no-deps "${alone[@]}" &&
        pip --no-deps --upgrade --target "$peers/newer" "$newer" ||
        missing "PyPI gives not all of ${lists[*]}: $(grep -iE 'error|warning' "$log" | tail -n 1) (the log is $log)"
    cat "$0" "${lists[@]}" >"$peers/made.${#lists[@]}"
fi
rm -f "$peers.missing"
echo "peers in $peers: torch $(dpkg-query -W -f '${Version}' python3-torch)," \
    "${alone[*]} and ${newer#*==}, $(grep -hv '^#' "${lists[@]}" | tr '\n' ' ')" >&2
