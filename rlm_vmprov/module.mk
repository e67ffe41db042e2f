# The FreeRADIUS module, against the headers of the server that is installed.
rlm_vmprov_SRCS := $(sort $(wildcard rlm_vmprov/*.c))
MODULE_SO := $(B)/rlm_vmprov.so

# Debian's libfreeradius-dev lacks headers that a module needs; headers.sh completes them under build/.
FREERADIUS_INCLUDE ?= build/freeradius/include
# NDEBUG as the server: REQUEST's layout depends on it.  The server's headers are not ours to warn about.
CFLAGS_rlm_vmprov = -DNDEBUG -isystem $(FREERADIUS_INCLUDE) -idirafter rlm_vmprov/compat -include freeradius/autoconf.h \
	-include freeradius/build.h -include freeradius/features.h -include freeradius/radpaths.h -Wno-sign-conversion \
	-Wno-conversion -Wno-undef

build/freeradius/include/.complete: rlm_vmprov/headers.sh
	$(call say,GET,FreeRADIUS headers)
	$(Q)sh rlm_vmprov/headers.sh build/freeradius
	$(Q)touch $@

$(rlm_vmprov_SRCS:%.c=$(B)/obj/%.o): $(if $(filter build/%,$(FREERADIUS_INCLUDE)),build/freeradius/include/.complete)

# Our symbols stay inside: only the module's own structure is for the server.
$(MODULE_SO): $(rlm_vmprov_SRCS:%.c=$(B)/obj/%.o) $(B)/libvmprov.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -shared -Wl,--exclude-libs,ALL -o $@ $^ $(lib_LIBS) -ltalloc

-include $(rlm_vmprov_SRCS:%.c=$(B)/obj/%.d)
