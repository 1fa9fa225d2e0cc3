#!/bin/sh
# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
# Download the packages of packages.txt from the configured Debian mirror and unpack them (nothing is installed).
# usage: fetch.sh DATA_DIR   -> DATA_DIR/deb/*.deb, DATA_DIR/x/<package>/
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/deb" "$1/x"
cd "$1/deb"
for package in $(grep -v '^#' "$here/packages.txt"); do
    [ -d "../x/$package" ] && continue
    apt-get download "$package" || { echo "skipped: $package" >&2; continue; }
    dpkg -x "$package"_*.deb "../x/$package"
done
