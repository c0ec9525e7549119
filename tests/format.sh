#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Code is what .clang-format makes of it (clang-format 14, Debian 12's), and every source says its licence in its head.
#   tests/format.sh [--fix]       golden files are data and left as their scripts wrote them
cd "$(dirname "$0")/.." || exit 1
mapfile -t sources < <(git ls-files -- '*.c' '*.h' '*.cc' '*.cu' '*.cuh' 2>/dev/null | grep -v '^tests/golden/')
[ ${#sources[@]} -gt 0 ] || { echo "skipped: no git checkout, so what is the project's own is not known"; exit 77; }
mapfile -t all < <(git ls-files -- '*.c' '*.h' '*.cc' '*.cu' '*.cuh' '*.sh' '*.bats' '*.bash' '*.py' '*.pl' '*.proto' '*Makefile' '*.conf')
bad=0
for f in "${all[@]}"; do
    head -n 3 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' || { echo "$f: no SPDX-License-Identifier in its first lines"; bad=1; }
done
format=$(command -v clang-format-14 || command -v clang-format)
case $("${format:-false}" --version 2>/dev/null) in
*'version 14.'*) ;;
*) [ $bad = 0 ] || exit 1; echo "skipped: clang-format 14 is not installed; others lay code out otherwise"; exit 77 ;;
esac
[ "${1:-}" != --fix ] || "$format" -i "${sources[@]}"
"$format" --dry-run -Werror "${sources[@]}" 2>&1 | grep 'error:' | head -n 20
[ "${PIPESTATUS[0]}" = 0 ] || { echo "format: tests/format.sh --fix lays it out"; bad=1; }
exit $bad
