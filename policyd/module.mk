# policyd: one program, four processes (proc.c has the table).
policyd_SRCS := $(sort $(wildcard policyd/*.c policyd/*/*.c))
# FreeRADIUS's library is not where the linker looks.
FREERADIUS_LIB ?= /usr/lib/freeradius
FREERADIUS_LIBS = -L$(FREERADIUS_LIB) -Wl,-rpath,$(FREERADIUS_LIB) -lfreeradius-radius -ltalloc
policyd_ARCHIVES = $(B)/libvmprovev.a
policyd_LIBS = $(evlib_LIBS) -linih -lseccomp $(FREERADIUS_LIBS)
CFLAGS_policyd = -Ipolicyd -Ievlib -DVMPROV_STATEDIR='"$(STATEDIR)"' -DVMPROV_SYSCONFDIR='"$(SYSCONFDIR)"' \
	-DPOLICYD_CONFIG='"$(SYSCONFDIR)/vmprov/policyd.conf"'
PROGRAMS += policyd

# Only this file sees the library's headers (rlm_vmprov/module.mk completes them).
$(B)/obj/policyd/coa/packet.o: CFLAGS_policyd += -isystem $(FREERADIUS_INCLUDE)
$(B)/obj/policyd/coa/packet.o: $(if $(filter build/%,$(FREERADIUS_INCLUDE)),build/freeradius/include/.complete)

# -- make install, make uninstall: configuration, unit, users (the Makefile says how).  docs/module.mk has the program and its
# pages.
policyd_CONFS   = $(call in_etc,policyd.conf coa-dialects.conf)
policyd_SECRET := nas-secrets.conf
policyd_UNITS   = vmprov-policyd.service:$(UNITDIR)/vmprov-policyd.service vmprov.sysusers.conf:$(SYSUSERSDIR)/vmprov.conf \
	vmprov.tmpfiles.conf:$(TMPFILESDIR)/vmprov.conf
DAEMONS += policyd
