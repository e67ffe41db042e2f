# gatewayd: the gateway of an enclave: its licence broker, and a member of COIs that faces the clear network.
gatewayd_SRCS := $(sort $(wildcard gatewayd/*.c))
gatewayd_ARCHIVES = $(member_ARCHIVES)
gatewayd_LIBS = $(member_LIBS) -linih -lseccomp -lcap-ng
CFLAGS_gatewayd = -Igatewayd -Imember -Ievlib -DVMPROV_STATEDIR='"$(STATEDIR)"' -DVMPROV_SYSCONFDIR='"$(SYSCONFDIR)"' \
	-DGATEWAYD_CONFIG='"$(SYSCONFDIR)/vmprov/gatewayd.conf"'
PROGRAMS += gatewayd

# -- make install, make uninstall (the Makefile says how) ---------------------------------------------------------------
gatewayd_CONFS = $(call in_etc,gatewayd.conf)
gatewayd_UNITS = vmprov-gatewayd.service:$(UNITDIR)/vmprov-gatewayd.service \
	vmprov-gatewayd.sysusers.conf:$(SYSUSERSDIR)/vmprov-gatewayd.conf \
	vmprov-gatewayd.tmpfiles.conf:$(TMPFILESDIR)/vmprov-gatewayd.conf
DAEMONS += gatewayd
