#!/bin/sh
# Builds and publishes the images of nginx, api, worker and monitor. `make images` and its relatives call it.
#   build   for this machine, under their tags
#   push    for this machine, without a tag: the registry gets them by digest, with SBOM and provenance
#   pull    fetches what `push` pushed, and names it throughline/PART:PULL_AS (default: TAG)
#   index   joins what was pushed for each architecture under one tag: only now can a user find them
# TAG (v0.2.0 and 0.2.0 are the same; default: the package's version), REGISTRY (such as ghcr.io/example), SOURCE (a URL).
# push writes the digests to DIGESTS (var/images), where index reads them and adds its own: var/images/checksums.
set -eu
cd "$(dirname "$0")/.."
step=${1:-}
parts="nginx api worker monitor"
digests=${DIGESTS:-var/images}
tag=${TAG:-$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)}
tag=${tag#v}
# What the images say that they are: a release its tag, any other build its commit too.
if [ -n "${TAG:-}" ]; then version=$tag; else version=$(sh deploy/version.sh); fi
revision=$(git rev-parse HEAD 2>/dev/null || true)

fail() {
  echo "images: $*" >&2
  exit 1
}

# Names of images are in lower case, those of a registry's owners need not be.
prefix=$(echo "${REGISTRY:+$REGISTRY/}throughline" | tr '[:upper:]' '[:lower:]')

# The architecture as images name it, for the name of the file with an image's digest.
architecture() {
  case $(uname -m) in
    x86_64 | amd64) echo amd64 ;;
    aarch64 | arm64) echo arm64 ;;
    *) fail "no images are made for $(uname -m): only for amd64 and arm64" ;;
  esac
}

# Everything about an image but where it goes.
arguments() {
  if [ "$1" = nginx ]; then echo "--file nginx/Dockerfile"; else echo "--file deploy/Dockerfile --target $1 --build-arg PART=$1"; fi
  echo "--build-arg VERSION=$version --build-arg REVISION=$revision --build-arg SOURCE=${SOURCE:-}"
}

needs_registry() {
  [ -n "${REGISTRY:-}" ] || fail "$step needs REGISTRY, such as ghcr.io/example"
}

digest_of() { # part, architecture
  file=$digests/$1-$2
  [ -s "$file" ] || fail "$file is missing: 'make images-push' writes it"
  cat "$file"
}

build() {
  # shellcheck disable=SC2046 # a list of words
  docker build $(arguments "$1") --tag "$prefix/$1:$tag" .
}

push() {
  # shellcheck disable=SC2046 # a list of words
  docker buildx build $(arguments "$1") --provenance mode=max --sbom true --metadata-file "$digests/metadata" \
    --output "type=image,name=$prefix/$1,push-by-digest=true,name-canonical=true,push=true" .
  sed -n 's/.*"containerimage.digest": *"\(sha256:[0-9a-f]*\)".*/\1/p' "$digests/metadata" >"$digests/$1-$(architecture)"
  rm "$digests/metadata"
  digest_of "$1" "$(architecture)" >/dev/null
}

pull() {
  image=$prefix/$1@$(digest_of "$1" "$(architecture)")
  docker pull "$image"
  docker tag "$image" "throughline/$1:${PULL_AS:-$tag}"
}

index() {
  amd64=$(digest_of "$1" amd64)
  arm64=$(digest_of "$1" arm64)
  docker buildx imagetools create --tag "$prefix/$1:$tag" "$prefix/$1@$amd64" "$prefix/$1@$arm64"
  digest=$(docker buildx imagetools inspect "$prefix/$1:$tag" --format '{{.Manifest.Digest}}')
  echo "${digest#sha256:}  $prefix/$1" >>"$digests/checksums"
}

case $step in
  build) ;;
  push | pull | index)
    needs_registry
    mkdir -p "$digests"
    rm -f "$digests/checksums"
    ;;
  *) fail "'$step' is none of build, push, pull, index" ;;
esac
for part in $parts; do
  "$step" "$part"
done
