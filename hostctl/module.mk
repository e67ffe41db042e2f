# vmprov-hostctl: what an operator of a host, and libvirt's hook, say to hostd.
vmprov-hostctl_SRCS := $(sort $(wildcard hostctl/*.c))
vmprov-hostctl_LIBS = -ljansson -lsmartcols
PROGRAMS += vmprov-hostctl
