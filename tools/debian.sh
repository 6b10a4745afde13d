#!/usr/bin/env bash
# A fresh Debian in a folder: run a command there, in a copy of this checkout.
#
#   tools/debian.sh 12 DIR COMMAND…    Debian 12, with its Python 3.11
#   tools/debian.sh 13 DIR COMMAND…    Debian 13, with its Python 3.13
#
# As root. DIR is made if it is not there, which takes minutes.
# It needs debootstrap and the network. What is installed there stays for the next time, the copy
# of the checkout is made anew: of what is committed.
set -euo pipefail
# Where Debian keeps debootstrap and chroot, which not every user has on the path.
PATH=$PATH:/usr/sbin:/sbin

die() { echo "debian.sh: $*" >&2; exit 1; }

[ $# -ge 3 ] || die "needs a release (12 or 13), a folder and a command"
case $1 in
12) release=bookworm ;;
13) release=trixie ;;
*) die "knows Debian 12 and 13, not $1" ;;
esac
[ "$(id -u)" = 0 ] || die "must be run as root, for chroot and mounts"
command -v debootstrap >/dev/null || die "needs debootstrap: apt-get install debootstrap"
checkout=$(cd "$(dirname "$0")/.." && pwd)
root=$(realpath -m "$2")
shift 2

if [ ! -e "$root/made" ]; then
    debootstrap --variant=minbase --include=python3,python3-venv,make,git,ca-certificates,procps \
        "$release" "$root" >&2
    touch "$root/made"
fi

# Names, certificates and registries as they are here.
cp --dereference /etc/resolv.conf /etc/hosts "$root/etc/"
cp --dereference /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
[ ! -e /etc/pip.conf ] || cp /etc/pip.conf "$root/etc/"

unmount() { umount --lazy "$root/dev" "$root/proc" 2>/dev/null || true; }
trap unmount EXIT
mount --bind /proc "$root/proc"
mount --rbind --make-rslave /dev "$root/dev"

rm -rf "$root/prefectx"
git clone --quiet --no-hardlinks "$checkout" "$root/prefectx"
chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/bin:/usr/sbin:/bin:/sbin LANG=C.UTF-8 \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    sh -c 'cd /prefectx && exec "$@"' sh "$@"
