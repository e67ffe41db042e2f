#!/bin/sh
# A guest for the tests' hypervisors: make.sh DIR makes DIR/vmlinuz and DIR/initrd, unless they are there and newer than what they
# are made of.
#
# The kernel is Debian's for clouds, downloaded and taken apart here.  Installed, it would take 100 MB, make an initrd for the machine
# itself, and on some machines become the kernel that boots next.  The rest is busybox and the script beside this one.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"
exec 9> lock
flock 9 # one download, when several tests begin together

# In the order in which they are loaded.  What a kernel has inside, or has no more, is left out.
modules='virtio_ring virtio failover net_failover virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_net virtio_blk
	scsi_common scsi_mod cdrom libata ata_piix sr_mod isofs button evdev'
# For guests that are members of communities, which load them themselves.
modules_coi='libcurve25519-generic udp_tunnel ip6_udp_tunnel libpoly1305 poly1305-x86_64 libchacha chacha-x86_64
	libchacha20poly1305 curve25519-x86_64 wireguard tun crc32c_generic libcrc32c nfnetlink nf_tables'

modules_take() {
	for m in $1; do
		find package/lib/modules -name "$m.ko" -exec cp {} lib/ \; -exec echo "$m" \;
	done
}

kernel_get() {
	package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\)$/\1/p')
	[ -n "$package" ] || {
		echo 'apt knows of no linux-image-cloud-amd64: apt-get update, as root' >&2
		return 1
	}
	rm -rf package && mkdir package
	(cd package && apt-get -qq download "$package" 2>&1) || return 1
	dpkg -x package/*.deb package
	rm -rf lib && mkdir lib
	modules_take "$modules" > lib/order
	modules_take "$modules_coi" > lib/order-coi
	mv package/boot/vmlinuz-* vmlinuz
	touch vmlinuz
	rm -rf package
}

initrd_make() {
	rm -rf root && mkdir -p root/bin root/dev root/mnt root/proc root/sys root/etc/acpi/PWRF
	cp -r lib root/lib
	cp "$(command -v busybox)" root/bin/busybox
	cp "$here/init" root/init
	(cd root && bsdtar -c --format newc --uid 0 --gid 0 .) | gzip -1 > initrd.new
	mv initrd.new initrd
	rm -rf root
}

# made FILE FROM: it is there, and FROM is not newer.
made() { [ -e "$1" ] && [ -z "$(find "$2" -prune -newer "$1")" ]; }

made vmlinuz "$here/make.sh" || kernel_get
if ! made initrd "$here/init" || ! made initrd vmlinuz; then
	initrd_make
fi
