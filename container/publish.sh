#!/bin/bash
# The images of this commit, and their way into the registry.
# usage: publish.sh build              ordo:latest and ordo:latest-plain, with the registry's layers
#        publish.sh push [VERSION]     and pushes them, each as the commit, and as latest or VERSION
# REGISTRY_IMAGE names the image there, for example ghcr.io/example/ordo; on GitHub it is made of the
# repository's name. REGISTRY_USER and REGISTRY_TOKEN log in. Without any of them: build, without a registry.
# The last two lines of a push are name=… and digest=…; all else goes to stderr.
set -euo pipefail
cd "$(dirname "$0")/.."

action=${1-}
version=${2:-latest}
case $action in build | push) ;; *)
    sed -n '2,8s/^# \?//p' "$0" >&2
    exit 1
    ;;
esac

image=${REGISTRY_IMAGE:-${GITHUB_REPOSITORY:+ghcr.io/${GITHUB_REPOSITORY,,}}}
if [ -z "$image" ] && [ "$action" = push ]; then
    echo 'publish.sh: REGISTRY_IMAGE says where to push' >&2
    exit 1
fi
if [ -n "${REGISTRY_TOKEN-}" ]; then
    printf %s "$REGISTRY_TOKEN" | docker login -u "$REGISTRY_USER" --password-stdin "${image%%/*}" >&2
fi

# Only the builder that is there with buildx keeps layers in a registry.
if [ -n "$image" ] && docker buildx version >/dev/null 2>&1; then
    cache="--load --allow network.host --cache-from type=registry,ref=$image:cache"
    if [ "$action" = push ]; then cache="$cache --cache-to type=registry,ref=$image:cache,mode=max"; fi
    export ENGINE_BUILD="${ENGINE_BUILD-} $cache"
fi
ENGINE=docker ./dev image >&2
[ "$action" = push ] || exit 0

commit=$(git rev-parse HEAD)
for tag in "$commit" "$version"; do
    for variant in '' -plain; do
        docker tag "ordo:latest$variant" "$image:$tag$variant"
        docker push "$image:$tag$variant" >&2
    done
done
echo "name=$image"
docker image inspect -f '{{range .RepoDigests}}{{println .}}{{end}}' "$image:$commit" |
    sed -n "s,^$image@,digest=,p" | head -n 1
