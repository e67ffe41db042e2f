# relayd: proxy and relay in one program.  One process.
relayd_SRCS := $(sort $(wildcard relayd/*.c))
relayd_ARCHIVES = $(B)/libvmprovev.a
relayd_LIBS = $(evlib_LIBS) -linih -lseccomp
CFLAGS_relayd = -Irelayd -Ievlib -DVMPROV_STATEDIR='"$(STATEDIR)"' -DVMPROV_SYSCONFDIR='"$(SYSCONFDIR)"' \
	-DRELAYD_CONFIG='"$(SYSCONFDIR)/vmprov/relayd.conf"'
PROGRAMS += relayd

# -- make install, make uninstall (the Makefile says how) -------------------------------------------------------------
relayd_CONFS = $(call in_etc,relayd.conf)
relayd_UNITS = vmprov-relayd.service:$(UNITDIR)/vmprov-relayd.service \
	vmprov-relayd.sysusers.conf:$(SYSUSERSDIR)/vmprov-relayd.conf \
	vmprov-relayd.tmpfiles.conf:$(TMPFILESDIR)/vmprov-relayd.conf
DAEMONS += relayd
