# gatewayd: the gateway of an enclave; today its licence broker.  One process.
gatewayd_SRCS := $(sort $(wildcard gatewayd/*.c))
gatewayd_ARCHIVES = $(B)/libvmprovev.a
gatewayd_LIBS = $(evlib_LIBS) -linih -lseccomp
CFLAGS_gatewayd = -Igatewayd -Ievlib -DVMPROV_STATEDIR='"$(STATEDIR)"' -DVMPROV_SYSCONFDIR='"$(SYSCONFDIR)"' \
	-DGATEWAYD_CONFIG='"$(SYSCONFDIR)/vmprov/gatewayd.conf"'
PROGRAMS += gatewayd

# -- make install, make uninstall (the Makefile says how) ---------------------------------------------------------------
gatewayd_CONFS = $(call in_etc,gatewayd.conf)
gatewayd_UNITS = vmprov-gatewayd.service:$(UNITDIR)/vmprov-gatewayd.service \
	vmprov-gatewayd.sysusers.conf:$(SYSUSERSDIR)/vmprov-gatewayd.conf \
	vmprov-gatewayd.tmpfiles.conf:$(TMPFILESDIR)/vmprov-gatewayd.conf
DAEMONS += gatewayd
