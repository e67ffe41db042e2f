# policyd: one program, three processes (proc.c has the table).
policyd_SRCS := $(sort $(wildcard policyd/*.c policyd/*/*.c))
policyd_LIBS := -levent_openssl -levent -lssl -lcrypto -ljansson -linih -lseccomp
CFLAGS_policyd = -Ipolicyd -DVMPROV_STATEDIR='"$(STATEDIR)"' -DPOLICYD_CONFIG='"$(SYSCONFDIR)/vmprov/policyd.conf"'
PROGRAMS += policyd
