#!/bin/bash
# member's driver for the kernel's WireGuard, in a guest whose kernel has it: the same tests that unit-member does with wireguard-go,
# and those of the TUN interface by another kernel.
. "$(dirname "$0")/lib.sh"
t_begin wg_kernel

GUEST=$TOP/build/guest
why=$(sh "$HERE/guest/make.sh" "$GUEST" 2>&1 | tail -n 1)
for need in qemu-system-x86_64 busybox bsdtar; do
	command -v "$need" >/dev/null || why="there is no $need"
done
if [ -n "$why" ] || [ ! -e "$GUEST/lib/order-coi" ] || [ "$(uname -m)" != x86_64 ]; then
	echo "wg_kernel: left out: no guest with WireGuard: ${why:-no modules}"
	t_end
fi

# The kernel takes archives one behind the other: the guest's own, and this one.
mkdir -p "$T/tree/coi" "$T/tree/bin" "$T/tree/var" "$T/tree/run" "$T/tree/tmp"
ln -s /run "$T/tree/var/run"
cp "$B/bin/unit-member" "$T/tree/bin/"
ldd "$B/bin/unit-member" | grep -o '/[^ ]*' | while read -r library; do
	mkdir -p "$T/tree${library%/*}"
	cp -L "$library" "$T/tree$library"
done
cat > "$T/tree/coi/init" <<'END'
for m in $($b cat /lib/order-coi); do $b insmod "/lib/$m.ko"; done
export PATH=/bin CK_TIMEOUT_MULTIPLIER=10 CK_RUN_CASE
for CK_RUN_CASE in kernel tun; do
	say "begin $CK_RUN_CASE"
	/bin/unit-member
	say "end $CK_RUN_CASE $?"
done
$b poweroff -f
END
(cd "$T/tree" && bsdtar -c --format newc --uid 0 --gid 0 .) | gzip -1 > "$T/more"
cat "$GUEST/initrd" "$T/more" > "$T/initrd"

timeout 300 qemu-system-x86_64 -m 1024 -display none -monitor none -serial "file:$T/console" -no-reboot -net none \
	-kernel "$GUEST/vmlinuz" -initrd "$T/initrd" -append 'console=ttyS0 quiet panic=1' < /dev/null > "$T/qemu" 2>&1
tr -d '\r' < "$T/console" > "$T/said"
for suite in kernel tun; do
	part=$(sed -n "/guest: begin $suite\$/,/guest: end $suite /p" "$T/said")
	like "the $suite tests end well in a guest" "$part" "guest: end $suite 0"
	# A suite that is not there would end well too.
	like "there are some" "$part" '100%: Checks: ([1-9][0-9]|[5-9]), Failures: 0, Errors: 0'
done
t_end
