vmprov_SRCS := $(sort $(wildcard vmprov/*.c))
vmprov_LIBS := -ljansson -lsmartcols -lcsv
CFLAGS_vmprov = -DVMPROV_SYSCONFDIR='"$(SYSCONFDIR)"'
