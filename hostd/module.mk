# hostd: one program, three processes (proc.c has the table).
hostd_SRCS := $(sort $(wildcard hostd/*.c))
hostd_ARCHIVES = $(B)/libvmprovev.a
hostd_LIBS = $(evlib_LIBS) -lnftables -lmnl -larchive -lvirt -lxml2 -linih -lseccomp -lcap-ng
CFLAGS_hostd = -Ihostd -Ievlib -DVMPROV_STATEDIR='"$(STATEDIR)"' -DVMPROV_SYSCONFDIR='"$(SYSCONFDIR)"' \
	-DHOSTD_CONFIG='"$(SYSCONFDIR)/vmprov/hostd.conf"' -isystem /usr/include/libxml2
PROGRAMS += hostd

# -- make install, make uninstall (the Makefile says how); libvirtd finds its hook at its next start -----------------
hostd_CONFS   = $(call in_etc,hostd.conf guests.conf) libvirt-hook:0755:$(SYSCONFDIR)/libvirt/hooks/qemu.d/vmprov
hostd_SECRET := eap-md5.conf
hostd_UNITS   = vmprov-hostd.service:$(UNITDIR)/vmprov-hostd.service \
	vmprov-hostd.sysusers.conf:$(SYSUSERSDIR)/vmprov-hostd.conf vmprov-hostd.tmpfiles.conf:$(TMPFILESDIR)/vmprov-hostd.conf
DAEMONS += hostd
