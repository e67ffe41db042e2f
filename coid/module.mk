# coid: a guest's part in its communities.  One process, and the command that asks it.
coid_SRCS := $(sort $(wildcard coid/*.c))
coid_ARCHIVES = $(member_ARCHIVES)
coid_LIBS = $(member_LIBS) -larchive -linih -lseccomp -lcap-ng -lsmartcols
CFLAGS_coid = -Icoid -Imember -Ievlib -DVMPROV_STATEDIR='"$(STATEDIR)"' -DVMPROV_SYSCONFDIR='"$(SYSCONFDIR)"' \
	-DCOID_CONFIG='"$(SYSCONFDIR)/vmprov/coid.conf"'
PROGRAMS += coid

# -- make install, make uninstall (the Makefile says how) -------------------------------------------------------------
coid_CONFS = $(call in_etc,coid.conf)
coid_UNITS = vmprov-coid.service:$(UNITDIR)/vmprov-coid.service vmprov-coid.tmpfiles.conf:$(TMPFILESDIR)/vmprov-coid.conf
DAEMONS += coid
