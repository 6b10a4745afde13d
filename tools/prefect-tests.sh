#!/usr/bin/env bash
# Prefect's own tests, with Prefect's decorators and with ours in their place:
#
#   tools/prefect-tests.sh [--mode MODE] [--ours] CHECKOUT [FILES...]
#
# CHECKOUT is a checkout of Prefect's repository; FILES are some of its tests, by default those of
# tasks, flows, the task engine and results. A table tells how many pass each way, and then each
# test that differs. MODE is the mode that ours run in, by default prefect; in the others nothing
# is kept. --ours takes over what Prefect's decorators gave the last time.
#
# The tests run in a virtual environment of their own, which is made once, in CHECKOUT/.prefectx.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
mode=prefect
again=yes
while [[ ${1:-} == --* ]]; do
    case $1 in
        --mode) mode=$2; shift 2 ;;
        --ours) again=; shift ;;
        *) echo "prefect-tests.sh: unknown option $1" >&2; exit 2 ;;
    esac
done
[ $# -ge 1 ] && [ -d "$1/tests" ] || { sed -n '2,12p' "$0" >&2; exit 2; }
checkout=$(cd "$1" && pwd)
shift
sets=("$@")
[ ${#sets[@]} -gt 0 ] || sets=(
    "tests/test_task_engine.py tests/public tests/results/test_task_results.py"
    tests/test_flows.py
    tests/test_tasks.py
)

own=$checkout/.prefectx
python=$own/venv/bin/python
if [ ! -x "$python" ]; then
    python3 -m venv "$own/venv"
    "$python" -m pip install --quiet --disable-pip-version-check -e "$here[prefect]" \
        'pytest>=9,<10' 'pytest-asyncio>=1.1,<1.5' pytest-env pytest-timeout pytest-xdist \
        respx moto numpy opentelemetry-test-utils virtualenv uv
    # The tests give their server 20 seconds to start, and some systems let nothing else write it.
    "$python" -m compileall -q "$own/venv" "$here/prefectx" || true
fi
# Some tests start programs by their names.
export PATH=$own/venv/bin:$PATH PREFECT_SERVER_ANALYTICS_ENABLED=false

# The tests' own results are what is asked for, so a run whose tests fail goes on.
run() {
    local results=$1
    shift
    (cd "$checkout" && "$python" -m pytest -o addopts= --timeout 180 -q --junitxml="$results" "$@") \
        >"${results%.xml}.log" 2>&1 </dev/null || true
}

number=0
results=()
for files in "${sets[@]}"; do
    number=$((number + 1))
    name=$own/$(echo "$files" | tr -c 'a-zA-Z0-9_\n' - | cut -c1-60)
    # shellcheck disable=SC2086 - a set is several files
    [ -z "$again" ] && [ -f "$name.prefect.xml" ] || run "$name.prefect.xml" -p no:prefectx $files
    # shellcheck disable=SC2086
    run "$name.ours.xml" --prefectx-replace-prefect --prefectx-mode="$mode" $files
    results+=("$files" "$name.prefect.xml" "$name.ours.xml")
done
"$python" "$here/tools/prefect_tests.py" "${results[@]}"
