#!/bin/sh
# Packs the chart into var/chart, or pushes what was packed. `make chart` and `make chart-push` call it.
# TAG is the chart's version and that of its images (v0.2.0 and 0.2.0 are the same; default: the package's version).
# With REGISTRY (such as ghcr.io/example) the packed chart takes its images from there, and is pushed to REGISTRY/charts.
set -eu
cd "$(dirname "$0")/.."
step=${1:-}
tag=${TAG:-$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)}
tag=${tag#v}
registry=$(echo "${REGISTRY:-}" | tr '[:upper:]' '[:lower:]')
package=var/chart/throughline-$tag.tgz

fail() {
  echo "chart: $*" >&2
  exit 1
}

pack() {
  mkdir -p var/chart
  copy=$(mktemp -d)
  trap 'rm -rf "$copy"' EXIT
  # With the files that the chart's symbolic links lead to: rules, dashboards, configuration.
  cp -RL deploy/helm/throughline "$copy/"
  values=$copy/throughline/values.yaml
  if [ -n "$registry" ]; then
    [ "$(grep -c '^  registry: ""$' "$values")" = 1 ] || fail 'values.yaml no longer has one line `  registry: ""`'
    sed "s|^  registry: \"\"\$|  registry: $registry|" "$values" >"$values.new"
    mv "$values.new" "$values"
  fi
  helm package "$copy/throughline" --version "$tag" --app-version "$tag" --destination var/chart
}

case $step in
  pack) pack ;;
  push)
    [ -n "$registry" ] || fail "push needs REGISTRY, such as ghcr.io/example"
    [ -f "$package" ] || fail "$package is missing: 'make chart' makes it"
    helm push "$package" "oci://$registry/charts"
    ;;
  *) fail "'$step' is none of pack, push" ;;
esac
