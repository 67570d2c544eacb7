#!/bin/sh
# What a release needs beside the packages.
# usage: release.sh notes TAG      the notes of this version out of CHANGELOG.md
#        release.sh checksums      dist/SHA256SUMS
set -eu
cd "$(dirname "$0")/.."

die() {
    echo "release.sh: $*" >&2
    exit 1
}

case ${1-} in
notes)
    version=${2#v}
    [ "v$version" = "$2" ] || die "the tag $2 is not v and a version"
    [ "$version" = "$(sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog)" ] ||
        die "$version is not the version of debian/changelog"
    [ "$version" = "$(sed -n "s/^  version: '\(.*\)',/\1/p" meson.build)" ] ||
        die "$version is not the version of meson.build"
    notes=$(awk -v head="## [$version]" '
        /^## / { inside = index($0, head) == 1; if (inside && /unreleased/) exit; next }
        inside' CHANGELOG.md)
    [ -n "$notes" ] || die "CHANGELOG.md has no section $version, or calls it unreleased"
    printf '%s\n' "$notes" | sed '/./,$!d'
    ;;
checksums)
    cd dist
    sha256sum ./*.deb >SHA256SUMS
    cat SHA256SUMS
    ;;
*) die "usage: release.sh notes TAG | checksums" ;;
esac
