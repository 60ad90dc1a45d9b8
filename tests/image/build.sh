#!/bin/sh
# The image, where neither Docker nor the public base image is at hand: by Debian's buildah, from a base
# that debootstrap makes in place of it. As root, with
#   apt-get install --no-install-recommends buildah debootstrap
#   tests/image/build.sh [FLAG OF buildah bud]...
# Flags are, for instance, --volume FILE:/etc/pip.conf:ro for a package index of yours.
set -eu
cd "$(dirname "$0")/../.."
from=$(sed -n 's/^FROM //p' Dockerfile)
if ! buildah inspect --type image "$from" > /dev/null 2>&1; then
    base=$(mktemp -d)
    trap 'rm -rf "$base"' EXIT
    debootstrap --variant=minbase --include=python3.11,python3-pip,ca-certificates bookworm "$base"
    ln -s python3.11 "$base/usr/bin/python"
    rm -f "$base"/usr/lib/python3.11/EXTERNALLY-MANAGED
    rm -rf "$base"/var/cache/apt/archives/*.deb "$base"/var/lib/apt/lists/*
    container=$(buildah from scratch)
    buildah add --quiet "$container" "$base" /
    buildah commit --quiet --rm "$container" "localhost/$from"
fi
exec buildah bud --isolation chroot --layers --pull-never --format docker --tag emohead "$@" .
